//! Every error code of the contract (E1): one table for answers, OpenAPI and the pages under
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
            /// All of them, in the contract's order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as it stands in an answer.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }

            /// A short summary that does not change from answer to answer.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// When it happens and what a client does about it.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

error_codes! {
    BillingAccountNotFound "billing_account_not_found" BAD_REQUEST "No billing account"
        "The user has no billing account, or the payment provider says that it is gone. A purchase must come first: send the user through checkout, then open the portal.";
    InvalidRequest "invalid_request" BAD_REQUEST "Invalid request"
        "The request is not what this route takes: a malformed header or body, an unknown field, a value out of range, a subscription that is not the customer's. `detail` names the part; mend it before sending again.";
    InvalidReturnUrl "invalid_return_url" BAD_REQUEST "Invalid return URL"
        "A return URL breaks a rule of form, or its origin is not on this service's list; or the `returnOrigins` of a new API key are not within those that this service allows. Use an absolute https URL of an allowed origin, or leave it out to return to the dashboard.";
    UnsupportedFlow "unsupported_flow" BAD_REQUEST "Unsupported flow"
        "The payment provider cannot do this deep link. Open the portal without `flow`.";
    UnknownPlan "unknown_plan" BAD_REQUEST "Unknown plan"
        "The catalogue has no plan with this `planId`, or does not sell it in this `billingCycle`. `GET /api/v1/subscriptions/plans` lists what there is.";
    AlreadySubscribed "already_subscribed" BAD_REQUEST "Already subscribed"
        "The user has a subscription. Open the portal: there the plan is changed, paid or cancelled.";
    InvalidSignature "invalid_signature" BAD_REQUEST "Invalid signature"
        "The delivery's `Stripe-Signature` does not hold: it is missing or malformed, made with a secret that is not configured, over another body, or more than 300 seconds from this service's time. Only the webhook route answers this.";
    MissingCredential "missing_credential" UNAUTHORIZED "Missing credential"
        "There is no `Authorization: Bearer …` header. Send the access token, or on the `/api` route the API key.";
    InvalidToken "invalid_token" UNAUTHORIZED "Invalid access token"
        "The access token does not hold. Get a fresh one from your identity provider; repeating the same one does not help.";
    ExpiredToken "expired_token" UNAUTHORIZED "Expired access token"
        "The access token was good and its time is over. Refresh it and repeat the request.";
    InvalidApiKey "invalid_api_key" UNAUTHORIZED "Invalid API key"
        "The API key does not hold: unknown, mistyped, revoked or expired. The answer is the same for all of them; the service's log tells operators which.";
    WrongCredentialType "wrong_credential_type" UNAUTHORIZED "Wrong kind of credential"
        "An API key was sent to the access token's route, or the other way round. `detail` names the right route.";
    InsufficientPermission "insufficient_permission" FORBIDDEN "Insufficient permission"
        "The credential is good, and does not allow this: the key lacks the permission, or the token lacks a required claim.";
    NotFound "not_found" NOT_FOUND "Not found"
        "There is nothing at this path. Paths are exact: case, slashes and percent-encoding count, and nothing redirects.";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "Method not allowed"
        "The path exists, and does not know this method. The `Allow` header lists those that it knows.";
    RequestTimeout "request_timeout" REQUEST_TIMEOUT "Request timeout"
        "The request did not arrive in time: a body has 5 seconds. Send it again.";
    IdempotencyConflict "idempotency_conflict" CONFLICT "Idempotency conflict"
        "The `Idempotency-Key` stands for another request of the same user, or for one whose customer is gone. Use a fresh key for a new request, and the same body with the same key.";
    TooManyApiKeys "too_many_api_keys" CONFLICT "Too many API keys"
        "The user has as many active API keys as this service allows. Revoke one, or rotate one instead of making another.";
    PayloadTooLarge "payload_too_large" PAYLOAD_TOO_LARGE "Payload too large"
        "The body is over 16 KiB, or on the webhook route over 1 MiB. No request of this API needs that much.";
    UriTooLong "uri_too_long" URI_TOO_LONG "URI too long"
        "The request's URI is over 8 KiB.";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "Unsupported media type"
        "A body must be `application/json` in UTF-8, without a content coding.";
    RateLimited "rate_limited" TOO_MANY_REQUESTS "Rate limited"
        "Too many requests. Wait for as long as `Retry-After` says.";
    HeadersTooLarge "headers_too_large" REQUEST_HEADER_FIELDS_TOO_LARGE "Headers too large"
        "The request's headers are over 16 KiB, or more than 64.";
    InternalError "internal_error" INTERNAL_SERVER_ERROR "Internal error"
        "A bug of this service. Its log has the cause under the request id; quote that when you report it.";
    ProviderError "provider_error" BAD_GATEWAY "Payment provider error"
        "The payment provider refused this service, or gave an answer that cannot be used. Nothing in the request mends that: the operator must look.";
    ProviderUnavailable "provider_unavailable" SERVICE_UNAVAILABLE "Payment provider unavailable"
        "The payment provider cannot be reached, also after retries. Come back after `Retry-After`.";
    Overloaded "overloaded" SERVICE_UNAVAILABLE "Overloaded"
        "This service is at its own limits. Come back after `Retry-After`.";
    DatabaseUnavailable "database_unavailable" SERVICE_UNAVAILABLE "Database unavailable"
        "The service's database gave no connection or answer within 3 seconds, or is not migrated yet. Come back after `Retry-After`.";
    NotReady "not_ready" SERVICE_UNAVAILABLE "Not ready"
        "The service is starting or shutting down; the failing checks are named in `detail`. Only `/readyz` answers this.";
    ProviderTimeout "provider_timeout" GATEWAY_TIMEOUT "Payment provider timeout"
        "The payment provider did not answer in time. The request may be repeated at once: every request makes a fresh session.";
}

impl ErrorCode {
    /// The code with this text.
    #[must_use]
    pub fn from_code(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}
