//! Checks the JOSE header (RFC 7515, 4; RFC 7519, 5; RFC 8725, 3).

use billing_domain::ports::AuthError;
use strict_json::{Object, Value};

use crate::keys::SigningAlgorithm;

/// Unsupported parameters; a token with one is refused. `crit` and `b64` change the signed content
/// (RFC 7515, 4.1.11; RFC 7797). `zip` is for encryption and allows unbounded work (RFC 7516,
/// 4.1.3).
const REFUSED: [&str; 3] = ["crit", "b64", "zip"];

/// The types of an access token: RFC 7519, 5.1 and RFC 9068, 2.1.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// The header's algorithm and key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// Must equal the key's algorithm. It selects nothing.
    pub(crate) algorithm: SigningAlgorithm,
    /// Selects among several keys (RFC 7515, 4.1.4).
    pub(crate) key_id: Option<&'a str>,
}

/// Parses a header.
///
/// Ignores unknown parameters and `jku`, `x5u`, `x5c` and `jwk`: the sender controls a key in a
/// token (RFC 8725, 3.10).
pub(crate) fn read(header: &Object) -> Result<Header<'_>, AuthError> {
    // Exact names exclude `none` in any spelling. The key's algorithm prevents confusion attacks
    // (RFC 8725, 3.1).
    let algorithm = text(header, "alg")?.and_then(SigningAlgorithm::named);
    let algorithm =
        algorithm.ok_or_else(|| AuthError::invalid("`alg` is not a supported algorithm"))?;
    if let Some(name) = REFUSED.iter().find(|name| header.contains_key(**name)) {
        return Err(AuthError::invalid(format!("the header has `{name}`, which is not supported")));
    }
    if text(header, "typ")?
        .is_some_and(|typ| !TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)))
    {
        return Err(AuthError::invalid("`typ` is not the type of an access token"));
    }
    if text(header, "cty")?.is_some_and(is_jwt) {
        return Err(AuthError::invalid("the token contains another token (`cty`)"));
    }
    Ok(Header { algorithm, key_id: text(header, "kid")? })
}

/// Returns an optional parameter that must be a string.
fn text<'a>(header: &'a Object, name: &str) -> Result<Option<&'a str>, AuthError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(AuthError::invalid(format!("`{name}` in the header is not a string"))),
    }
}

/// Returns whether a content type marks a nested token: with or without `application/` (RFC 7515,
/// 4.1.10), ignoring parameters.
fn is_jwt(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    ["jwt", "application/jwt"].iter().any(|known| essence.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_object;

    fn check(header: &str) -> Result<(), AuthError> {
        read(&parse_object("header", header.as_bytes()).unwrap()).map(drop)
    }

    #[test]
    fn an_algorithm_has_one_spelling() {
        for good in ["HS256", "RS256", "ES256", "EdDSA"] {
            let header =
                parse_object("header", format!(r#"{{"alg":"{good}"}}"#).as_bytes()).unwrap();
            assert_eq!(read(&header).unwrap().algorithm.name(), good);
        }
        for bad in [
            r#"{}"#,
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":""}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS256 "}"#,
            r#"{"alg":"HS384"}"#,
            r#"{"alg":"PS256"}"#,
            r#"{"alg":"Ed25519"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":null}"#,
            r#"{"alg":256}"#,
            r#"{"ALG":"HS256"}"#,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn crit_b64_and_zip_are_refused_with_any_value() {
        for name in REFUSED {
            for value in ["null", "true", "false", "[]", "[\"exp\"]", "\"\"", "\"DEF\"", "0"] {
                assert!(
                    check(&format!(r#"{{"alg":"HS256","{name}":{value}}}"#)).is_err(),
                    "{name} {value}"
                );
            }
        }
    }

    #[test]
    fn types_of_access_tokens_are_accepted_in_any_case() {
        for good in
            ["JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"]
        {
            assert!(check(&format!(r#"{{"alg":"HS256","typ":"{good}"}}"#)).is_ok(), "{good}");
        }
    }

    #[test]
    fn other_types_are_refused() {
        for bad in [
            r#""""#,
            r#""JWS""#,
            r#""JOSE""#,
            r#""application/jwt""#,
            r#""logout+jwt""#,
            r#""dpop+jwt""#,
            r#""secevent+jwt""#,
            r#""id+jwt""#,
            r#"" JWT""#,
            r#""JWT;v=1""#,
            "null",
            "1",
            r#"["JWT"]"#,
            "{}",
        ] {
            assert!(check(&format!(r#"{{"alg":"HS256","typ":{bad}}}"#)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_nested_token_is_refused_in_any_spelling() {
        for bad in [
            r#""JWT""#,
            r#""jwt""#,
            r#""application/jwt""#,
            r#""Application/JWT""#,
            r#"" JWT ""#,
            r#""jwt; v=1""#,
            "1",
            "null",
        ] {
            assert!(check(&format!(r#"{{"alg":"HS256","cty":{bad}}}"#)).is_err(), "{bad}");
        }
        assert!(check(r#"{"alg":"HS256","cty":"json"}"#).is_ok());
    }

    #[test]
    fn a_kid_is_a_string() {
        let header =
            parse_object("header", br#"{"alg":"HS256","kid":"../../etc/passwd"}"#).unwrap();
        assert_eq!(read(&header).unwrap().key_id, Some("../../etc/passwd"));
        assert!(check(r#"{"alg":"HS256","kid":7}"#).is_err());
        assert!(check(r#"{"alg":"HS256","kid":null}"#).is_err());
    }

    #[test]
    fn keys_and_key_urls_are_ignored() {
        for name in ["jku", "x5u", "x5c", "jwk", "x5t", "anything"] {
            for value in ["\"http://127.0.0.1:1/\"", "[\"MII\"]", "{\"kty\":\"oct\"}", "7", "null"]
            {
                assert!(
                    check(&format!(r#"{{"alg":"HS256","{name}":{value}}}"#)).is_ok(),
                    "{name} {value}"
                );
            }
        }
    }
}
