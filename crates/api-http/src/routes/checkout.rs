//! `POST /api/v1/subscriptions/checkout` and `…/checkout/api`: starts a checkout for the first
//! subscription.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use billing_domain::{BillingCycle, IdempotencyKey, Operation, StartCheckout};
use http::HeaderMap;
use http_edge::{Problem, StrictJson};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::caller::{Caller, CredentialType, Purpose};
use crate::endpoint::{Endpoint, Example, PROVIDER_ERRORS};
use crate::error_code::ErrorCode;
use crate::openapi::SUBSCRIPTIONS;
use crate::problem;
use crate::state::AppState;

/// The route for access tokens.
pub const CHECKOUT: &str = "/api/v1/subscriptions/checkout";
const CHECKOUT_BY_API_KEY: &str = "/api/v1/subscriptions/checkout/api";

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Starts a checkout.
#[derive(Debug)]
pub(crate) struct StartsCheckout;

impl Purpose for StartsCheckout {
    const OPERATION: Operation = Operation::StartCheckout;
    const ACCESS_TOKEN_ROUTE: &'static str = CHECKOUT;
    const API_KEY_ROUTE: Option<&'static str> = Some(CHECKOUT_BY_API_KEY);
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = StartCheckout)]
pub(crate) struct Body {
    /// Id of a plan from the catalogue.
    #[schema(value_type = String, examples("starter", "professional", "business", "agency"))]
    plan_id: Option<String>,
    /// Billing cycle.
    #[schema(value_type = Option<Cycle>, default = "monthly")]
    billing_cycle: Option<String>,
    /// Page for the user after payment. The same rules apply as for `returnUrl` of the portal.
    /// `{CHECKOUT_SESSION_ID}` is replaced by the session id. Default: the dashboard.
    #[schema(format = "uri", max_length = 2048)]
    success_url: Option<String>,
    /// Page for a user who cancels. The same rules apply as for `returnUrl` of the portal.
    /// Default: the pricing page.
    #[schema(format = "uri", max_length = 2048)]
    cancel_url: Option<String>,
}

/// Billing cycle of a subscription.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BillingCycle)]
pub(crate) enum Cycle {
    Monthly,
    Yearly,
}

impl From<BillingCycle> for Cycle {
    fn from(cycle: BillingCycle) -> Self {
        match cycle {
            BillingCycle::Monthly => Self::Monthly,
            BillingCycle::Yearly => Self::Yearly,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckoutSession)]
pub(crate) struct Answer {
    /// Id of the session at the provider. It is safe to log.
    session_id: String,
    /// URL of the checkout page. Redirect the user immediately, and never log it.
    #[schema(format = "uri")]
    url: String,
    #[schema(inline)]
    plan: Plan,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Plan {
    id: String,
    name: String,
    /// Credits per month.
    monthly_credits: u64,
    /// Price per billing cycle in the currency's minor unit.
    price_cents: u64,
}

pub(crate) fn endpoint<C: CredentialType>() -> Endpoint {
    let description = "Creates a checkout session for the caller's first subscription. The user \
                       pays on the page of the session and returns to `successUrl`. The purchase \
                       creates the billing account. Users with a subscription use the portal.";
    let permission = C::pick("", " The API key needs the permission `subscriptions:checkout`.");
    Endpoint::post(C::pick(CHECKOUT, CHECKOUT_BY_API_KEY), start::<C>)
        .operation(
            C::pick("startCheckout", "startCheckoutWithApiKey"),
            SUBSCRIPTIONS,
            format!("Start a checkout with {}", C::NAME),
        )
        .description(format!("{description}{permission}"))
        .credential::<C>()
        .parameter(
            ParameterBuilder::new()
                .name(IDEMPOTENCY_KEY)
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(
                    "Makes retries safe. The same key with the same body returns the same session. \
                     The same key with another body returns 409 `idempotency_conflict`. \
                     Keys have 1 to 255 visible ASCII characters, are separate for each user, \
                     and expire after 24 hours.",
                ))
                .schema(Some(
                    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,255}$")),
                )),
        )
        .json_body::<Body>(Required::True, examples())
        .returns::<Answer>(
            200,
            "The new checkout session.",
            Some(json!({
                "sessionId": "cs_test_a1Example",
                "url": "https://checkout.stripe.com/c/pay/cs_test_a1Example",
                "plan": {
                    "id": "starter", "name": "Starter", "monthlyCredits": 1000, "priceCents": 900
                }
            })),
        )
        .errors(&[
            ErrorCode::UnknownPlan,
            ErrorCode::InvalidReturnUrl,
            ErrorCode::AlreadySubscribed,
            ErrorCode::IdempotencyConflict,
        ])
        .errors(PROVIDER_ERRORS)
}

fn examples() -> [Example; 2] {
    [
        ("monthly", "Monthly, return to the dashboard", json!({ "planId": "starter" })),
        (
            "yearly",
            "Yearly, with custom return pages",
            json!({
                "planId": "professional",
                "billingCycle": "yearly",
                "successUrl": "https://app.example.com/welcome?session={CHECKOUT_SESSION_ID}",
                "cancelUrl": "https://app.example.com/pricing"
            }),
        ),
    ]
}

async fn start<C: CredentialType>(
    State(app): State<Arc<AppState>>,
    caller: Caller<C, StartsCheckout>,
    headers: HeaderMap,
    StrictJson(body): StrictJson<Body>,
) -> Result<Json<Answer>, Problem> {
    let cycle = match body.billing_cycle.as_deref().map(str::parse) {
        None => BillingCycle::Monthly,
        Some(Ok(cycle)) => cycle,
        Some(Err(_)) => {
            return Err(problem::invalid_request(
                "Send `monthly` or `yearly` as `billingCycle`, or omit it.",
            ));
        }
    };
    let plan = body.plan_id;
    let request = StartCheckout {
        plan: plan.ok_or_else(|| problem::invalid_request("Send the id of a plan as `planId`."))?,
        cycle,
        success_url: body.success_url,
        cancel_url: body.cancel_url,
        key: idempotency_key(&headers).map_err(problem::invalid_request)?,
        deadline: caller.deadline,
        origin: caller.origin,
    };
    let started = app
        .checkout
        .start(&caller.principal, request)
        .await
        .map_err(|error| problem::from_checkout_error(error, C::IS_TOKEN))?;
    let (session, plan) = (started.session, started.plan);
    tracing::info!(
        owner = %caller.principal.owner,
        method = ?caller.principal.method,
        session = %session.id,
        plan = %plan.id,
        "checkout started"
    );
    Ok(Json(Answer {
        session_id: session.id.as_str().to_owned(),
        url: session.url.expose().to_owned(),
        plan: Plan {
            id: plan.id.as_str().to_owned(),
            name: plan.name,
            monthly_credits: plan.monthly_credits,
            price_cents: started.price.amount,
        },
    }))
}

/// Returns the idempotency key of the client, or an instruction for the client.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, &'static str> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).into_iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => {
            let key = key.to_str().ok().and_then(|key| key.parse().ok());
            key.map(Some).ok_or("Send 1 to 255 visible ASCII characters as `Idempotency-Key`.")
        }
        (Some(_), Some(_)) => Err("Send only one `Idempotency-Key` header."),
    }
}
