//! [`document`] builds the OpenAPI 3.1 document.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
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
/// Tag of the webhook route.
pub(crate) const WEBHOOKS: &str = "Webhooks";
/// Tag of the probes and documents.
pub(crate) const SERVICE: &str = "Service";

/// `info.summary`. utoipa does not support it.
const SUMMARY: &str =
    "Opens the payment provider's customer portal and checkout for a signed-in user.";

const DESCRIPTION: &str = "\
A user clicks \"Manage billing\". Your app requests a portal session and redirects the user to its \
URL. In the portal, the user updates cards, downloads invoices, and changes or cancels the plan.

Each request creates a new session, so retries are safe. The URL is a bearer credential that \
expires within minutes. Redirect the user immediately, and never log or store it.

Every error has a stable `code`: see the [error codes](docs/errors).";

/// RFC 9457 problem details.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Problem {
    /// URL of the page that explains the error code.
    #[schema(format = "uri-reference")]
    r#type: String,
    /// Short summary, the same for every problem with this code.
    title: String,
    /// HTTP status.
    #[schema(value_type = i32)]
    status: u16,
    /// Instruction for the client. The text may change.
    detail: String,
    /// Stable error code. Use it for decisions.
    #[schema(value_type = ErrorCode)]
    code: &'static str,
    /// Id of the request in the log. Quote it to the operator.
    request_id: String,
}

impl ToSchema for ErrorCode {}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let codes = Self::ALL.iter().map(|code| code.as_str());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).into()
    }
}

/// The OpenAPI document. Its paths have the order of the endpoints, which readers see in the API
/// reference; a JSON map sorts them by name.
#[derive(Debug)]
pub struct Document {
    value: Value,
    paths: Vec<&'static str>,
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for (name, member) in self.value.as_object().into_iter().flatten() {
            if name == "paths" {
                members
                    .serialize_entry(name, &OrderedPaths { paths: member, order: &self.paths })?;
            } else {
                members.serialize_entry(name, member)?;
            }
        }
        members.end()
    }
}

/// The document's paths in this order.
struct OrderedPaths<'a> {
    paths: &'a Value,
    order: &'a [&'static str],
}

impl Serialize for OrderedPaths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = |path: &&'static str| self.paths.get(path).map(|item| (*path, item));
        serializer.collect_map(self.order.iter().filter_map(known))
    }
}

/// Builds the document. `public_url` becomes its server, if configured.
pub(crate) fn document(endpoints: &[Endpoint], public_url: Option<&str>) -> Document {
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
    let mut value = serde_json::to_value(document).unwrap_or_default();
    value["info"]["summary"] = SUMMARY.into();
    let mut paths: Vec<_> = endpoints.iter().map(Endpoint::path).collect();
    paths.dedup();
    Document { value, paths }
}

fn tags() -> Vec<Tag> {
    let tags = [
        (SUBSCRIPTIONS, "Portal, checkout and subscription of the end user."),
        (API_KEYS, "API keys of the end user. These routes accept access tokens only."),
        (WEBHOOKS, "Receives events from the payment provider."),
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
            "Id of the request, returned in the response and written to the log. If absent or \
             invalid, the service generates a UUIDv7.",
        ))
        .schema(Some(
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9._-]{1,128}$")),
        ))
        .build();
    components.parameters.insert("X-Request-Id".to_owned(), RefOr::T(request_id));
    components.headers.extend(responses::header_components());
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let schemes = [
        ("accessToken", "JWT", "Access token of your identity provider (a JWT, RFC 9068)."),
        (
            "apiKey",
            "llmgen_…",
            "API key of the end user with the permission of the operation: \
             `subscriptions:portal`, `subscriptions:checkout` or `subscriptions:read`.",
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
