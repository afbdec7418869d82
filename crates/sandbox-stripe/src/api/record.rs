//! Records each exchange as a line of JSON, for checks against Stripe's published schema.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use serde::Serialize;

use super::response::STRIPE_VERSION;
use crate::ids::{self, IdKind};

/// A log file that only this sandbox appends to.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(Arc<Mutex<File>>);

/// A request and its response, without the credential. Portal session links are included.
#[derive(Serialize)]
struct Exchange<'a> {
    method: &'a str,
    /// The operation's path in the schema's form; None for an unknown path.
    operation: Option<&'a str>,
    path: &'a str,
    query: &'a str,
    request: &'a str,
    user_agent: Option<&'a str>,
    version: Option<&'a str>,
    status: u16,
    answer: &'a str,
}

impl Recorder {
    /// Creates a file in this folder, and the folder if it is missing.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!(
            "{}-{}.jsonl",
            std::process::id(),
            ids::generate(IdKind::Request)?
        ));
        let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Records every API response before it is sent. The client never has a response that the
    /// file lacks, even if the process is killed.
    pub(crate) fn layer(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, exchange))
    }

    fn append(&self, exchange: &Exchange<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(exchange)?;
        line.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

async fn exchange(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let operation = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // Matched paths outside `/v1/` are portal pages or the sandbox's own endpoints.
    if operation.as_ref().is_some_and(|path| !path.starts_with("/v1/")) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let uri = parts.uri.clone();
    let headers = parts.headers.clone();
    let received = Arc::new(Mutex::new(Vec::new()));
    let copy = Arc::clone(&received);
    let body = Body::new(body.map_frame(move |frame| {
        if let Some(data) = frame.data_ref() {
            copy.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(data);
        }
        frame
    }));
    let response = next.run(Request::from_parts(parts, body)).await;
    // API bodies have a known length. A body without one is truncated by a fault.
    if response.body().size_hint().exact().is_none() {
        return response;
    }
    let (head, body) = response.into_parts();
    let answer = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return lost(&error),
    };
    let request = received.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let recorded = recorder.append(&Exchange {
        method: method.as_str(),
        operation: operation.as_deref(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        request: &String::from_utf8_lossy(&request),
        user_agent: text(&headers, &header::USER_AGENT),
        version: text(&headers, &STRIPE_VERSION),
        status: head.status.as_u16(),
        answer: &String::from_utf8_lossy(&answer),
    });
    match recorded {
        Ok(()) => Response::from_parts(head, Body::from(answer)),
        Err(error) => lost(&error),
    }
}

/// Returns 500, because the response could not be recorded.
fn lost(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "recording an exchange failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
