//! Checks the claims of a token with a valid signature (RFC 7519, 4.1; RFC 8725, 3.8 to 3.12).

use std::time::Duration;

use billing_domain::ports::AuthError;
use billing_domain::{Timestamp, UserId};
use strict_json::{Object, Value};

/// Claims with which issuers state a token's purpose.
const PURPOSE_CLAIMS: [&str; 4] = ["type", "token_use", "token_type", "typ"];

/// Purposes other than access: refresh, offline, ID and logout tokens.
const OTHER_PURPOSES: [&str; 6] =
    ["refresh", "refresh_token", "offline", "id", "id_token", "logout"];

/// The latest date: 9999-12-31T23:59:59Z. The limit keeps sums far from integer overflow.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The deployment's rules for claims.
#[derive(Clone, Debug)]
pub(crate) struct ClaimPolicy {
    /// Required issuer, if configured.
    pub(crate) issuer: Option<String>,
    /// Required audience, if configured.
    pub(crate) audience: Option<String>,
    /// Tolerated clock difference.
    pub(crate) leeway: Duration,
    /// Maximum time from now to a token's expiry.
    pub(crate) max_lifetime: Duration,
    /// The claim that contains the owner of the billing account.
    pub(crate) subject_claim: String,
}

/// Checks claims against the policy at `now` and returns the caller.
///
/// Expiry is checked last. [`AuthError::Expired`] therefore means that the token was otherwise
/// valid.
pub(crate) fn check(
    claims: &Object,
    policy: &ClaimPolicy,
    now: Timestamp,
) -> Result<UserId, AuthError> {
    let registered = Registered::read(claims)?;
    check_purpose(claims)?;
    let subject = text(claims, &policy.subject_claim)?
        .ok_or_else(|| AuthError::invalid("the subject claim is missing"))?
        .parse::<UserId>()
        .map_err(|_| {
            AuthError::invalid(
                "the subject claim is not 1 to 255 characters without control characters",
            )
        })?;
    check_issuer(registered.issuer, policy)?;
    check_audience(registered.audience.as_deref(), policy)?;
    check_times(&registered, policy, now)?;
    Ok(subject)
}

/// Returns whether the claim `name` with this value marks a token for another purpose than access.
pub(crate) fn is_other_purpose(name: &str, value: &str) -> bool {
    PURPOSE_CLAIMS.contains(&name)
        && OTHER_PURPOSES.iter().any(|purpose| value.eq_ignore_ascii_case(purpose))
}

/// The registered claims. Each has its JSON type (RFC 7519, 4.1), even if no rule needs it.
struct Registered<'a> {
    issuer: Option<&'a str>,
    audience: Option<Vec<&'a str>>,
    expiry: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
}

impl<'a> Registered<'a> {
    fn read(claims: &'a Object) -> Result<Self, AuthError> {
        text(claims, "sub")?;
        text(claims, "jti")?;
        Ok(Self {
            issuer: text(claims, "iss")?,
            audience: audience(claims)?,
            expiry: date(claims, "exp")?.ok_or_else(|| AuthError::invalid("`exp` is missing"))?,
            not_before: date(claims, "nbf")?,
            issued_at: date(claims, "iat")?,
        })
    }
}

/// Returns an optional claim that must be a string.
fn text<'a>(claims: &'a Object, name: &str) -> Result<Option<&'a str>, AuthError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(AuthError::invalid(format!("the claim `{name}` is not a string"))),
    }
}

/// Returns one audience or several (RFC 7519, 4.1.3). No policy accepts an empty list.
fn audience(claims: &Object) -> Result<Option<Vec<&str>>, AuthError> {
    let listed = match claims.get("aud") {
        None => return Ok(None),
        Some(Value::String(one)) => return Ok(Some(vec![one])),
        Some(Value::Array(several)) => several.iter().map(|element| match element {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }),
        Some(_) => {
            return Err(AuthError::invalid(
                "the claim `aud` is neither a string nor a list of strings",
            ));
        }
    };
    match listed.collect::<Option<Vec<_>>>() {
        Some(audience) => Ok(Some(audience)),
        None => Err(AuthError::invalid("the claim `aud` lists something that is not a string")),
    }
}

/// Returns a NumericDate: seconds since 1970, possibly with a fraction (RFC 7519, 2).
fn date(claims: &Object, name: &str) -> Result<Option<Timestamp>, AuthError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    match value.as_f64() {
        Some(seconds) if (0.0..=LAST_SECOND).contains(&seconds) => {
            Ok(Some(Timestamp::from_millis((seconds * 1000.0).floor() as i64)))
        }
        Some(_) => {
            Err(AuthError::invalid(format!("the claim `{name}` is not a date from 1970 to 9999")))
        }
        None => Err(AuthError::invalid(format!("the claim `{name}` is not a number"))),
    }
}

