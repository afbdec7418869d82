//! The OpenAPI 3.1 document of a list of endpoints.

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, Info, License, ObjectBuilder, OpenApi, Paths, RefOr, Required, Schema, Server, Tag,
    Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::responses;

/// Tag of the billing operations.
pub(crate) const SUBSCRIPTIONS: &str = "Subscriptions";
/// Tag of key management.
pub(crate) const API_KEYS: &str = "API keys";
/// Tag of the provider's deliveries.
pub(crate) const WEBHOOKS: &str = "Webhooks";
/// Tag of probes and documents.
pub(crate) const SERVICE: &str = "Service";

/// `info.summary`, which utoipa does not have.
const SUMMARY: &str = "Opens the payment provider's hosted customer portal for a signed-in user.";

const DESCRIPTION: &str = "\
A user clicks \"Manage billing\"; your app asks here for a portal session and sends the user to its \
URL. There the user updates cards, downloads invoices, changes plan, cancels and sees the history.

Every request makes a fresh session, so a request may be repeated freely. The URL is a bearer \
credential that lives minutes: redirect to it at once, and never log or store it.";

/// RFC 9457 problem details.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Problem {
    #[schema(format = "uri-reference")]
    r#type: String,
    title: String,
    #[schema(value_type = i32)]
    status: u16,
    /// One sentence: what to do.
    detail: String,
    #[schema(value_type = ErrorCode)]
    code: &'static str,
    request_id: String,
}

impl ToSchema for ErrorCode {}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let codes = Self::ALL.iter().map(|code| code.as_str());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).into()
    }
}

/// The document. `public_url` becomes its server if it is configured.
pub(crate) fn document(endpoints: &[Endpoint], public_url: Option<&str>) -> Value {
    let mut info = Info::new("Billing portal", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    info.license = Some(license);

    let mut document = OpenApi::new(info, Paths::new());
    document.json_schema_dialect = Some("https://json-schema.org/draft/2020-12/schema".to_owned());
    document.servers = Some(vec![Server::new(public_url.unwrap_or("/"))]);
    document.tags = Some(tags());
    document.components = Some(components());
    for endpoint in endpoints {
        endpoint.describe(&mut document);
    }
    // Strings, numbers and maps with string keys always serialise.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    document["info"]["summary"] = SUMMARY.into();
    document
}

fn tags() -> Vec<Tag> {
    let tags = [
        (SUBSCRIPTIONS, "The end user's billing."),
        (API_KEYS, "The end user's own API keys, managed with an access token only."),
        (WEBHOOKS, "Where the payment provider reports what happened."),
        (SERVICE, "Probes and documents."),
    ];
    let tag = |(name, text)| TagBuilder::new().name(name).description(Some(text)).build();
    tags.into_iter().map(tag).collect()
}

fn components() -> Components {
    let mut components = Components::default();
    let request_id = ParameterBuilder::new()
        .name("X-Request-Id")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Echoed in the answer and in the service's log; a fresh UUIDv7 where it is absent or malformed.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[A-Za-z0-9._-]{1,128}$")),
        ))
        .build();
    components.parameters.insert("X-Request-Id".to_owned(), RefOr::T(request_id));
    components.headers.extend(responses::header_components());
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let schemes = [
        ("accessToken", "JWT", "An access token of your identity provider (RFC 9068)."),
        (
            "apiKey",
            "llmgen_…",
            "An API key of the end user with the operation's permission: `subscriptions:portal`, \
             `subscriptions:checkout` or `subscriptions:read`.",
        ),
    ];
    for (name, format, description) in schemes {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format(format)
            .description(Some(description))
            .build();
        components.security_schemes.insert(name.to_owned(), RefOr::T(SecurityScheme::Http(scheme)));
    }
    components
}
