//! Subscriptions and invoices.

use serde_json::{Value, json};

use super::{list_object, merged, price, self_reference};
use crate::model::{Invoice, InvoiceLine, InvoiceStatus, Subscription, SubscriptionItem};
use crate::state::Catalog;

/// The seller's name on invoices.
pub(super) const ACCOUNT_NAME: &str = "Billing sandbox";

/// Renders a `subscription`.
pub(crate) fn subscription(record: &Subscription, catalog: &impl Catalog) -> Value {
    let items = record.items.iter().map(|item| subscription_item(record, item, catalog)).collect();
    let cancellation = &record.cancellation;
    json!({
        "id": record.id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": record.billing_cycle_anchor,
        "billing_cycle_anchor_config": null,
        "billing_mode": { "flexible": { "proration_discounts": "included" }, "type": "flexible" },
        "billing_schedules": [],
        "billing_thresholds": null,
        "cancel_at": cancellation.cancel_at,
        "cancel_at_period_end": cancellation.cancel_at_period_end,
        "canceled_at": cancellation.canceled_at,
        "cancellation_details": {
            "comment": cancellation.comment,
            "feedback": cancellation.feedback,
            "reason": cancellation.reason,
        },
        "collection_method": "charge_automatically",
        "created": record.created,
        "currency": record.currency,
        "customer": record.customer,
        "customer_account": null,
        "days_until_due": null,
        "default_payment_method": record.default_payment_method,
        "default_source": null,
        "default_tax_rates": [],
        "description": record.description,
        "discounts": [],
        "ended_at": cancellation.ended_at,
        "invoice_settings": { "account_tax_ids": null, "issuer": self_reference() },
        "items": list_object(items, false, &format!("/v1/subscription_items?subscription={}", record.id)),
        "latest_invoice": record.latest_invoice,
        "livemode": false,
        "metadata": record.metadata,
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "schedule": null,
        "start_date": record.start_date,
        "status": record.status.as_str(),
        "test_clock": null,
        "transfer_data": null,
        "trial_end": record.trial.map(|trial| trial.end),
        "trial_settings": {
            "end_behavior": { "missing_payment_method": record.missing_payment_method.as_str() },
        },
        "trial_start": record.trial.map(|trial| trial.start),
    })
}

fn subscription_item(
    record: &Subscription,
    item: &SubscriptionItem,
    catalog: &impl Catalog,
) -> Value {
    json!({
        "id": item.id,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": item.created,
        "current_period_end": item.current_period_end,
        "current_period_start": item.current_period_start,
        "discounts": [],
        "metadata": item.metadata,
        "price": catalog.price(&item.price).map(price),
        "quantity": item.quantity,
        "subscription": record.id,
        "tax_rates": [],
    })
}

/// Renders an `invoice`.
pub(crate) fn invoice(record: &Invoice, catalog: &impl Catalog) -> Value {
    let total = record.total();
    let hosted = record
        .hosted_token
        .as_ref()
        .map(|token| format!("{}/i/{}", catalog.base_url(), token.reveal()));
    let pdf = hosted.as_ref().map(|page| format!("{page}/pdf"));
    let lines = record.lines.iter().map(|line| invoice_line(record, line)).collect();
    let parent = record.subscription.as_ref().map(|subscription| {
        json!({
            "quote_details": null,
            "subscription_details": { "metadata": {}, "subscription": subscription },
            "type": "subscription_details",
        })
    });
    let own = json!({
        "id": record.id,
        "object": "invoice",
        "amount_due": record.amount_due(),
        "amount_paid": record.amount_paid,
        "amount_remaining": record.amount_remaining(),
        "attempt_count": record.attempt_count,
        "attempted": record.attempt_count > 0 || record.paid_at.is_some(),
        "billing_reason": record.billing_reason.as_str(),
        "created": record.created,
        "currency": record.currency,
        "customer": record.customer,
        "customer_email": record.customer_email,
        "customer_name": record.customer_name,
        "effective_at": record.finalized_at,
        "ending_balance": record.ending_balance,
        "hosted_invoice_url": hosted,
        "invoice_pdf": pdf,
        "lines": list_object(lines, false, &format!("/v1/invoices/{}/lines", record.id)),
        "metadata": record.metadata,
        "number": record.number,
        "parent": parent,
        "period_end": record.period_end,
        "period_start": record.period_start,
        "starting_balance": record.starting_balance,
        "status": record.status.as_str(),
        "status_transitions": {
            "finalized_at": record.finalized_at,
            "marked_uncollectible_at": null,
            "paid_at": if record.status == InvoiceStatus::Paid { record.paid_at } else { None },
            "voided_at": record.voided_at,
        },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
    });
    merged(own, constant_invoice())
}

/// The fields that are equal in every `invoice`.
fn constant_invoice() -> Value {
    json!({
        "account_country": "US",
        "account_name": ACCOUNT_NAME,
        "account_tax_ids": null,
        "amount_overpaid": 0,
        "amount_paid_off_stripe": 0,
        "amount_shipping": 0,
        "application": null,
        "auto_advance": false,
        "automatic_tax": {
            "disabled_reason": null,
            "enabled": false,
            "liability": null,
            "provider": null,
            "status": null,
        },
        "automatically_finalizes_at": null,
        "collection_method": "charge_automatically",
        "custom_fields": null,
        "customer_account": null,
        "customer_address": null,
        "customer_phone": null,
        "customer_shipping": null,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "due_date": null,
        "footer": null,
        "from_invoice": null,
        "issuer": self_reference(),
        "last_finalization_error": null,
        "latest_revision": null,
        "livemode": false,
        "next_payment_attempt": null,
        "on_behalf_of": null,
        "payment_settings": {
            "default_mandate": null,
            "payment_method_options": null,
            "payment_method_types": null,
        },
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "statement_descriptor": null,
        "test_clock": null,
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": null,
    })
}

/// Renders a `line_item` of an invoice.
pub(crate) fn invoice_line(record: &Invoice, line: &InvoiceLine) -> Value {
    let parent = line.subscription_item.as_ref().map(|item| {
        json!({
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": line.proration,
                "proration_details": { "credited_items": null },
                "subscription": record.subscription,
                "subscription_item": item,
            },
            "type": "subscription_item_details",
        })
    });
    json!({
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": record.currency,
        "description": line.description,
        "discount_amounts": [],
        "discountable": true,
        "discounts": [],
        "invoice": record.id,
        "livemode": false,
        "metadata": {},
        "parent": parent,
        "period": { "end": line.period_end, "start": line.period_start },
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": line.price, "product": line.product },
            "type": "price_details",
            "unit_amount_decimal": line.unit_amount.to_string(),
        },
        "quantity": line.quantity,
        "quantity_decimal": line.quantity.to_string(),
        "subscription": record.subscription,
        "subtotal": line.amount,
        "taxes": [],
    })
}
