//! [`check`] accepts the media types of JSON in UTF-8.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::fault::Fault;

/// Requires exactly one `Content-Type: application/json` and no content coding except `identity`. A
/// charset is optional and must be UTF-8 (RFC 8259 defines none).
pub(super) fn check(headers: &HeaderMap) -> Result<(), Fault> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().is_ok_and(is_json),
        _ => false,
    };
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let is_plain =
        codings.into_iter().all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_json && is_plain { Ok(()) } else { Err(Fault::UnsupportedMediaType) }
}

fn is_json(value: &str) -> bool {
    let Some(parts) = split(value) else { return false };
    let mut parts = parts.into_iter().map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, charset)) if name.eq_ignore_ascii_case("charset") => {
                charset.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            Some((name, _)) => !name.is_empty(),
            // RFC 9110, 5.6.6: a parameter may be empty.
            None => parameter.is_empty(),
        })
}

/// Splits at semicolons outside quotes. Returns `None` for a comma outside quotes (a list of types)
/// and for an open quote.
fn split(value: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return None,
            b';' if !quoted => {
                parts.push(value.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(value.get(start..)?);
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_json_accepts_parameters_and_rejects_other_charsets() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json;",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\" ; v=1",
            "application/json; profile=\"a;b,c\\\"d\"",
        ] {
            assert!(is_json(value), "{value:?}");
        }
        for value in [
            "",
            "text/json",
            "application/jsonp",
            "application/problem+json",
            "application/json, text/plain",
            "application/json; charset=utf-16",
            "application/json; charset=latin1",
            "application/json; charset",
            "application/json; a=\"b",
            "application /json",
        ] {
            assert!(!is_json(value), "{value:?}");
        }
    }
}
