//! Customers and payment methods.

use serde_json::{Value, json};

use crate::model::{Customer, PaymentMethod};

/// Renders a `customer`, or the stub of a deleted one. `delinquent`: an invoice is overdue.
pub(crate) fn customer(record: &Customer, delinquent: bool) -> Value {
    if record.deleted {
        return json!({ "id": record.id, "object": "customer", "deleted": true });
    }
    json!({
        "id": record.id,
        "object": "customer",
        "address": record.address,
        "balance": record.balance,
        "created": record.created,
        "currency": record.currency,
        "customer_account": null,
        "default_source": null,
        "delinquent": delinquent,
        "description": record.description,
        "discount": null,
        "email": record.email,
        "invoice_prefix": record.invoice_prefix,
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": record.default_payment_method,
            "footer": record.invoice_footer,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": record.metadata,
        "name": record.name,
        "next_invoice_sequence": record.next_invoice_sequence,
        "phone": record.phone,
        "preferred_locales": record.preferred_locales,
        "shipping": record.shipping,
        "tax_exempt": record.tax_exempt.as_deref().unwrap_or("none"),
        "test_clock": null,
    })
}

/// Renders a `payment_method` of type `card`.
pub(crate) fn payment_method(record: &PaymentMethod) -> Value {
    let card = &record.card;
    json!({
        "id": record.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": record.billing_details.address,
            "email": record.billing_details.email,
            "name": record.billing_details.name,
            "phone": record.billing_details.phone,
            "tax_id": null,
        },
        "card": {
            "brand": card.brand,
            "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "generated_from": null,
            "last4": card.last4,
            "networks": { "available": [card.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        },
        "created": record.created,
        "customer": record.customer,
        "customer_account": null,
        "livemode": false,
        "metadata": record.metadata,
        "type": "card",
    })
}
