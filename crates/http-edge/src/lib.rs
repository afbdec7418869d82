//! The edge between sockets and handlers: accept loop, deadlines, request ids, strict JSON bodies,
//! limits, CORS and problem responses.
//!
//! It supports HTTP/1.1 and HTTP/1.0 without TLS. A load balancer terminates TLS and HTTP/2. The
//! crate is independent of the domain: the caller maps each [`Fault`] to a status through
//! [`EdgeConfig`].
//!
//! ```no_run
//! # use http_edge::{Drain, EdgeConfig, EdgeSettings, Problem, edge_layers, raise_file_limit, serve};
//! # async fn run(app: axum::Router, config: EdgeConfig) -> std::io::Result<()> {
//! let settings = EdgeSettings::default().within_file_limit(raise_file_limit()?);
//! let drain = Drain::new();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! serve(listener, edge_layers(app, config), settings, drain.clone()).await
//! # }
//! ```

mod access;
mod answer;
mod bearer;
mod client_address;
mod connection;
mod cors;
mod drain;
mod fault;
mod file_limit;
mod json;
mod layers;
mod limits;
mod problem;
mod raw_body;
mod request_id;
mod serve;
mod settings;
mod trusted_proxies;

pub use bearer::{BearerFault, bearer};
pub use client_address::{ClientAddress, SourceNetwork};
pub use connection::PeerAddr;
pub use cors::CorsPolicy;
pub use drain::Drain;
pub use fault::Fault;
pub use file_limit::raise_file_limit;
pub use json::StrictJson;
pub use layers::{EdgeConfig, Renderer, edge_layers};
pub use limits::{Decision, FailedAttempt, FailureLimiter, Moment, RateLimiter};
pub use problem::Problem;
pub use raw_body::RawBody;
pub use request_id::{RequestId, X_REQUEST_ID};
pub use serve::serve;
pub use settings::{EdgeSettings, SECRETS, SETTINGS};
pub use trusted_proxies::TrustedProxies;
