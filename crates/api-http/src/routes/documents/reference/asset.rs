//! [`Asset`]: a static file with an entity tag and a content coding.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_edge::Fault;

use crate::state::AppState;

/// The bytes of a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// Not compressed.
    Plain(&'static [u8]),
    /// Compressed. The few clients that do not accept gzip get the file decompressed.
    Gzip(&'static [u8]),
}

/// A static file.
#[derive(Debug)]
pub(super) struct Asset {
    path: &'static str,
    media_type: &'static str,
    cache_control: &'static str,
    content: Content,
    hash: OnceLock<u64>,
    decompressed: OnceLock<Bytes>,
}

impl Asset {
    pub(super) fn new(
        path: &'static str,
        media_type: &'static str,
        cache_control: &'static str,
        content: Content,
    ) -> Self {
        Self {
            path,
            media_type,
            cache_control,
            content,
            hash: OnceLock::new(),
            decompressed: OnceLock::new(),
        }
    }

    /// Adds the file's route.
    pub(super) fn register(self, router: Router<Arc<AppState>>) -> Router<Arc<AppState>> {
        let path = self.path;
        let asset = Arc::new(self);
        let serve = move |headers: HeaderMap| {
            let asset = Arc::clone(&asset);
            async move { asset.response(&headers) }
        };
        router.route(path, get(serve))
    }

    fn response(&self, request: &HeaderMap) -> Response {
        let compressed = match self.content {
            Content::Gzip(bytes) if accepts_gzip(request) => Some(Bytes::from_static(bytes)),
            Content::Gzip(_) | Content::Plain(_) => None,
        };
        let suffix = if compressed.is_some() { "-gzip" } else { "" };
        let tag = format!("\"{:016x}{suffix}\"", self.hash());
        let is_known = matches(request, &tag);

        let mut headers = HeaderMap::new();
        insert(&mut headers, ETAG, &tag);
        insert(&mut headers, CACHE_CONTROL, self.cache_control);
        if let Content::Gzip(_) = self.content {
            insert(&mut headers, VARY, "Accept-Encoding");
        }
        if is_known {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        insert(&mut headers, CONTENT_TYPE, self.media_type);
        if compressed.is_some() {
            insert(&mut headers, CONTENT_ENCODING, "gzip");
        }
        match compressed.map_or_else(|| self.plain(), Ok) {
            Ok(bytes) => (headers, Body::from(bytes)).into_response(),
            Err(error) => {
                tracing::error!(%error, path = self.path, "a file cannot be decompressed");
                Fault::Panic.into_response()
            }
        }
    }

    /// The hash of the stored bytes, computed at the first request so that the start stays fast.
    fn hash(&self) -> u64 {
        *self.hash.get_or_init(|| {
            let (Content::Plain(bytes) | Content::Gzip(bytes)) = self.content;
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish()
        })
    }

    /// The file without a content coding.
    fn plain(&self) -> io::Result<Bytes> {
        match (self.content, self.decompressed.get()) {
            (Content::Plain(bytes), _) => Ok(Bytes::from_static(bytes)),
            (Content::Gzip(_), Some(bytes)) => Ok(bytes.clone()),
            (Content::Gzip(bytes), None) => {
                let bytes = Bytes::from(decompress(bytes)?);
                Ok(self.decompressed.get_or_init(|| bytes).clone())
            }
        }
    }
}

pub(super) fn decompress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain)?;
    Ok(plain)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The members of a header that is a comma-separated list, of all its lines.
fn members(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Whether the client names gzip in `Accept-Encoding` (RFC 9110, 12.5.3) with a weight above 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    members(headers, ACCEPT_ENCODING).any(|member| {
        let (coding, parameters) = member.split_once(';').unwrap_or((member, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2: weak comparison).
fn matches(headers: &HeaderMap, tag: &str) -> bool {
    members(headers, IF_NONE_MATCH)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_sent_only_to_clients_that_name_it() {
        let accepted = ["gzip", "deflate, gzip", "GZIP;q=0.5", "br, gzip; q=1"];
        let refused = ["", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip2", "*", "gzip;q=x"];
        assert!(!accepts_gzip(&HeaderMap::new()));
        for value in accepted {
            assert!(accepts_gzip(&headers(ACCEPT_ENCODING, value)), "{value}");
        }
        for value in refused {
            assert!(!accepts_gzip(&headers(ACCEPT_ENCODING, value)), "{value}");
        }
    }

    #[test]
    fn entity_tag_matches_in_lists_and_when_weak() {
        for value in ["\"1\"", "W/\"1\"", "\"2\", \"1\"", "*"] {
            assert!(matches(&headers(IF_NONE_MATCH, value), "\"1\""), "{value}");
        }
        assert!(!matches(&headers(IF_NONE_MATCH, "\"2\""), "\"1\""));
        assert!(!matches(&HeaderMap::new(), "\"1\""));
    }
}
