//! The HTTP client for outbound requests of this service.
//!
//! [`client`] builds a client without redirects and retries. [`send`] and [`read_body`] report
//! failures without URLs and stop reading at a limit. [`Redactor`] cleans text from a peer for the
//! log.

mod answer;
mod client;
mod redact;

pub use answer::{Body, TransportError, read_body, send};
pub use client::{ClientError, Connections, client};
pub use redact::Redactor;
pub use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
