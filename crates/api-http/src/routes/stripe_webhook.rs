//! `POST /api/v1/webhooks/stripe`: stores the provider's event and answers before it is applied.

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
use crate::guard::Sender;
use crate::openapi::WEBHOOKS;
use crate::problem;
use crate::state::AppState;

/// The route for Stripe and its sandbox.
pub const STRIPE_WEBHOOKS: &str = "/api/v1/webhooks/stripe";
/// Largest body (1 MiB), in bytes. Stripe's events are far smaller.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// An event as Stripe sends it, snapshot or thin. Other fields are accepted and ignored.
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

/// Seconds in a snapshot event, RFC 3339 text in a thin one.
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
        .operation("stripeWebhook", WEBHOOKS, "Take in an event of Stripe's")
        .description(
            "Where Stripe delivers its events. The body's signature is its credential: \
             HMAC-SHA-256 over the raw body, at most 300 seconds from this service's time, in \
             either direction. An event is stored and answered at once, and applied after that; \
             the same event delivered again changes nothing. Bodies of at most 1 MiB.",
        )
        .parameter(
            ParameterBuilder::new()
                .name("Stripe-Signature")
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some(
                    "`t=<seconds>,v1=<lower-case hex>`, with one `v1` per configured secret.",
                ))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        )
        .body::<Event>(
            Required::True,
            [(
                "updated",
                "A subscription was changed",
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
    let _room = app.intake_room.reserve(size).ok_or_else(problem::no_room)?;
    let source = request.extensions().get::<ClientAddress>().copied();
    let several = "Send one `Stripe-Signature` header, not several.";
    let signature = signature(request.headers())
        .ok_or_else(|| problem::problem(ErrorCode::InvalidSignature, several))?;
    let RawBody(body) =
        RawBody::from_request(request, &app).await.map_err(|fault| problem::from_fault(&fault))?;

    match app.webhooks.accept(&signature, &body).await {
        Ok(IntakeOutcome::Accepted(id, kind)) => {
            tracing::info!(event = %id, %kind, "event taken in");
            count("accepted");
            app.new_events.notify_one();
        }
        Ok(IntakeOutcome::OtherMode) => {
            tracing::warn!(
                "an event of the provider's other mode was delivered here: check the endpoint's secret"
            );
            count("other_mode");
        }
        Err(error) => {
            let refusal = problem::from_intake_error(error);
            count(refusal.code);
            if refusal.code == ErrorCode::InvalidSignature.as_str() {
                app.guard.count_denial(&refusal, &Sender { source, key: None });
            }
            return Err(refusal);
        }
    }
    Ok(Json(Answer { received: true }))
}

fn count(outcome: &'static str) {
    metrics::counter!("webhook_deliveries_total", "outcome" => outcome).increment(1);
}

/// The one signature header, empty where there is none; `None` where there are several.
fn signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut all = headers.get_all(SIGNATURE).into_iter();
    let first = all.next().map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    all.next().is_none().then_some(first)
}

/// The body's declared size, or the limit where it declares none.
fn largest_size(headers: &HeaderMap) -> usize {
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    declared.unwrap_or(BODY_LIMIT).min(BODY_LIMIT)
}
