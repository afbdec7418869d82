//! Stripe's errors, in Stripe's envelope (<https://docs.stripe.com/api/errors>).

use std::io;

use serde_json::{Map, Value};

use crate::model::{Decline, PaymentFailure};

/// The error types that the published schema defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    Api,
    Card,
    Idempotency,
    InvalidRequest,
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) kind: ErrorType,
    pub(crate) code: Option<&'static str>,
    /// The bank's reason for declining.
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    /// Whether an idempotency key stores it. Stripe stores an outcome only after the endpoint
    /// starts work; failed validation leaves the key unused
    /// (<https://docs.stripe.com/api/idempotent_requests>).
    pub(crate) stored: bool,
}

impl ErrorType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api_error",
            Self::Card => "card_error",
            Self::Idempotency => "idempotency_error",
            Self::InvalidRequest => "invalid_request_error",
        }
    }
}

impl ApiError {
    /// A parameter fails validation.
    pub(crate) fn invalid(
        code: Option<&'static str>,
        param: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status: 400,
            kind: ErrorType::InvalidRequest,
            code,
            decline_code: None,
            param: Some(param.into()),
            message: message.into(),
            stored: false,
        }
    }

    /// The whole request is refused before its parameters are read.
    pub(crate) fn refused(
        status: u16,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind: ErrorType::InvalidRequest,
            code,
            decline_code: None,
            param: None,
            message: message.into(),
            stored: false,
        }
    }

    /// The request is valid, but the object's current state forbids it.
    pub(crate) fn conflicts(param: Option<String>, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: ErrorType::InvalidRequest,
            code: None,
            decline_code: None,
            param,
            message: message.into(),
            stored: true,
        }
    }

    /// A parameter contains an unknown id: 400. For an unknown id in the path, see
    /// [`ApiError::not_found`].
    pub(crate) fn missing(what: &str, id: &str, param: impl Into<String>) -> Self {
        Self {
            stored: true,
            ..Self::invalid(
                Some("resource_missing"),
                param,
                format!("No such {what}: '{}'", excerpt(id)),
            )
        }
    }

    /// The path contains an unknown id: 404.
    pub(crate) fn not_found(what: &str, id: &str, param: &'static str) -> Self {
        Self { status: 404, ..Self::missing(what, id, param) }
    }

    /// The bank declines a card, or the sandbox rejects it first: 402.
    pub(crate) fn card(decline: Decline) -> Self {
        Self {
            status: 402,
            kind: ErrorType::Card,
            code: Some(decline.code()),
            decline_code: decline.decline_code(),
            param: None,
            message: decline.message().to_owned(),
            stored: true,
        }
    }

    /// A payment failed.
    pub(crate) fn payment(failure: PaymentFailure) -> Self {
        match failure {
            PaymentFailure::Declined(decline) => Self::card(decline),
            PaymentFailure::NeedsAuthentication => Self::card(Decline::AuthenticationFailed),
            PaymentFailure::NoPaymentMethod => Self {
                code: Some("resource_missing"),
                ..Self::conflicts(
                    None,
                    "This customer has no attached payment source or default payment method. \
                    Attach one and make it the customer's default.",
                )
            },
        }
    }

    /// The sandbox itself failed.
    pub(crate) fn internal() -> Self {
        Self {
            status: 500,
            kind: ErrorType::Api,
            code: None,
            decline_code: None,
            param: None,
            message: "The sandbox failed. See its log for the cause.".to_owned(),
            stored: true,
        }
    }

    /// Too many requests. This error leaves the idempotency key unused.
    pub(crate) fn rate_limited() -> Self {
        Self::refused(
            429,
            Some("rate_limit"),
            "Request rate limit exceeded: a Sandbox-Fault caused this error.",
        )
    }

    /// Another request is using the object.
    pub(crate) fn locked() -> Self {
        let message = "This object is in use by another request: a Sandbox-Fault caused this \
        error. Try again.";
        Self::refused(429, Some("lock_timeout"), message)
    }

    /// The client requested this failure.
    pub(crate) fn injected() -> Self {
        Self {
            message: "This call failed: a Sandbox-Fault caused this error.".to_owned(),
            ..Self::internal()
        }
    }

    /// Returns the response body.
    pub(crate) fn to_body(&self) -> Value {
        let mut error = Map::new();
        if let Some(code) = self.code {
            error.insert("code".to_owned(), code.into());
            let page = code.replace('_', "-");
            error.insert(
                "doc_url".to_owned(),
                format!("https://stripe.com/docs/error-codes/{page}").into(),
            );
        }
        if let Some(decline_code) = self.decline_code {
            error.insert("decline_code".to_owned(), decline_code.into());
        }
        error.insert("message".to_owned(), self.message.as_str().into());
        if let Some(param) = &self.param {
            error.insert("param".to_owned(), param.as_str().into());
        }
        error.insert("type".to_owned(), self.kind.as_str().into());
        Value::Object(Map::from_iter([("error".to_owned(), Value::Object(error))]))
    }
}

impl From<io::Error> for ApiError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the sandbox failed");
        Self::internal()
    }
}

/// Returns the start of a value, for use in an error message.
pub(crate) fn excerpt(value: &str) -> String {
    const MAX_CHARS: usize = 100;
    if value.chars().count() <= MAX_CHARS {
        value.to_owned()
    } else {
        value.chars().take(MAX_CHARS).chain("...".chars()).collect()
    }
}
