//! Stripe's errors, in Stripe's envelope (<https://docs.stripe.com/api/errors>).

use std::io;

use serde_json::{Map, Value};

use crate::model::{Decline, PaymentFailure};

/// The error's type; the schema of the spoken version has these four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    Api,
    Card,
    Idempotency,
    InvalidRequest,
}

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) kind: ErrorType,
    pub(crate) code: Option<&'static str>,
    /// Why the bank declined.
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    /// Whether an idempotency key remembers it. Stripe saves an outcome only once the endpoint began to work:
    /// parameters that fail validation leave the key free (<https://docs.stripe.com/api/idempotent_requests>).
    pub(crate) remembered: bool,
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
    /// A parameter that fails validation.
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
            remembered: false,
        }
    }

    /// A request that is refused as a whole, before its parameters.
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
            remembered: false,
        }
    }

    /// A fine request that the state of things forbids.
    pub(crate) fn conflicts(param: Option<String>, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: ErrorType::InvalidRequest,
            code: None,
            decline_code: None,
            param,
            message: message.into(),
            remembered: true,
        }
    }

    /// An id in a parameter that names nothing: 400. (In the path it is 404: [`ApiError::not_found`].)
    pub(crate) fn missing(what: &str, id: &str, param: impl Into<String>) -> Self {
        Self {
            remembered: true,
            ..Self::invalid(
                Some("resource_missing"),
                param,
                format!("No such {what}: '{}'", excerpt(id)),
            )
        }
    }

    /// An id in the path that names nothing.
    pub(crate) fn not_found(what: &str, id: &str, param: &'static str) -> Self {
        Self { status: 404, ..Self::missing(what, id, param) }
    }

    /// A card that is refused, by its bank or before: 402.
    pub(crate) fn card(decline: Decline) -> Self {
        Self {
            status: 402,
            kind: ErrorType::Card,
            code: Some(decline.code()),
            decline_code: decline.decline_code(),
            param: None,
            message: decline.message().to_owned(),
            remembered: true,
        }
    }

    /// A payment that failed.
    pub(crate) fn payment(failure: PaymentFailure) -> Self {
        match failure {
            PaymentFailure::Declined(decline) => Self::card(decline),
            PaymentFailure::NeedsAuthentication => Self::card(Decline::AuthenticationFailed),
            PaymentFailure::NoPaymentMethod => Self {
                code: Some("resource_missing"),
                ..Self::conflicts(
                    None,
                    "This customer has no attached payment source or default payment method. Attach one and make it \
                     the customer's default.",
                )
            },
        }
    }

    /// A fault of the sandbox itself.
    pub(crate) fn internal() -> Self {
        Self {
            status: 500,
            kind: ErrorType::Api,
            code: None,
            decline_code: None,
            param: None,
            message: "The sandbox failed; its log says why.".to_owned(),
            remembered: true,
        }
    }

    /// Too many requests; an idempotency key is not touched, for it is judged before any work.
    pub(crate) fn rate_limited() -> Self {
        Self::refused(
            429,
            Some("rate_limit"),
            "Request rate limit exceeded, because this sandbox was asked to say so.",
        )
    }

    /// Somebody else is at work on the object.
    pub(crate) fn locked() -> Self {
        let message = "This object is in use by another request, because this sandbox was asked to say so. Try again.";
        Self::refused(429, Some("lock_timeout"), message)
    }

    /// A fault that the caller has asked for.
    pub(crate) fn asked_for() -> Self {
        Self {
            message: "The sandbox fails this call, because it was asked to.".to_owned(),
            ..Self::internal()
        }
    }

    /// The body of the answer.
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

/// What a message repeats of a value: enough to recognise it.
pub(crate) fn excerpt(value: &str) -> String {
    const LONGEST: usize = 100;
    if value.chars().count() <= LONGEST {
        value.to_owned()
    } else {
        value.chars().take(LONGEST).chain("...".chars()).collect()
    }
}
