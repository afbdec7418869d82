//! `POST /api/v1/subscriptions/portal` and `…/portal/api`: a fresh portal session for the caller.

use axum::Json;
use axum::extract::State;
use billing_domain::{LocaleRange, OpenPortal, PortalFlow, SubscriptionId};
use http_edge::{Problem, StrictJson};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Kind, OpensPortal};
use crate::error_code::ErrorCode;
use crate::{Api, problem};

/// The request's body; every field may be absent or `null`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PortalBody {
    return_url: Option<String>,
    locale: Option<String>,
    flow: Option<FlowBody>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FlowBody {
    r#type: String,
    subscription_id: Option<String>,
}

/// The answer: a URL that is a bearer credential.
#[derive(Serialize)]
pub(crate) struct PortalAnswer {
    url: String,
}

pub(crate) async fn open<K: Kind>(
    State(api): State<Api>,
    caller: Caller<K, OpensPortal>,
    StrictJson(body): StrictJson<PortalBody>,
) -> Result<Json<PortalAnswer>, Problem> {
    let invalid = |detail| problem::problem(ErrorCode::InvalidRequest, detail);
    let locale = body.locale.as_deref().map(str::parse::<LocaleRange>).transpose();
    let request = OpenPortal {
        locale: locale.map_err(|error| problem::from_portal_error(error.into(), K::IS_TOKEN))?,
        flow: body.flow.map(flow).transpose().map_err(invalid)?,
        return_url: body.return_url,
        deadline: caller.deadline,
        origin: caller.origin,
    };
    let session = api
        .portal
        .open(&caller.principal, request)
        .await
        .map_err(|error| problem::from_portal_error(error, K::IS_TOKEN))?;
    tracing::info!(owner = %caller.principal.owner, method = ?caller.principal.method, session = session.id, "portal opened");
    Ok(Json(PortalAnswer { url: session.url.expose().to_owned() }))
}

/// The flow, or what the caller should send instead.
fn flow(body: FlowBody) -> Result<PortalFlow, &'static str> {
    let make: fn(SubscriptionId) -> PortalFlow = match body.r#type.as_str() {
        "payment_method_update" => {
            return match body.subscription_id {
                None => Ok(PortalFlow::PaymentMethodUpdate),
                Some(_) => {
                    Err("Leave `flow.subscriptionId` out: `payment_method_update` has none.")
                }
            };
        }
        "subscription_cancel" => PortalFlow::SubscriptionCancel,
        "subscription_update" => PortalFlow::SubscriptionUpdate,
        _ => {
            return Err(
                "Send `payment_method_update`, `subscription_cancel` or `subscription_update` as `flow.type`.",
            );
        }
    };
    match body.subscription_id.as_deref().map(str::parse) {
        Some(Ok(id)) => Ok(make(id)),
        Some(Err(_)) | None => Err("Send the subscription's id as `flow.subscriptionId`."),
    }
}
