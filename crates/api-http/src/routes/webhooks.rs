//! `POST /api/v1/webhooks/stripe`: takes in what the provider tells, and answers before any of it is applied.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use billing_domain::TakenIn;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName};
use http_edge::{ClientAddress, Problem, RawBody};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::error_code::ErrorCode;
use crate::{Api, problem};

/// The largest body, in bytes: Stripe's events are far smaller.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// What all bodies that are being read may take together, in KiB: anybody can send one, and nobody is known before it was read.
const ROOM_KIB: usize = 64 * 1024;

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// Room for the bodies of deliveries.
#[derive(Debug)]
pub struct IntakeRoom(Semaphore);

impl Default for IntakeRoom {
    fn default() -> Self {
        Self(Semaphore::new(ROOM_KIB))
    }
}

pub(crate) async fn stripe(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let _room = api
        .intake_room
        .0
        .try_acquire_many(kibibytes(request.headers()))
        .map_err(|_| problem::no_room())?;
    let source = request.extensions().get::<ClientAddress>().copied();
    let several = "Send one `Stripe-Signature` header, not several.";
    let signature = signature(request.headers())
        .ok_or_else(|| problem::problem(ErrorCode::InvalidSignature, several))?;
    let RawBody(body) =
        RawBody::from_request(request, &api).await.map_err(|fault| problem::from_fault(&fault))?;
    match api.webhooks.take_in(&signature, &body).await {
        Ok(TakenIn::Event(id, kind)) => {
            tracing::info!(event = %id, %kind, "event taken in");
            metrics::counter!("webhook_deliveries_total", "outcome" => "accepted").increment(1);
            api.new_events.notify_one();
        }
        Ok(TakenIn::OtherMode) => {
            tracing::warn!(
                "an event of the provider's other mode was delivered here: check the endpoint's secret"
            );
            metrics::counter!("webhook_deliveries_total", "outcome" => "other_mode").increment(1);
        }
        Err(error) => {
            let refusal = problem::from_intake_error(error);
            metrics::counter!("webhook_deliveries_total", "outcome" => refusal.code).increment(1);
            if refusal.code == ErrorCode::InvalidSignature.as_str() {
                let source = source.map(|source| source.network().to_string());
                api.guard.denials.count(refusal.code, source.as_deref(), None);
            }
            return Err(refusal);
        }
    }
    Ok(Json(json!({ "received": true })))
}

/// The one signature header, empty where there is none; `None` where there are several.
fn signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut all = headers.get_all(SIGNATURE).into_iter();
    let first = all.next().map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    all.next().is_none().then_some(first)
}

/// What a body may take: as much as it declares, or as much as may come where it declares nothing.
fn kibibytes(headers: &HeaderMap) -> u32 {
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    u32::try_from(declared.unwrap_or(BODY_LIMIT).min(BODY_LIMIT).div_ceil(1024)).unwrap_or(u32::MAX)
}
