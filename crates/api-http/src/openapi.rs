//! The OpenAPI 3.1 document, made from the same tables as the answers.

use serde_json::{Map, Value, json};

use crate::error_code::ErrorCode;
use crate::routes::{PORTAL, PORTAL_BY_API_KEY};

/// The document. `public_url` becomes its server, where the operator said how clients reach the service.
#[must_use]
pub fn document(public_url: Option<&str>) -> Value {
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Billing portal",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Opens the payment provider's hosted customer portal for a signed-in user.",
            "description": "A user clicks \"Manage billing\"; your app asks here for a portal session and sends the user to its URL. \
                There the user updates cards, downloads invoices, changes plan, cancels and sees the history.\n\n\
                Every request makes a fresh session, so a request may be repeated freely. The URL is a bearer credential that \
                lives minutes: redirect to it at once, and never log or store it.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": public_url.unwrap_or("/") }],
        "tags": [
            { "name": "Subscriptions", "description": "The end user's billing." },
            { "name": "Service", "description": "Probes and documents." }
        ],
        "paths": paths(),
        "components": components()
    })
}

fn paths() -> Value {
    let mut paths = Map::new();
    paths.insert(
        PORTAL.to_owned(),
        json!({ "post": portal("accessToken", "openPortal", "an access token",
        &[ErrorCode::InvalidToken, ErrorCode::ExpiredToken]) }),
    );
    paths.insert(
        PORTAL_BY_API_KEY.to_owned(),
        json!({ "post": portal("apiKey", "openPortalByApiKey", "an API key",
        &[ErrorCode::InvalidApiKey]) }),
    );
    let service = [
        (
            "/livez",
            "livez",
            "The process runs.",
            json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Probe" } } }),
        ),
        (
            "/readyz",
            "readyz",
            "Whether the service takes requests; degraded dependencies are named.",
            json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Probe" } } }),
        ),
        (
            "/openapi.json",
            "openapi",
            "This document.",
            json!({ "application/json": { "schema": { "type": "object" } } }),
        ),
        ("/docs", "docs", "This document as a page.", json!({ "text/html": { "schema": { "type": "string" } } })),
        (
            "/llms.txt",
            "llms",
            "What this service is, for language models.",
            json!({ "text/plain": { "schema": { "type": "string" } } }),
        ),
        ("/", "index", "What this service is.", json!({ "text/html": { "schema": { "type": "string" } } })),
    ];
    for (path, id, summary, content) in service {
        let mut responses = json!({ "200": { "description": summary, "headers": request_id(), "content": content } });
        if path == "/readyz" {
            responses["503"] = error_response(&[ErrorCode::NotReady]);
        }
        let get = json!({ "tags": ["Service"], "operationId": id, "summary": summary, "security": [], "responses": responses });
        paths.insert(path.to_owned(), json!({ "get": get }));
    }
    paths.insert("/docs/errors/{code}".to_owned(), json!({ "get": {
        "tags": ["Service"],
        "operationId": "errorPage",
        "summary": "What an error code means and what to do about it.",
        "security": [],
        "parameters": [{ "name": "code", "in": "path", "required": true, "schema": { "$ref": "#/components/schemas/ErrorCode" } }],
        "responses": {
            "200": { "description": "The page.", "headers": request_id(), "content": { "text/html": { "schema": { "type": "string" } } } },
            "404": error_response(&[ErrorCode::NotFound])
        }
    } }));
    Value::Object(paths)
}

fn portal(scheme: &str, operation: &str, credential: &str, invalid: &[ErrorCode]) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({
        "description": "A fresh portal session.",
        "headers": headers(&["X-Request-Id", "Cache-Control", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]),
        "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/PortalSession" },
            "example": { "url": "https://billing.stripe.com/p/session/test_YWNjdF8x" }
        } }
    }));
    let common = [
        ErrorCode::BillingAccountNotFound,
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidReturnUrl,
        ErrorCode::UnsupportedFlow,
        ErrorCode::MissingCredential,
        ErrorCode::WrongCredentialType,
        ErrorCode::InsufficientPermission,
        ErrorCode::NotFound,
        ErrorCode::MethodNotAllowed,
        ErrorCode::RequestTimeout,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UriTooLong,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::RateLimited,
        ErrorCode::HeadersTooLarge,
        ErrorCode::InternalError,
        ErrorCode::ProviderError,
        ErrorCode::ProviderUnavailable,
        ErrorCode::Overloaded,
        ErrorCode::DatabaseUnavailable,
        ErrorCode::ProviderTimeout,
    ];
    for status in [400, 401, 403, 404, 405, 408, 413, 414, 415, 429, 431, 500, 502, 503, 504] {
        let codes: Vec<ErrorCode> =
            common.iter().chain(invalid).copied().filter(|code| code.status() == status).collect();
        responses.insert(status.to_string(), error_response(&codes));
    }
    let body = |summary: &str, value: Value| json!({ "summary": summary, "value": value });
    json!({
        "tags": ["Subscriptions"],
        "operationId": operation,
        "summary": format!("Open the customer portal with {credential}"),
        "description": "Makes a portal session for the caller's billing account. Without a body the portal opens on its front \
            page and leads back to the dashboard.",
        "security": [{ scheme: [] }],
        "parameters": [{
            "name": "X-Request-Id", "in": "header", "required": false,
            "description": "Echoed in the answer and in the service's log; a fresh UUIDv7 where it is absent or malformed.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$" }
        }],
        "requestBody": { "required": false, "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/OpenPortal" },
            "examples": {
                "frontPage": body("The front page, back to the dashboard", json!({})),
                "returnUrl": body("Back to a page of yours, in Korean", json!({ "returnUrl": "https://app.example.com/billing", "locale": "ko-KR" })),
                "updateCard": body("Straight to the card", json!({ "flow": { "type": "payment_method_update" } })),
                "cancel": body("Straight to a cancellation", json!({ "flow": { "type": "subscription_cancel", "subscriptionId": "sub_1QExample" } }))
            }
        } } },
        "responses": responses
    })
}