/// Refuses tokens for other purposes than access. A list matches if any element does; values that
/// are not strings are ignored.
fn check_purpose(claims: &Object) -> Result<(), AuthError> {
    for name in PURPOSE_CLAIMS {
        let is_other =
            |value: &Value| matches!(value, Value::String(text) if is_other_purpose(name, text));
        let refused = match claims.get(name) {
            Some(Value::Array(several)) => several.iter().any(is_other),
            Some(one) => is_other(one),
            None => false,
        };
        if refused {
            return Err(AuthError::invalid(format!(
                "the claim `{name}` marks a token that is not for access"
            )));
        }
    }
    Ok(())
}

fn check_issuer(issuer: Option<&str>, policy: &ClaimPolicy) -> Result<(), AuthError> {
    match &policy.issuer {
        Some(wanted) if issuer != Some(wanted.as_str()) => {
            Err(AuthError::invalid("`iss` is missing or has another value"))
        }
        _ => Ok(()),
    }
}

/// Checks the audience. Without a configured audience, a token with `aud` is for another service
/// (RFC 7519, 4.1.3).
fn check_audience(audience: Option<&[&str]>, policy: &ClaimPolicy) -> Result<(), AuthError> {
    match (&policy.audience, audience) {
        (None, None) => Ok(()),
        (None, Some(_)) => {
            Err(AuthError::invalid("the token has an audience, and none is configured"))
        }
        (Some(wanted), Some(listed)) if listed.contains(&wanted.as_str()) => Ok(()),
        (Some(_), _) => {
            Err(AuthError::invalid("`aud` is missing or does not contain the configured audience"))
        }
    }
}

