//! [`StrictJson`] extracts a body that is one JSON object, without duplicate or unknown fields.

mod media_type;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use bytes::BytesMut;
use http_body::Body as _;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use strict_json::{ParseError, UnknownFields, printable};

use crate::fault::Fault;

/// Maximum levels of objects and arrays in a body. The outermost object is the first.
const MAX_LEVELS: usize = 16;

/// Default body limit in bytes.
pub(crate) const DEFAULT_BODY_LIMIT: usize = 16 * 1024;

/// Request extension with the body limit in bytes. [`edge_layers`](crate::edge_layers) sets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// Extracts a body that is exactly one JSON object. A missing or empty body is read as `{}`.
///
/// It consumes the body, so it must be the last extractor, after all checks that need no body. It
/// rejects unknown fields and arrays in place of objects, regardless of the serde attributes of
/// `T`. Arrays are accepted only where `T` is a sequence. They are rejected in `serde_json::Value`
/// and in internally tagged or untagged enums.
///
/// # Errors
/// [`Fault::UnsupportedMediaType`] for a non-empty body that is not `application/json` in UTF-8
/// without a content coding, [`Fault::PayloadTooLarge`], [`Fault::RequestTimeout`], and
/// [`Fault::InvalidBody`] for everything else.
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
        let object = strict_json::parse(text, MAX_LEVELS).map_err(parse_fault)?;
        strict_json::fit(object, UnknownFields::Refuse)
            .map(Self)
            .map_err(|misfit| Fault::InvalidBody { detail: misfit.to_string() })
    }
}

fn parse_fault(error: ParseError) -> Fault {
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

/// Reads a body of at most `limit` bytes. It calls `check` as soon as the body is known not to be
/// empty.
pub(crate) async fn collect(
    mut body: Body,
    limit: usize,
    check: impl Fn() -> Result<(), Fault>,
) -> Result<Bytes, Fault> {
    if body.size_hint().lower() > 0 {
        check()?;
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Ignore trailers.
        let Ok(data) = frame.map_err(|error| read_fault(&error))?.into_data() else { continue };
        if read.is_empty() && !data.is_empty() {
            check()?;
        }
        if data.len() > limit - read.len() {
            return Err(Fault::PayloadTooLarge);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// Maps a read error. `CheckedStream` ends a slow body with [`std::io::ErrorKind::TimedOut`].
fn read_fault(error: &axum::Error) -> Fault {
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
        detail: "Send the complete body. A chunked body needs well-formed chunks.".to_owned(),
    }
}
