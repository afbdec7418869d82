//! The HTTP client for requests that this service makes.
//!
//! [`client`] builds a client that follows no redirect and repeats nothing. [`send`] and
//! [`read_body`] report failures without URLs, and stop reading at a limit. [`Redactor`] makes text
//! from a peer fit for the log.

mod answer;
mod client;
mod redact;

pub use answer::{Body, NoAnswer, read_body, send};
pub use client::{ClientError, Connections, client};
pub use redact::Redactor;
pub use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
