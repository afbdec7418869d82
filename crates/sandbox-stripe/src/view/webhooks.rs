//! Webhook endpoints and deliveries.

use serde_json::{Value, json};

use crate::model::{Delivery, WebhookEndpoint};

/// Renders a `webhook_endpoint` without its secret.
pub(crate) fn webhook_endpoint(record: &WebhookEndpoint) -> Value {
    json!({
        "id": record.id,
        "object": "webhook_endpoint",
        "api_version": record.api_version,
        "application": null,
        "created": record.created,
        "description": record.description,
        "enabled_events": record.enabled_events,
        "livemode": false,
        "metadata": record.metadata,
        "status": if record.disabled { "disabled" } else { "enabled" },
        "url": record.url,
    })
}

/// Renders a delivery, which has no counterpart in Stripe's API. `kind` is its event's type.
pub(crate) fn delivery(record: &Delivery, kind: Option<&str>) -> Value {
    json!({
        "id": record.id,
        "attempts": record.attempts,
        "created": record.created,
        "endpoint": record.endpoint,
        "event": record.event,
        "last_error": record.last_error,
        "last_status": record.last_status,
        "resent": record.resent,
        "state": record.state.as_str(),
        "type": kind,
    })
}
