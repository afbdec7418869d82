//! The stub's responses, complete or incomplete.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use hyper::body::{Body, Frame};
use serde_json::{Value, json};

use super::fault::ErrorAnswer;

pub(super) type Response = http::Response<ScriptedBody>;

/// A body that may end early.
#[derive(Clone, Debug)]
pub(super) struct ScriptedBody {
    chunks: VecDeque<Bytes>,
    then: End,
    /// Whether hyper could write the head and the previous chunks.
    flushed: bool,
}

/// The end of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The body is complete.
    Complete,
    /// The connection closes.
    Break,
    /// Nothing more is sent.
    Stall,
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(chunk) = self.chunks.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match self.then {
            End::Complete => Poll::Ready(None),
            End::Stall => Poll::Pending,
            End::Break if self.flushed => {
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
            }
            End::Break => {
                self.flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// Returns a response with `Content-Length`.
pub(super) fn sized(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Response {
    let body = body.into();
    let mut response = chunked(status, media_type, vec![body.clone()]);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    response
}

/// Returns a chunked response.
pub(super) fn chunked(status: u16, media_type: &'static str, chunks: Vec<Bytes>) -> Response {
    let body = ScriptedBody { chunks: chunks.into(), then: End::Complete, flushed: false };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).expect("faults have statuses from 100 to 999");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Returns a JSON response.
pub(super) fn json_answer(status: u16, body: &Value) -> Response {
    sized(status, "application/json", body.to_string())
}

/// Cuts a response after the first `keep` bytes of its body: the connection closes or stalls.
pub(super) fn cut(mut response: Response, keep: usize, then: End) -> Response {
    let body = response.body_mut();
    let whole: Vec<u8> =
        body.chunks.iter().flat_map(|chunk| chunk.iter().copied()).take(keep).collect();
    body.chunks =
        if whole.is_empty() { VecDeque::new() } else { VecDeque::from([Bytes::from(whole)]) };
    body.then = then;
    response
}

/// Returns Stripe's error envelope.
pub(super) fn error(answer: &ErrorAnswer, message: &str) -> Response {
    let kind = match answer.status {
        500.. => "api_error",
        _ if answer.code.as_deref() == Some("idempotency_key_in_use") => "idempotency_error",
        _ => "invalid_request_error",
    };
    let mut error = json!({ "type": kind, "message": message });
    if let Some(code) = &answer.code {
        error["code"] = json!(code);
        error["doc_url"] =
            json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")));
    }
    if let Some(param) = &answer.param {
        error["param"] = json!(param);
    }
    let mut response = json_answer(answer.status, &json!({ "error": error }));
    let headers = response.headers_mut();
    if let Some(should) = answer.should_retry {
        headers.insert(
            "stripe-should-retry",
            HeaderValue::from_static(if should { "true" } else { "false" }),
        );
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert("retry-after", HeaderValue::from(seconds));
    }
    response
}

/// Returns a 4xx of the stub itself.
pub(super) fn refusal(
    status: u16,
    code: Option<&str>,
    param: Option<&str>,
    message: &str,
) -> Response {
    let answer = ErrorAnswer {
        status,
        code: code.map(str::to_owned),
        param: param.map(str::to_owned),
        should_retry: None,
        retry_after: None,
    };
    error(&answer, message)
}
