//! Claims that a token must have. Without them, the caller is authenticated but has no permissions.

use strict_json::{Object, Value};

use crate::claims::is_other_purpose;

/// Claims that other rules check. They cannot be required here.
const RULED: [&str; 5] = ["exp", "nbf", "iat", "iss", "aud"];

/// The required claims. All of them must match.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequiredClaims(Vec<RequiredClaim>);

/// One claim with its allowed values.
#[derive(Clone, Debug)]
struct RequiredClaim {
    name: String,
    first: String,
    others: Vec<String>,
}

impl RequiredClaims {
    /// Parses `name=value` pairs, separated by commas, with `a|b` for alternatives. White space
    /// around names and values is dropped; a value may contain `=`.
    ///
    /// # Errors
    /// One sentence that states the fault and the fix.
    pub(crate) fn parse(text: &str, subject_claim: &str) -> Result<Self, String> {
        let mut claims: Vec<RequiredClaim> = Vec::new();
        for pair in text.split(',') {
            let claim = RequiredClaim::parse(pair)?;
            let name = &claim.name;
            if claims.iter().any(|earlier| earlier.name == *name) {
                return Err(format!(
                    "`{name}` is listed twice: write alternatives as `{name}=a|b`"
                ));
            }
            if RULED.contains(&name.as_str()) || name == subject_claim {
                return Err(format!("another rule checks `{name}`: remove it from this setting"));
            }
            claims.push(claim);
        }
        Ok(Self(claims))
    }

    /// Returns whether each claim is a string equal to one of its values. An array never matches.
    pub(crate) fn are_met_by(&self, claims: &Object) -> bool {
        self.0.iter().all(|required| match claims.get(&required.name) {
            Some(Value::String(value)) => required.values().any(|wanted| wanted == value),
            _ => false,
        })
    }

    /// Returns each claim with one allowed value, for minted tokens.
    pub(crate) fn examples(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|required| (required.name.as_str(), required.first.as_str()))
    }
}

impl RequiredClaim {
    fn parse(pair: &str) -> Result<Self, String> {
        const FORM: &str = "write `name=value` pairs, separated by commas, with `a|b` for \
            alternatives: `role=owner|admin`";
        let Some((name, values)) = pair.split_once('=') else {
            return Err(format!("a pair has no `=`: {FORM}"));
        };
        let mut values = values.split('|').map(|value| value.trim().to_owned());
        let first = values.next().unwrap_or_default();
        let claim = Self { name: name.trim().to_owned(), first, others: values.collect() };
        if claim.name.is_empty() || claim.values().any(str::is_empty) {
            return Err(format!("a name or a value is empty: {FORM}"));
        }
        if let Some(value) = claim.values().find(|value| is_other_purpose(&claim.name, value)) {
            return Err(format!(
                "`{}={value}` marks tokens that are never accepted: remove this value",
                claim.name
            ));
        }
        Ok(claim)
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.first.as_str()).chain(self.others.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_object;

    fn met(required: &str, claims: &str) -> bool {
        let required = RequiredClaims::parse(required, "sub").unwrap();
        required.are_met_by(&parse_object("claims", claims.as_bytes()).unwrap())
    }

    #[test]
    fn all_pairs_must_match_and_one_alternative_suffices() {
        assert!(met("role=owner|admin", r#"{"role":"admin"}"#));
        assert!(met("role = owner | admin , tier=gold", r#"{"role":"owner","tier":"gold"}"#));
        assert!(!met("role=owner|admin,tier=gold", r#"{"role":"owner"}"#));
        assert!(!met("role=owner|admin", r#"{"role":"owner|admin"}"#));
        assert!(met("scope=a=b", r#"{"scope":"a=b"}"#));
    }

    #[test]
    fn only_an_equal_string_matches() {
        for claims in [
            r#"{}"#,
            r#"{"role":"Owner"}"#,
            r#"{"role":"owner "}"#,
            r#"{"role":["owner"]}"#,
            r#"{"role":{"owner":true}}"#,
            r#"{"role":null}"#,
            r#"{"Role":"owner"}"#,
        ] {
            assert!(!met("role=owner", claims), "{claims}");
        }
        assert!(!met("level=1", r#"{"level":1}"#));
    }

    #[test]
    fn empty_requirements_are_met_by_every_token() {
        assert!(RequiredClaims::default().are_met_by(&Object::new()));
    }

    #[test]
    fn invalid_requirements_are_refused() {
        for bad in [
            "",
            "role",
            "role=",
            "=owner",
            "role=owner|",
            "role=|owner",
            "role=owner,",
            ",role=owner",
            "role=a,role=b",
        ] {
            assert!(RequiredClaims::parse(bad, "sub").is_err(), "{bad:?}");
        }
        for ruled in
            ["exp=1", "nbf=1", "iat=1", "iss=a", "aud=a", "sub=u", "type=access|refresh", "typ=ID"]
        {
            assert!(RequiredClaims::parse(ruled, "sub").is_err(), "{ruled:?}");
        }
        assert!(RequiredClaims::parse("sub=service", "org_id").is_ok());
        assert!(RequiredClaims::parse("token_use=access", "sub").is_ok());
    }
}
