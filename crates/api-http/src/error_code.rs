//! [`ErrorCode`]: all error codes of the contract (E1), for responses, OpenAPI and the pages under
//! `/docs/errors`.

use http::StatusCode;

macro_rules! error_codes {
    ($($variant:ident $code:literal $status:ident $title:literal $meaning:literal;)*) => {
        /// A stable, machine-readable reason why a request failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl ErrorCode {
            /// All codes, sorted as in the contract.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the code as it appears in responses.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// Returns the HTTP status.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }

            /// Returns a short summary, the same for every response with this code.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// Returns the cause and the reaction of the client.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

error_codes! {
    BillingAccountNotFound "billing_account_not_found" BAD_REQUEST "No billing account"
        "The user has no billing account, or the payment provider deleted it. Send the user \
         through checkout, then open the portal.";
    InvalidRequest "invalid_request" BAD_REQUEST "Invalid request"
        "The request is malformed: a bad header or body, an unknown field, a value out of range, \
         or a subscription of another customer. Fix the part that `detail` names.";
    InvalidReturnUrl "invalid_return_url" BAD_REQUEST "Invalid return URL"
        "A return URL is malformed, or its origin is not allowed. Use an absolute https URL of an \
         allowed origin, or omit it to use the dashboard. For a new API key: `returnOrigins` has \
         an origin that the service does not allow for API keys.";
    UnsupportedFlow "unsupported_flow" BAD_REQUEST "Unsupported flow"
        "The payment provider does not support this deep link. Open the portal without `flow`.";
    UnknownPlan "unknown_plan" BAD_REQUEST "Unknown plan"
        "The catalogue has no plan with this `planId`, or no price for this `billingCycle`. List \
         the plans with `GET /api/v1/subscriptions/plans`.";
    AlreadySubscribed "already_subscribed" BAD_REQUEST "Already subscribed"
        "The user already has a subscription. Open the portal to change, pay or cancel it.";
    InvalidSignature "invalid_signature" BAD_REQUEST "Invalid signature"
        "The `Stripe-Signature` header is missing or malformed, no configured secret matches the \
         body, or the timestamp differs by more than 300 seconds from the service's time. Only the \
         webhook route returns this code.";
    MissingCredential "missing_credential" UNAUTHORIZED "Missing credential"
        "The request has no `Authorization: Bearer …` header. Send an access token, or an API key \
         on routes that end in `/api`.";
    InvalidToken "invalid_token" UNAUTHORIZED "Invalid access token"
        "The access token is invalid. Get a new one from your identity provider. Retrying with the \
         same token won't help.";
    ExpiredToken "expired_token" UNAUTHORIZED "Expired access token"
        "The access token has expired. Refresh it and retry.";
    InvalidApiKey "invalid_api_key" UNAUTHORIZED "Invalid API key"
        "The API key is unknown, mistyped, revoked or expired. The response is the same in all \
         four cases; the service's log has the reason.";
    WrongCredentialType "wrong_credential_type" UNAUTHORIZED "Wrong kind of credential"
        "The route accepts the other credential type: an access token instead of an API key, or \
         the reverse. `detail` names the right route, if there is one.";
    InsufficientPermission "insufficient_permission" FORBIDDEN "Insufficient permission"
        "The credential is valid, but the API key lacks the permission or the access token lacks a \
         required claim.";
    NotFound "not_found" NOT_FOUND "Not found"
        "No resource exists at this path. Paths are exact: case, slashes and percent-encoding \
         matter, and the service never redirects.";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "Method not allowed"
        "The path does not support this method. The `Allow` header lists the supported methods.";
    RequestTimeout "request_timeout" REQUEST_TIMEOUT "Request timeout"
        "The request did not arrive in time. The body must arrive within 5 seconds. Send the \
         request again.";
    IdempotencyConflict "idempotency_conflict" CONFLICT "Idempotency conflict"
        "The `Idempotency-Key` was already used for another request of this user, or for a \
         customer that no longer exists. Use a new key for a new request. Use the same key and the \
         same body for a retry.";
    TooManyApiKeys "too_many_api_keys" CONFLICT "Too many API keys"
        "The user has the maximum number of active API keys. Revoke a key, or rotate one instead \
         of creating another.";
    PayloadTooLarge "payload_too_large" PAYLOAD_TOO_LARGE "Payload too large"
        "The body exceeds 16 KiB, or 1 MiB on the webhook route.";
    UriTooLong "uri_too_long" URI_TOO_LONG "URI too long"
        "The request URI exceeds 8 KiB.";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "Unsupported media type"
        "The body must be `application/json` in UTF-8 without a content coding.";
    RateLimited "rate_limited" TOO_MANY_REQUESTS "Rate limited"
        "Too many requests or failed logins. Wait for the number of seconds in `Retry-After`, then \
         retry.";
    HeadersTooLarge "headers_too_large" REQUEST_HEADER_FIELDS_TOO_LARGE "Headers too large"
        "The request has more than 64 headers, or its headers exceed 16 KiB.";
    InternalError "internal_error" INTERNAL_SERVER_ERROR "Internal error"
        "The service has a bug. Contact the operator and quote the request id. The log contains \
         the cause.";
    ProviderError "provider_error" BAD_GATEWAY "Payment provider error"
        "The payment provider rejected the call or returned an unusable response. Retrying won't \
         help. Contact the operator and quote the request id.";
    ProviderUnavailable "provider_unavailable" SERVICE_UNAVAILABLE "Payment provider unavailable"
        "The payment provider is unreachable, even after retries. Retry after the delay in the \
         `Retry-After` header.";
    Overloaded "overloaded" SERVICE_UNAVAILABLE "Overloaded"
        "The service is at its capacity limit. Retry after the delay in the `Retry-After` header.";
    DatabaseUnavailable "database_unavailable" SERVICE_UNAVAILABLE "Database unavailable"
        "The database did not respond within 3 seconds, or its schema is not migrated yet. Retry \
         after the delay in the `Retry-After` header.";
    NotReady "not_ready" SERVICE_UNAVAILABLE "Not ready"
        "The service is starting or shutting down. `detail` names the failing checks. Only \
         `/readyz` returns this code.";
    ProviderTimeout "provider_timeout" GATEWAY_TIMEOUT "Payment provider timeout"
        "The payment provider did not respond in time. Retry the request. Each request creates a \
         new session.";
}

impl ErrorCode {
    /// Returns the code with this text.
    #[must_use]
    pub fn from_code(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}
