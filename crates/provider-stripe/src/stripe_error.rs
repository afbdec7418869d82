//! Stripe's error envelope (<https://docs.stripe.com/api/errors>).

use strict_json::Value;

use crate::object;

/// The relevant fields of an error. All are optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StripeError {
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) message: Option<String>,
}

impl StripeError {
    /// Parses an error. A body without the envelope has no fields.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let envelope = object::parse(body).unwrap_or_default();
        let error = envelope.get("error").and_then(Value::as_object);
        let field = |name: &str| error?.get(name)?.as_str().map(str::to_owned);
        Self {
            kind: field("type"),
            code: field("code"),
            param: field("param"),
            message: field("message"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_without_envelope_has_no_fields() {
        for body in [
            "",
            "null",
            "[]",
            "{\"error\":\"x\"}",
            "{\"error\":[\"resource_missing\"]}",
            "{\"error\":{\"code\":1}}",
        ] {
            assert_eq!(StripeError::parse(body.as_bytes()), StripeError::default(), "{body}");
        }
        let error =
            StripeError::parse(br#"{"error":{"code":"c","param":"p","type":"t","message":"m"}}"#);
        assert_eq!(error.code.as_deref(), Some("c"));
        assert_eq!(error.message.as_deref(), Some("m"));
    }
}
