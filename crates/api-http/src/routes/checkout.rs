//! `POST /api/v1/subscriptions/checkout` and `…/checkout/api`: a session for the first
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
    /// A plan of the catalogue.
    #[schema(value_type = String, examples("starter", "professional", "business", "agency"))]
    plan_id: Option<String>,
    /// How often it is paid.
    #[schema(value_type = Option<Cycle>, default = "monthly")]
    billing_cycle: Option<String>,
    /// Where the user goes after paying, under the rules of `returnUrl`. `{CHECKOUT_SESSION_ID}` in
    /// it becomes the session's id. Default: the dashboard.
    #[schema(format = "uri", max_length = 2048)]
    success_url: Option<String>,
    /// Where a user who does not pay goes, under the rules of `returnUrl`. Default: the pricing
    /// page.
    #[schema(format = "uri", max_length = 2048)]
    cancel_url: Option<String>,
}

/// How often a subscription is paid.
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
    /// The session's id at the provider; safe to log.
    session_id: String,
    /// Send the user there. It is the user's alone.
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
    monthly_credits: u64,
    /// The price of a cycle, in the currency's minor unit.
    price_cents: u64,
}

pub(crate) fn endpoint<C: CredentialType>() -> Endpoint {
    let description = "Makes a checkout session for the caller's first subscription. The user pays \
                       on the session's page and comes back to `successUrl`; a billing account \
                       exists from then on. A user who has a subscription changes it in the portal.";
    let permission = C::pick("", " The key needs the permission `subscriptions:checkout`.");
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
                    "Makes the request one, however often it is sent: the same body under the same \
                     key gets the same session; another body is 409 `idempotency_conflict`. 1 to \
                     255 visible ASCII characters, of the user's own; remembered for 24 hours.",
                ))
                .schema(Some(
                    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,255}$")),
                )),
        )
        .json_body::<Body>(Required::True, examples())
        .returns::<Answer>(
            200,
            "A checkout session.",
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
        ("monthly", "By the month, back to the dashboard", json!({ "planId": "starter" })),
        (
            "yearly",
            "By the year, with pages of your own",
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
                "Send `monthly` or `yearly` as `billingCycle`, or leave it out.",
            ));
        }
    };
    let plan = body.plan_id;
    let request = StartCheckout {
        plan: plan.ok_or_else(|| problem::invalid_request("Send the plan's id as `planId`."))?,
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

/// The client's key, or the correction that the client should make.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, &'static str> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).into_iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => {
            let key = key.to_str().ok().and_then(|key| key.parse().ok());
            key.map(Some).ok_or("Send 1 to 255 visible ASCII characters as `Idempotency-Key`.")
        }
        (Some(_), Some(_)) => Err("Send one `Idempotency-Key` header, not several."),
    }
}
