//! Events.

use serde_json::{Value, json};

use crate::model::Event;
use crate::version::API_VERSION;

/// Renders an `event` with its number of pending deliveries.
pub(crate) fn event(record: &Event, pending_webhooks: u32) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut data = json!({ "object": parsed(&record.object) });
    if let Some(previous) = &record.previous {
        data["previous_attributes"] = parsed(previous);
    }
    json!({
        "id": record.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": record.created,
        "data": data,
        "livemode": false,
        "pending_webhooks": pending_webhooks,
        "request": {
            "id": record.origin.request,
            "idempotency_key": record.origin.idempotency_key,
        },
        "type": record.kind,
    })
}
