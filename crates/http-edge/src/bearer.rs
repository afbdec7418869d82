//! [`bearer`] reads the bearer credential from the `Authorization` header (RFC 6750, section 2.1).

use std::borrow::Cow;

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Why the header contains no usable credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerFault {
    /// No header, an empty header, another scheme, or a scheme without a credential.
    Missing,
    /// More than one header.
    Several,
    /// White space or a comma inside the credential.
    Malformed,
}

/// Returns the bearer credential of a request. The scheme is case-insensitive (RFC 9110, section
/// 11.1).
///
/// # Errors
/// See [`BearerFault`].
pub fn bearer(headers: &HeaderMap) -> Result<Cow<'_, str>, BearerFault> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(BearerFault::Missing)?;
    if values.next().is_some() {
        return Err(BearerFault::Several);
    }
    let bytes = value.as_bytes().trim_ascii();
    let scheme_end = bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len());
    let (scheme, rest) = bytes.split_at(scheme_end);
    let credential = rest.trim_ascii_start();
    if !scheme.eq_ignore_ascii_case(b"bearer") || credential.is_empty() {
        return Err(BearerFault::Missing);
    }
    if credential.iter().any(|b| b.is_ascii_whitespace() || *b == b',') {
        return Err(BearerFault::Malformed);
    }
    // No valid credential contains non-ASCII bytes: the lossy text fails authentication later.
    Ok(String::from_utf8_lossy(credential))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<String, BearerFault> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers).map(Cow::into_owned)
    }

    #[test]
    fn c1_the_scheme_is_case_insensitive() {
        for value in ["Bearer x.y", "bearer x.y", "BEARER x.y", "Bearer  x.y"] {
            assert_eq!(read(&[value]).as_deref(), Ok("x.y"), "{value}");
        }
    }

    #[test]
    fn c1_missing_malformed_and_repeated_headers_have_their_faults() {
        for value in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearerx", "Token x", "Basic a, b"] {
            assert_eq!(read(&[value]), Err(BearerFault::Missing), "{value}");
        }
        assert_eq!(read(&[]), Err(BearerFault::Missing));
        for value in ["Bearer a b", "Bearer a,b", "Bearer a, Bearer b", "Bearer a\tb", "Bearer ,"] {
            assert_eq!(read(&[value]), Err(BearerFault::Malformed), "{value}");
        }
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(BearerFault::Several));
    }
}
