//! `POST /api/v1/subscriptions/portal` and `…/portal/api`: creates a portal session.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use billing_domain::{LocaleRange, OpenPortal, Operation, PortalFlow, SubscriptionId};
use http_edge::{Problem, StrictJson};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr, Required, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::caller::{Caller, CredentialType, Purpose};
use crate::endpoint::{Endpoint, Example, PROVIDER_ERRORS};
use crate::error_code::ErrorCode;
use crate::openapi::SUBSCRIPTIONS;
use crate::problem;
use crate::state::AppState;

/// The route for access tokens.
pub const PORTAL: &str = "/api/v1/subscriptions/portal";
/// The route for API keys.
pub const PORTAL_BY_API_KEY: &str = "/api/v1/subscriptions/portal/api";

/// Opens the portal.
#[derive(Debug)]
pub(crate) struct OpensPortal;

impl Purpose for OpensPortal {
    const OPERATION: Operation = Operation::OpenPortal;
    const ACCESS_TOKEN_ROUTE: &'static str = PORTAL;
    const API_KEY_ROUTE: Option<&'static str> = Some(PORTAL_BY_API_KEY);
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = OpenPortal)]
pub(crate) struct Body {
    /// Target of the portal's "return" link, an https URL of an allowed origin. Default: the
    /// dashboard.
    #[schema(format = "uri", max_length = 2048)]
    return_url: Option<String>,
    /// Language of the portal: a BCP 47 tag with fallback as in RFC 4647 (`ko-KR` to `ko`), or
    /// `auto` for the browser's language.
    #[schema(examples("ko-KR", "auto"))]
    locale: Option<String>,
    flow: Option<Flow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Flow {
    r#type: String,
    subscription_id: Option<String>,
}

impl ToSchema for Flow {}

impl PartialSchema for Flow {
    fn schema() -> RefOr<Schema> {
        let variant = |name: &str, title: &str, has_subscription: bool| {
            let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name]));
            let object = ObjectBuilder::new()
                .title(Some(title))
                .property("type", kind)
                .required("type")
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
            if !has_subscription {
                return object;
            }
            let id = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[A-Za-z0-9_-]{1,255}$"));
            object.property("subscriptionId", id).required("subscriptionId")
        };
        OneOfBuilder::new()
            .description(Some(
                "Deep link. The portal opens on this task and returns the user to `returnUrl` \
                 afterwards.",
            ))
            .item(variant("payment_method_update", "PaymentMethodUpdate", false))
            .item(variant("subscription_cancel", "SubscriptionCancel", true))
            .item(variant("subscription_update", "SubscriptionUpdate", true))
            .into()
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = PortalSession)]
pub(crate) struct Answer {
    /// URL of the portal. Redirect the user immediately. The URL is a bearer credential for the
    /// customer's account.
    #[schema(format = "uri")]
    url: String,
}

pub(crate) fn endpoint<C: CredentialType>() -> Endpoint {
    let description = "Creates a portal session for the caller's billing account. Without a body \
                       the portal opens on its home page and returns to the dashboard.";
    let permission = C::pick("", " The API key needs the permission `subscriptions:portal`.");
    Endpoint::post(C::pick(PORTAL, PORTAL_BY_API_KEY), open::<C>)
        .operation(
            C::pick("openPortal", "openPortalByApiKey"),
            SUBSCRIPTIONS,
            format!("Open the customer portal with {}", C::NAME),
        )
        .description(format!("{description}{permission}"))
        .credential::<C>()
        .json_body::<Body>(Required::False, examples())
        .returns::<Answer>(
            200,
            "The new portal session.",
            Some(json!({ "url": "https://billing.stripe.com/p/session/test_YWNjdF8x" })),
        )
        .errors(&[
            ErrorCode::BillingAccountNotFound,
            ErrorCode::InvalidReturnUrl,
            ErrorCode::UnsupportedFlow,
        ])
        .errors(PROVIDER_ERRORS)
}

fn examples() -> [Example; 4] {
    let cancel = json!({ "type": "subscription_cancel", "subscriptionId": "sub_1QExample" });
    [
        ("basic", "Home page, return to the dashboard", json!({})),
        (
            "returnUrl",
            "In Korean, return to your own page",
            json!({ "returnUrl": "https://app.example.com/billing", "locale": "ko-KR" }),
        ),
        ("updateCard", "Update the card", json!({ "flow": { "type": "payment_method_update" } })),
        ("cancel", "Cancel a subscription", json!({ "flow": cancel })),
    ]
}

async fn open<C: CredentialType>(
    State(app): State<Arc<AppState>>,
    caller: Caller<C, OpensPortal>,
    StrictJson(body): StrictJson<Body>,
) -> Result<Json<Answer>, Problem> {
    let locale = body.locale.as_deref().map(str::parse::<LocaleRange>).transpose();
    let request = OpenPortal {
        locale: locale.map_err(|error| problem::from_portal_error(error.into(), C::IS_TOKEN))?,
        flow: body.flow.map(flow).transpose().map_err(problem::invalid_request)?,
        return_url: body.return_url,
        deadline: caller.deadline,
        origin: caller.origin,
    };
    let session = app
        .portal
        .open(&caller.principal, request)
        .await
        .map_err(|error| problem::from_portal_error(error, C::IS_TOKEN))?;
    tracing::info!(
        owner = %caller.principal.owner,
        method = ?caller.principal.method,
        session = session.id,
        "portal opened"
    );
    Ok(Json(Answer { url: session.url.expose().to_owned() }))
}

/// Returns the flow, or an instruction for the client.
fn flow(body: Flow) -> Result<PortalFlow, &'static str> {
    let make: fn(SubscriptionId) -> PortalFlow = match body.r#type.as_str() {
        "payment_method_update" => {
            return match body.subscription_id {
                None => Ok(PortalFlow::PaymentMethodUpdate),
                Some(_) => {
                    Err("Omit `flow.subscriptionId`: `payment_method_update` does not use it.")
                }
            };
        }
        "subscription_cancel" => PortalFlow::SubscriptionCancel,
        "subscription_update" => PortalFlow::SubscriptionUpdate,
        _ => {
            return Err(
                "Send `payment_method_update`, `subscription_cancel` or `subscription_update` as \
                 `flow.type`.",
            );
        }
    };
    match body.subscription_id.as_deref().map(str::parse) {
        Some(Ok(id)) => Ok(make(id)),
        Some(Err(_)) | None => Err("Send the id of a subscription as `flow.subscriptionId`."),
    }
}
