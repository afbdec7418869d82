//! Checkout sessions.

use serde_json::{Value, json};

use super::billing::ACCOUNT_NAME;
use super::{list_object, merged, price};
use crate::model::{CheckoutItem, CheckoutSession, CheckoutStatus};
use crate::state::Catalog;

/// Renders a `checkout.session` without the line items, which clients must expand.
pub(crate) fn checkout_session(record: &CheckoutSession, catalog: &impl Catalog) -> Value {
    let complete = record.status == CheckoutStatus::Complete;
    let url = (record.status == CheckoutStatus::Open)
        .then(|| format!("{}/c/pay/{}", catalog.base_url(), record.token.reveal()));
    let email = record.payer_email.as_ref().or(record.customer_email.as_ref());
    let details = email.map(|email| {
        json!({
            "address": null,
            "business_name": null,
            "email": email,
            "individual_name": null,
            "name": record.payer_name,
            "phone": null,
            "tax_exempt": "none",
            "tax_ids": if complete { json!([]) } else { Value::Null },
        })
    });
    let collected = complete.then(
        || json!({ "business_name": null, "individual_name": null, "shipping_details": null }),
    );
    let payment_status = match record.amount {
        _ if !complete => "unpaid",
        0 => "no_payment_required",
        _ => "paid",
    };
    let own = json!({
        "id": record.id,
        "object": "checkout.session",
        "allow_promotion_codes": record.allow_promotion_codes,
        "amount_subtotal": record.amount,
        "amount_total": record.amount,
        "cancel_url": record.cancel_url,
        "client_reference_id": record.client_reference_id,
        "collected_information": collected,
        "created": record.created,
        "currency": record.currency,
        "customer": record.customer,
        "customer_creation": record.makes_customer.then_some("always"),
        "customer_details": details,
        "customer_email": record.customer_email,
        "expires_at": record.expires_at,
        "invoice": record.invoice,
        "locale": record.locale,
        "metadata": record.metadata,
        "payment_method_collection": if record.card_if_required { "if_required" } else { "always" },
        "payment_status": payment_status,
        "status": record.status.as_str(),
        "subscription": record.subscription,
        "success_url": record.success_url,
        "url": url,
    });
    merged(own, constant_checkout_session())
}

/// The fields that are equal in every `checkout.session`.
fn constant_checkout_session() -> Value {
    json!({
        "adaptive_pricing": { "enabled": false },
        "after_expiration": null,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": null,
        "branding_settings": {
            "background_color": "#ffffff",
            "border_style": "rounded",
            "button_color": "#4f46c8",
            "display_name": ACCOUNT_NAME,
            "font_family": "default",
            "icon": null,
            "logo": null,
        },
        "client_secret": null,
        "consent": null,
        "consent_collection": null,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null,
            "shipping_address": null,
            "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer_account": null,
        "discounts": [],
        "integration_identifier": null,
        "invoice_creation": null,
        "livemode": false,
        "mode": "subscription",
        "origin_context": null,
        "payment_intent": null,
        "payment_link": null,
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "permissions": null,
        "phone_number_collection": { "enabled": false },
        "recovered_from": null,
        "saved_payment_method_options": {
            "allow_redisplay_filters": ["always"],
            "payment_method_remove": "disabled",
            "payment_method_save": null,
        },
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "submit_type": null,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page",
        "wallet_options": null,
    })
}

/// Renders the list of a session's line items.
pub(crate) fn checkout_items(record: &CheckoutSession, catalog: &impl Catalog) -> Value {
    let items = record.items.iter().map(|item| checkout_item(record, item, catalog)).collect();
    list_object(items, false, &format!("/v1/checkout/sessions/{}/line_items", record.id))
}

/// Renders an `item` of a checkout session.
pub(crate) fn checkout_item(
    record: &CheckoutSession,
    item: &CheckoutItem,
    catalog: &impl Catalog,
) -> Value {
    let sold = catalog.price(&item.price);
    // The session contains the amounts due now, and a trial is free.
    let unit_amount =
        sold.filter(|_| record.terms.trial_days.is_none()).map_or(0, |price| price.unit_amount);
    let amount = unit_amount.saturating_mul(item.quantity);
    let product = sold.and_then(|price| catalog.product(&price.product));
    json!({
        "id": item.id,
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": record.currency,
        "description": product.map(|product| &product.name),
        "metadata": item.metadata,
        "price": sold.map(price),
        "quantity": item.quantity,
    })
}
