//! Authentication: any Stripe test key, as bearer token or as user name of basic auth.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::error::ApiError;

/// The API client: the digest of its API key. Idempotency keys are scoped to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Caller([u8; 32]);

/// Accepts a secret or restricted test key.
pub(crate) fn authenticate(headers: &HeaderMap) -> Result<Caller, ApiError> {
    let key = presented_key(headers).ok_or_else(|| {
        unauthorized(
            None,
            "You did not provide an API key. Provide one in the Authorization header, using \
            Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). This sandbox accepts any \
            test key, such as sk_test_123.",
        )
    })?;
    let rest = ["sk_test_", "rk_test_"].iter().find_map(|prefix| key.strip_prefix(prefix));
    match rest {
        Some(rest)
            if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
        {
            Ok(Caller(Sha256::digest(key.as_bytes()).into()))
        }
        _ if key.starts_with("sk_live_") || key.starts_with("rk_live_") => Err(unauthorized(
            None,
            "Invalid API Key provided: do not send a live key to this sandbox. Use a test key.",
        )),
        _ => Err(unauthorized(
            None,
            "Invalid API Key provided: this sandbox accepts keys like sk_test_123.",
        )),
    }
}

fn presented_key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    let credential = credential.trim();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        credential.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credential).ok()?).ok()?;
        decoded.split_once(':').map_or(decoded.clone(), |(user, _)| user.to_owned())
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

fn unauthorized(code: Option<&'static str>, message: &str) -> ApiError {
    ApiError::refused(401, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> Result<Caller, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().expect("header"));
        authenticate(&headers)
    }

    #[test]
    fn only_test_keys_are_accepted() {
        for good in ["Bearer sk_test_1", "bearer rk_test_a_B9", "Basic c2tfdGVzdF8xOg=="] {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in [
            "Bearer sk_live_1",
            "Bearer pk_test_1",
            "Bearer sk_test_",
            "Bearer ",
            "Digest x",
            "sk_test_1",
        ] {
            assert_eq!(with(bad).err().map(|error| error.status), Some(401), "{bad}");
        }
        assert_eq!(authenticate(&HeaderMap::new()).err().map(|error| error.status), Some(401));
    }

    #[test]
    fn the_error_does_not_contain_a_refused_key() {
        let error = with("Bearer sk_live_verysecret").err().expect("refused");
        assert!(!error.message.contains("verysecret"));
    }

    #[test]
    fn bearer_and_basic_are_the_same_caller() {
        assert!(with("Bearer sk_test_1").ok() == with("Basic c2tfdGVzdF8xOg==").ok());
        assert!(with("Bearer sk_test_1").ok() != with("Bearer sk_test_2").ok());
    }
}
