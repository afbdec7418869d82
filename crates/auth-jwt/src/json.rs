//! Parses the JSON of tokens and key sets: unique names (RFC 7515, 4; RFC 7519, 4), bounded
//! nesting.

use billing_domain::ports::AuthError;
use strict_json::{Object, ParseError};

/// Maximum levels of objects and arrays; the outermost object is the first.
const MAX_LEVELS: usize = 16;

/// Parses a part of a token. `part` names it in the error, which contains nothing of the token.
pub(crate) fn parse_object(part: &str, bytes: &[u8]) -> Result<Object, AuthError> {
    members(bytes).map_err(|error| AuthError::invalid(format!("the {part}: {error}")))
}

/// Parses one JSON object.
pub(crate) fn members(bytes: &[u8]) -> Result<Object, ParseError> {
    strict_json::parse(bytes, MAX_LEVELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(json: impl AsRef<[u8]>) -> String {
        match parse_object("claims", json.as_ref()) {
            Err(AuthError::Invalid { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sixteen_levels_are_the_limit() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(parse_object("claims", nested(16).as_bytes()).is_ok());
        assert!(reason(nested(17)).contains("16 levels"));
    }

    #[test]
    fn error_names_the_part_and_contains_no_text_of_the_token() {
        for (bad, why) in [
            (br#"["s3cr3t"]"#.as_slice(), "not a JSON object"),
            (br#"{"s3cr3t":1,"s3cr3t":1}"#, "a name appears twice"),
            (b"{\"s3cr3t\":\"\xff\"}", "not UTF-8"),
            (br#"{"a":s3cr3t}"#, "expected value"),
        ] {
            let reason = reason(bad);
            assert!(reason.starts_with(&format!("the claims: {why}")), "{reason}");
            assert!(!reason.contains("s3cr3t"), "{reason}");
        }
    }
}
