//! The billing portal's objects.

use serde_json::{Value, json};

use crate::model::{
    AfterCompletion, Flow, FlowTask, OfferedProduct, PortalConfiguration, PortalFeatures,
    PortalSession,
};

/// Renders a `billing_portal.session`. Only the call that creates it knows its URL.
pub(crate) fn portal_session(record: &PortalSession, url: &str) -> Value {
    json!({
        "id": record.id,
        "object": "billing_portal.session",
        "configuration": record.configuration,
        "created": record.created,
        "customer": record.customer,
        "customer_account": null,
        "flow": record.flow.as_ref().map(flow),
        "livemode": false,
        "locale": record.locale,
        "on_behalf_of": null,
        "return_url": record.return_url,
        "url": url,
    })
}

fn flow(flow: &Flow) -> Value {
    let after_completion = match &flow.after_completion {
        AfterCompletion::PortalHomepage => {
            json!({ "hosted_confirmation": null, "redirect": null, "type": "portal_homepage" })
        }
        AfterCompletion::HostedConfirmation { custom_message } => json!({
            "hosted_confirmation": { "custom_message": custom_message },
            "redirect": null,
            "type": "hosted_confirmation",
        }),
        AfterCompletion::Redirect { return_url } => json!({
            "hosted_confirmation": null,
            "redirect": { "return_url": return_url },
            "type": "redirect",
        }),
    };
    let mut value = json!({
        "after_completion": after_completion,
        "subscription_cancel": null,
        "subscription_update": null,
        "subscription_update_confirm": null,
        "type": flow.task.as_str(),
    });
    let details = match &flow.task {
        FlowTask::PaymentMethodUpdate => Value::Null,
        FlowTask::SubscriptionCancel { subscription } => {
            json!({ "retention": null, "subscription": subscription })
        }
        FlowTask::SubscriptionUpdate { subscription } => json!({ "subscription": subscription }),
        FlowTask::SubscriptionUpdateConfirm { subscription, items } => {
            let items: Vec<Value> = items
                .iter()
                .map(|item| json!({ "id": item.id, "price": item.price, "quantity": item.quantity.unwrap_or(1) }))
                .collect();
            json!({ "discounts": null, "items": items, "subscription": subscription })
        }
    };
    if !details.is_null() {
        value[flow.task.as_str()] = details;
    }
    value
}

/// Renders a `billing_portal.configuration`.
pub(crate) fn portal_configuration(record: &PortalConfiguration) -> Value {
    json!({
        "id": record.id,
        "object": "billing_portal.configuration",
        "active": record.active,
        "application": null,
        "business_profile": {
            "headline": record.headline,
            "privacy_policy_url": record.privacy_policy_url,
            "terms_of_service_url": record.terms_of_service_url,
        },
        "created": record.created,
        "default_return_url": record.default_return_url,
        "features": features(&record.features),
        "is_default": record.is_default,
        "livemode": false,
        "login_page": { "enabled": false, "url": null },
        "metadata": record.metadata,
        "name": record.name,
        "updated": record.updated,
    })
}

fn features(features: &PortalFeatures) -> Value {
    let PortalFeatures {
        customer_update,
        subscription_cancel: cancel,
        subscription_update: update,
        ..
    } = features;
    let products: Vec<Value> = update.products.iter().flatten().map(offered_product).collect();
    let updates: Vec<&str> = customer_update.allowed.iter().map(|field| field.as_str()).collect();
    let reasons: Vec<&str> = cancel.reasons.iter().map(|reason| reason.as_str()).collect();
    let allowed: Vec<&str> = update.allowed.iter().map(|field| field.as_str()).collect();
    json!({
        "customer_update": { "allowed_updates": updates, "enabled": customer_update.enabled },
        "invoice_history": { "enabled": features.invoice_history },
        "payment_method_update": {
            "enabled": features.payment_method_update,
            "payment_method_configuration": null,
        },
        "subscription_cancel": {
            "cancellation_reason": { "enabled": cancel.asks_reason, "options": reasons },
            "enabled": cancel.enabled,
            "mode": cancel.mode.as_str(),
            "proration_behavior": cancel.proration.as_str(),
        },
        "subscription_update": {
            "billing_cycle_anchor": if update.resets_anchor { "now" } else { "unchanged" },
            "default_allowed_updates": allowed,
            "enabled": update.enabled,
            "products": products,
            "proration_behavior": update.proration.as_str(),
            "schedule_at_period_end": { "conditions": [] },
            "trial_update_behavior": if update.ends_trial { "end_trial" } else { "continue_trial" },
        },
    })
}

fn offered_product(offered: &OfferedProduct) -> Value {
    let quantity = offered.quantity;
    json!({
        "adjustable_quantity": {
            "enabled": quantity.enabled,
            "maximum": quantity.maximum,
            "minimum": quantity.minimum,
        },
        "prices": offered.prices,
        "product": offered.product,
    })
}