fn check_times(
    registered: &Registered<'_>,
    policy: &ClaimPolicy,
    now: Timestamp,
) -> Result<(), AuthError> {
    let latest_start = now.plus(policy.leeway);
    if registered.not_before.is_some_and(|start| start > latest_start) {
        return Err(AuthError::invalid("the token is not valid yet (`nbf`)"));
    }
    if registered.issued_at.is_some_and(|issued| issued > latest_start) {
        return Err(AuthError::invalid("the token was issued in the future (`iat`)"));
    }
    if registered.expiry > latest_start.plus(policy.max_lifetime) {
        return Err(AuthError::invalid("`exp` is further ahead than the maximum lifetime"));
    }
    // A token is valid strictly before `exp` (RFC 7519, 4.1.4).
    if now >= registered.expiry.plus(policy.leeway) {
        return Err(AuthError::Expired);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_object;

    const NOW: i64 = 1_800_000_000;

    fn policy() -> ClaimPolicy {
        ClaimPolicy {
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(30),
            max_lifetime: Duration::from_secs(86_400),
            subject_claim: "sub".to_owned(),
        }
    }

    fn check_at(claims: &str, policy: &ClaimPolicy, now: Timestamp) -> Result<UserId, AuthError> {
        check(&parse_object("claims", claims.as_bytes()).unwrap(), policy, now)
    }

    fn check_now(claims: &str) -> Result<UserId, AuthError> {
        check_at(claims, &policy(), Timestamp::from_seconds(NOW))
    }

    fn with(member: &str) -> Result<UserId, AuthError> {
        check_now(&format!(r#"{{"sub":"user_1","exp":1800000600,{member}}}"#))
    }

    fn is_invalid(result: &Result<UserId, AuthError>) -> bool {
        matches!(result, Err(AuthError::Invalid { .. }))
    }

    #[test]
    fn a_token_expires_to_the_millisecond_after_the_leeway() {
        let at = |millis| {
            check_at(r#"{"sub":"u","exp":1800000000}"#, &policy(), Timestamp::from_millis(millis))
        };
        assert!(at(NOW * 1000 + 29_999).is_ok());
        assert!(matches!(at(NOW * 1000 + 30_000), Err(AuthError::Expired)));
    }

    #[test]
    fn nbf_and_iat_may_be_ahead_by_the_leeway() {
        for name in ["nbf", "iat"] {
            assert!(with(&format!("\"{name}\":1800000030")).is_ok(), "{name}");
            assert!(is_invalid(&with(&format!("\"{name}\":1800000030.5"))), "{name}");
            assert!(is_invalid(&with(&format!("\"{name}\":1800000031"))), "{name}");
        }
    }

    #[test]
    fn the_maximum_lifetime_counts_from_now() {
        let expiring = |seconds: i64| check_now(&format!(r#"{{"sub":"u","exp":{seconds}}}"#));
        assert!(expiring(NOW + 86_400 + 30).is_ok());
        assert!(is_invalid(&expiring(NOW + 86_400 + 31)));
    }

    #[test]
    fn expired_is_returned_only_for_an_otherwise_valid_token() {
        assert!(matches!(check_now(r#"{"sub":"u","exp":1}"#), Err(AuthError::Expired)));
        assert!(matches!(check_now(r#"{"sub":"u","exp":0}"#), Err(AuthError::Expired)));
        for bad in [
            r#"{"exp":1}"#,
            r#"{"sub":"","exp":1}"#,
            r#"{"sub":"u","exp":1,"aud":"x"}"#,
            r#"{"sub":"u","exp":1,"nbf":1800009999}"#,
            r#"{"sub":"u","exp":1,"iat":1800009999}"#,
            r#"{"sub":"u","exp":1,"type":"refresh"}"#,
            r#"{"sub":"u","exp":1,"jti":1}"#,
        ] {
            assert!(is_invalid(&check_now(bad)), "{bad}");
        }
        let strict = ClaimPolicy { issuer: Some("https://issuer.test".to_owned()), ..policy() };
        let other_issuer = r#"{"sub":"u","exp":1,"iss":"https://other.test"}"#;
        assert!(is_invalid(&check_at(other_issuer, &strict, Timestamp::from_seconds(NOW))));
    }

    #[test]
    fn dates_out_of_range_are_refused_without_overflow() {
        for name in ["exp", "nbf", "iat"] {
            for value in [
                "-1",
                "-0.001",
                "-1e300",
                "253402300800",
                "9223372036854775807",
                "18446744073709551615",
                "1e300",
                "1.7e308",
            ] {
                let claims = match name {
                    "exp" => format!(r#"{{"sub":"u","exp":{value}}}"#),
                    _ => format!(r#"{{"sub":"u","exp":1800000600,"{name}":{value}}}"#),
                };
                assert!(is_invalid(&check_now(&claims)), "{name} {value}");
            }
        }
        let permissive =
            ClaimPolicy { max_lifetime: Duration::MAX, leeway: Duration::MAX, ..policy() };
        let huge = r#"{"sub":"u","exp":253402300799}"#;
        assert!(check_at(huge, &permissive, Timestamp::from_millis(i64::MAX - 1)).is_ok());
        assert!(check_at(huge, &permissive, Timestamp::from_millis(i64::MIN)).is_ok());
    }

    #[test]
    fn purposes_other_than_access_are_refused_in_every_purpose_claim() {
        for name in PURPOSE_CLAIMS {
            for purpose in OTHER_PURPOSES {
                for spelled in
                    [purpose.to_owned(), purpose.to_uppercase(), purpose.replacen('i', "I", 1)]
                {
                    assert!(
                        is_invalid(&with(&format!(r#""{name}":"{spelled}""#))),
                        "{name} {spelled}"
                    );
                    assert!(
                        is_invalid(&with(&format!(r#""{name}":["access","{spelled}"]"#))),
                        "{name} [{spelled}]"
                    );
                }
            }
            for fine in [
                r#""access""#,
                r#""Bearer""#,
                r#""""#,
                "1",
                "null",
                "[]",
                "[1]",
                "{\"refresh\":1}",
                r#""refreshing""#,
            ] {
                assert!(with(&format!(r#""{name}":{fine}"#)).is_ok(), "{name} {fine}");
            }
        }
        assert!(with(r#""purpose":"refresh""#).is_ok());
    }

    #[test]
    fn sub_is_optional_text_when_another_claim_is_the_subject() {
        let org = ClaimPolicy { subject_claim: "org_id".to_owned(), ..policy() };
        let check_now = |claims: &str| check_at(claims, &org, Timestamp::from_seconds(NOW));
        assert_eq!(check_now(r#"{"org_id":"acme","exp":1800000600}"#).unwrap().as_str(), "acme");
        assert_eq!(
            check_now(r#"{"sub":"u","org_id":"acme","exp":1800000600}"#).unwrap().as_str(),
            "acme"
        );
        assert!(is_invalid(&check_now(r#"{"sub":"u","exp":1800000600}"#)));
        assert!(is_invalid(&check_now(r#"{"sub":7,"org_id":"acme","exp":1800000600}"#)));
        assert!(is_invalid(&check_now(r#"{"org_id":["acme"],"exp":1800000600}"#)));
    }
}
