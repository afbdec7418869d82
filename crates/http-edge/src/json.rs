//! The strict JSON body: one object, nothing twice, nothing unknown, nothing in another shape.

mod media_type;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use bytes::BytesMut;
use http_body::Body as _;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use strict_json::{ParseError, UnknownFields, printable};

use crate::fault::Fault;

/// Most levels of objects and arrays in a body; the outermost object is the first.
const MAX_LEVELS: usize = 16;

/// Largest body in bytes on a route without a limit of its own.
pub(crate) const DEFAULT_BODY_LIMIT: usize = 16 * 1024;

/// Largest body of this request in bytes; an extension that [`edge_layers`](crate::edge_layers) sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// Extracts a body that is exactly one JSON object. No body and an empty one are read as `{}`.
///
/// It reads the body, so it runs last: put it after everything that may refuse the request without the body. Whatever
/// `T` says, unknown fields are refused, and so are arrays in place of objects. An array is taken only where `T` asks for a
/// sequence, which neither `serde_json::Value` nor an internally tagged or untagged enum does.
///
/// # Errors
/// [`Fault::UnsupportedMediaType`] for a non-empty body that is not `application/json` in UTF-8 without a content
/// coding, [`Fault::PayloadTooLarge`], [`Fault::RequestTimeout`], and [`Fault::InvalidBody`] for all else.
#[derive(Clone, Copy, Debug, Default)]
pub struct StrictJson<T>(pub T);

impl<T, S> FromRequest<S> for StrictJson<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Fault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Fault> {
        let limit =
            request.extensions().get().map_or(DEFAULT_BODY_LIMIT, |BodyLimit(limit)| *limit);
        let (parts, body) = request.into_parts();
        let bytes = collect(body, limit, || media_type::check(&parts.headers)).await?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let object = strict_json::parse(text, MAX_LEVELS).map_err(refused)?;
        strict_json::fit(object, UnknownFields::Refuse)
            .map(Self)
            .map_err(|misfit| Fault::InvalidBody { detail: misfit.to_string() })
    }
}

fn refused(error: ParseError) -> Fault {
    let detail = match error {
        ParseError::ByteOrderMark => "Send the body without a byte order mark.".to_owned(),
        ParseError::NotAnObject => "Send the body as one JSON object.".to_owned(),
        ParseError::DuplicateName { name, at } => {
            format!("Send the body as valid JSON: {at}: \"{}\".", printable(&name))
        }
        error => format!("Send the body as valid JSON: {error}."),
    };
    Fault::InvalidBody { detail }
}

/// Reads a body of at most `limit` bytes. It is judged as soon as it is known not to be empty.
pub(crate) async fn collect(
    mut body: Body,
    limit: usize,
    judge: impl Fn() -> Result<(), Fault>,
) -> Result<Bytes, Fault> {
    if body.size_hint().lower() > 0 {
        judge()?;
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // What is no data is a trailer, and means nothing here.
        let Ok(data) = frame.map_err(|error| interruption(&error))?.into_data() else { continue };
        if read.is_empty() && !data.is_empty() {
            judge()?;
        }
        if data.len() > limit - read.len() {
            return Err(Fault::PayloadTooLarge);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// The connection's guard ends a slow body with [`std::io::ErrorKind::TimedOut`].
fn interruption(error: &axum::Error) -> Fault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
        {
            return Fault::RequestTimeout;
        }
        cause = error.source();
    }
    Fault::InvalidBody {
        detail: "Send the whole body, in well-formed chunks if it is chunked.".to_owned(),
    }
}