/// One answer for all codes of a status, each with an example.
fn error_response(codes: &[ErrorCode]) -> Value {
    let mut examples = Map::new();
    for code in codes {
        examples.insert(
            code.as_str().to_owned(),
            json!({ "summary": code.title(), "value": {
            "type": format!("/docs/errors/{}", code.as_str()), "title": code.title(), "status": code.status().as_u16(),
            "detail": code.meaning(), "code": code.as_str(), "requestId": "01938c5e-7d3a-7c44-9f0e-2b1a5d6c7e8f"
        } }),
        );
    }
    let extra: &[&str] = match codes.first().map(|code| code.status().as_u16()) {
        Some(401 | 403) => &["WWW-Authenticate"],
        Some(405) => &["Allow"],
        Some(429) => &["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"],
        Some(503) => &["Retry-After"],
        _ => &[],
    };
    let names: Vec<&str> = ["X-Request-Id", "Cache-Control"].iter().chain(extra).copied().collect();
    let list: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
    json!({
        "description": list.join("\n\n"),
        "headers": headers(&names),
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" }, "examples": examples } }
    })
}

fn headers(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect::<Map<_, _>>()
        .into()
}

fn request_id() -> Value {
    headers(&["X-Request-Id"])
}

fn components() -> Value {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let header = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "integer", "minimum": 0 });
    json!({
        "securitySchemes": {
            "accessToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token of your identity provider (RFC 9068)." },
            "apiKey": { "type": "http", "scheme": "bearer", "bearerFormat": "llmgen_…", "description": "An API key of the end user with the permission `subscriptions:portal`." }
        },
        "headers": {
            "X-Request-Id": header("Names this request in the service's log.", text()),
            "Cache-Control": header("Always `no-store`.", text()),
            "WWW-Authenticate": header("The `Bearer` challenge (RFC 6750).", text()),
            "Allow": header("The methods that the path knows.", text()),
            "Retry-After": header("Seconds to wait.", json!({ "type": "integer", "minimum": 1 })),
            "X-RateLimit-Limit": header("Requests per minute; absent where the limit is off.", number()),
            "X-RateLimit-Remaining": header("Requests left in this minute.", number()),
            "X-RateLimit-Reset": header("When the limit is whole again, in seconds since the epoch, UTC.", number())
        },
        "schemas": {
            "OpenPortal": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "returnUrl": { "type": ["string", "null"], "format": "uri", "maxLength": 2048,
                        "description": "Where the portal's \"return\" link leads: an https URL of an allowed origin. Default: the dashboard." },
                    "locale": { "type": ["string", "null"], "examples": ["ko-KR", "auto"],
                        "description": "The portal's language: a BCP 47 tag, looked up as RFC 4647 does, or `auto`." },
                    "flow": { "oneOf": [{ "$ref": "#/components/schemas/Flow" }, { "type": "null" }] }
                }
            },
            "Flow": {
                "description": "A deep link: the portal opens on this task, and the user lands on the return URL when it is done.",
                "oneOf": [
                    { "title": "PaymentMethodUpdate", "type": "object", "additionalProperties": false, "required": ["type"],
                      "properties": { "type": { "const": "payment_method_update" } } },
                    { "title": "SubscriptionCancel", "type": "object", "additionalProperties": false, "required": ["type", "subscriptionId"],
                      "properties": { "type": { "const": "subscription_cancel" }, "subscriptionId": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$" } } },
                    { "title": "SubscriptionUpdate", "type": "object", "additionalProperties": false, "required": ["type", "subscriptionId"],
                      "properties": { "type": { "const": "subscription_update" }, "subscriptionId": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$" } } }
                ]
            },
            "PortalSession": { "type": "object", "required": ["url"], "properties": {
                "url": { "type": "string", "format": "uri", "description": "Send the user there at once. Whoever has it is the customer." } } },
            "Problem": {
                "type": "object", "description": "RFC 9457 problem details.",
                "required": ["type", "title", "status", "detail", "code", "requestId"],
                "properties": {
                    "type": { "type": "string", "format": "uri-reference" }, "title": { "type": "string" },
                    "status": { "type": "integer" }, "detail": { "type": "string", "description": "One sentence: what to do." },
                    "code": { "$ref": "#/components/schemas/ErrorCode" }, "requestId": { "type": "string" }
                }
            },
            "ErrorCode": { "type": "string", "enum": codes },
            "Probe": { "type": "object", "required": ["status"], "properties": {
                "status": { "type": "string", "enum": ["ok", "ready", "degraded"] },
                "degraded": { "type": "array", "items": { "type": "string" } } } }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_every_code_stands_in_the_document() {
        let text = paths().to_string();
        for code in ErrorCode::ALL {
            assert!(text.contains(&format!("\"code\":\"{}\"", code.as_str())), "{code:?}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|inner| walk(inner, found));
                }
                Value::Array(list) => list.iter().for_each(|inner| walk(inner, found)),
                _ => {}
            }
        }
        let document = document(None);
        let mut references = Vec::new();
        walk(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
