//! `POST /api/v1/webhooks/stripe`: stores an event and responds before the event is applied.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use billing_domain::IntakeOutcome;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName};
use http_edge::{ClientAddress, Problem, RawBody};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::openapi::WEBHOOKS;
use crate::problem;
use crate::request_limits::RequestSource;
use crate::state::AppState;

/// The route for Stripe and its sandbox.
pub const STRIPE_WEBHOOKS: &str = "/api/v1/webhooks/stripe";
/// Body limit (1 MiB), in bytes. Stripe's events are much smaller.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// A Stripe event, snapshot or thin. Other fields are ignored.
#[derive(ToSchema)]
#[schema(as = StripeEvent)]
#[expect(dead_code, reason = "the webhook verifier reads the event; this is its schema")]
struct Event {
    id: String,
    #[schema(inline)]
    object: EventObject,
    r#type: String,
    #[schema(schema_with = created)]
    created: String,
    #[schema(required = false)]
    livemode: bool,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the webhook verifier reads the event; this is its schema")]
enum EventObject {
    #[schema(rename = "event")]
    Snapshot,
    #[schema(rename = "v2.core.event")]
    Thin,
}

/// Returns the schema of `created`: seconds in a snapshot event, RFC 3339 in a thin event.
fn created() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type([Type::Integer, Type::String].into_iter().collect::<SchemaType>())
}

#[derive(Serialize, ToSchema)]
#[schema(as = Received)]
pub(crate) struct Answer {
    received: bool,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::post(STRIPE_WEBHOOKS, receive)
        .operation("stripeWebhook", WEBHOOKS, "Receive a Stripe event")
        .description(
            "Stripe delivers events to this route. The signature authenticates the delivery: \
             HMAC-SHA-256 over the raw body, with a timestamp within 300 seconds of the service's \
             time. The service stores the event, responds, and applies the event afterwards. \
             Repeated deliveries have no effect. The body limit is 1 MiB.",
        )
        .parameter(
            ParameterBuilder::new()
                .name("Stripe-Signature")
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some(
                    "`t=<seconds>,v1=<lower-case hex>`, with one `v1` for each secret of the \
                     endpoint.",
                ))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        )
        .body::<Event>(
            Required::True,
            [(
                "updated",
                "A subscription changed",
                json!({
                    "id": "evt_1QExample",
                    "object": "event",
                    "type": "customer.subscription.updated",
                    "created": 1_764_063_000,
                    "livemode": false,
                    "data": { "object": {
                        "id": "sub_1QExample",
                        "object": "subscription",
                        "customer": "cus_QExample"
                    } }
                }),
            )],
        )
        .returns::<Answer>(200, "The event is stored.", Some(json!({ "received": true })))
        .errors(&[
            ErrorCode::InvalidSignature,
            ErrorCode::Overloaded,
            ErrorCode::DatabaseUnavailable,
        ])
}

async fn receive(
    State(app): State<Arc<AppState>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let size = largest_size(request.headers());
    let _memory = app.intake_capacity.reserve(size).ok_or_else(problem::intake_full)?;
    let source = request.extensions().get::<ClientAddress>().copied();
    let several = "Send only one `Stripe-Signature` header.";
    let signature = signature(request.headers())
        .ok_or_else(|| problem::problem(ErrorCode::InvalidSignature, several))?;
    let RawBody(body) =
        RawBody::from_request(request, &app).await.map_err(|fault| problem::from_fault(&fault))?;

    match app.webhooks.accept(&signature, &body).await {
        Ok(IntakeOutcome::Accepted(id, kind)) => {
            tracing::info!(event = %id, %kind, "event stored");
            count("accepted");
            app.new_events.notify_one();
        }
        Ok(IntakeOutcome::OtherMode) => {
            tracing::warn!(
                "ignored an event of the provider's other mode: check the secret of the endpoint"
            );
            count("other_mode");
        }
        Err(error) => {
            let refusal = problem::from_intake_error(error);
            count(refusal.code);
            if refusal.code == ErrorCode::InvalidSignature.as_str() {
                app.limits.count_denial(&refusal, &RequestSource { source, key: None });
            }
            return Err(refusal);
        }
    }
    Ok(Json(Answer { received: true }))
}

fn count(outcome: &'static str) {
    metrics::counter!("webhook_deliveries_total", "outcome" => outcome).increment(1);
}

/// Returns the signature header, empty if absent. Returns `None` for several headers.
fn signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut all = headers.get_all(SIGNATURE).into_iter();
    let first = all.next().map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    all.next().is_none().then_some(first)
}

/// Returns the declared size of the body, or the limit if it declares none.
fn largest_size(headers: &HeaderMap) -> usize {
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    declared.unwrap_or(BODY_LIMIT).min(BODY_LIMIT)
}
