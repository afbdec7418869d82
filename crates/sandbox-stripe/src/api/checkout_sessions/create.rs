//! `POST /v1/checkout/sessions`.

use crate::api::call::{Call, Reply};
use crate::api::error::{ApiError, excerpt};
use crate::api::params::{MAX_QUANTITY, Params};
use crate::api::subscriptions::{self, MAX_TRIAL_DAYS};
use crate::billing::NewItem;
use crate::ids::{self, IdKind};
use crate::model::{
    CheckoutItem, CheckoutSession, CheckoutStatus, Customer, HostedToken, MAX_CHECKOUT_SECONDS,
    MIN_CHECKOUT_SECONDS, Metadata, Price, SubscriptionTerms, Timestamp,
};
use crate::transaction::Transaction;

const KNOWN: &[&str] = &[
    "allow_promotion_codes",
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_email",
    "expires_at",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "payment_method_collection",
    "payment_method_types",
    "subscription_data",
    "success_url",
    "ui_mode",
];

const UNSIMULATED: &[&str] = &[
    "adaptive_pricing",
    "after_expiration",
    "automatic_tax",
    "billing_address_collection",
    "branding_settings",
    "consent_collection",
    "currency",
    "custom_fields",
    "custom_text",
    "customer_account",
    "customer_creation",
    "customer_update",
    "discounts",
    "excluded_payment_method_types",
    "integration_identifier",
    "invoice_creation",
    "managed_payments",
    "name_collection",
    "optional_items",
    "origin_context",
    "payment_intent_data",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "permissions",
    "phone_number_collection",
    "redirect_on_completion",
    "return_url",
    "saved_payment_method_options",
    "setup_intent_data",
    "shipping_address_collection",
    "shipping_options",
    "submit_type",
    "tax_id_collection",
    "wallet_options",
];

/// Unsimulated fields of `subscription_data`.
const UNSIMULATED_TERMS: &[&str] = &[
    "application_fee_percent",
    "billing_cycle_anchor",
    "default_tax_rates",
    "invoice_settings",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "proration_behavior",
    "transfer_data",
    "trial_end",
];

/// The `locale` values of the published schema.
const LOCALES: &[&str] = &[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr",
    "fr-CA", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt",
    "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
];

/// The schema's maximum number of line items.
const MAX_ITEMS: usize = 20;

/// `POST /v1/checkout/sessions`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let now = call.transaction.now();
    let params = &mut call.params;
    params.expect(KNOWN, UNSIMULATED)?;
    check_fixed(params)?;
    let success_url = params.url("success_url")?.ok_or_else(|| params.absent("success_url"))?;
    let cancel_url = params.url("cancel_url")?;
    let client_reference_id = params.text("client_reference_id", 200)?;
    let locale = params.choice("locale", LOCALES)?.map(str::to_owned);
    let card_if_required = params
        .choice("payment_method_collection", &["always", "if_required"])?
        == Some("if_required");
    let allow_promotion_codes = read_promotion_codes(params)?;
    let expires_at = read_end(params, now)?;
    let terms =
        params.object("subscription_data")?.map(read_terms).transpose()?.unwrap_or_default();
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    let (customer, customer_email) = read_customer(params, call.transaction)?;
    let items = read_items(params, call.transaction)?;
    let currency = items.first().map_or_else(String::new, |(_, item)| item.price.currency.clone());
    if let Some(customer) = &customer {
        subscriptions::check_currency(customer, &currency)?;
    }
    let amount = match terms.trial_days {
        Some(_) => 0,
        None => items.iter().fold(0_i64, |sum, (_, item)| {
            sum.saturating_add(item.price.unit_amount.saturating_mul(item.quantity))
        }),
    };
    let item = |(id, item): (String, NewItem)| CheckoutItem {
        id,
        price: item.price.id,
        quantity: item.quantity,
        metadata: item.metadata,
    };
    let id = ids::generate(IdKind::CheckoutSession)?;
    call.transaction.put(CheckoutSession {
        id: id.clone(),
        created: now,
        expires_at,
        status: CheckoutStatus::Open,
        token: HostedToken::mint()?,
        makes_customer: customer.is_none(),
        customer: customer.map(|customer| customer.id),
        customer_email,
        payer_email: None,
        payer_name: None,
        client_reference_id,
        currency,
        items: items.into_iter().map(item).collect(),
        amount,
        terms,
        card_if_required,
        allow_promotion_codes,
        locale,
        success_url,
        cancel_url,
        subscription: None,
        invoice: None,
        challenge: None,
        metadata,
    });
    Ok(Reply::Object(id))
}

/// Checks parameters that accept only one value in the sandbox.
fn check_fixed(params: &mut Params) -> Result<(), ApiError> {
    match params.choice("mode", &["payment", "setup", "subscription"])? {
        Some("subscription") => {}
        Some(mode) => {
            let message =
                format!("Stripe knows the mode {mode}, but this sandbox does not simulate it.");
            return Err(ApiError::invalid(None, "mode", message));
        }
        None => return Err(params.absent("mode")),
    }
    if let Some(mode @ ("elements" | "embedded_page")) =
        params.choice("ui_mode", &["elements", "embedded_page", "hosted_page"])?
    {
        let message =
            format!("Stripe knows the UI mode {mode}, but this sandbox does not simulate it.");
        return Err(ApiError::invalid(None, "ui_mode", message));
    }
    let types = params.texts("payment_method_types")?.unwrap_or_default();
    if let Some((index, kind)) = types.iter().enumerate().find(|(_, kind)| *kind != "card") {
        let message = format!(
            "This sandbox has payment methods of type card only, and not {}.",
            excerpt(kind)
        );
        return Err(ApiError::invalid(None, format!("payment_method_types[{index}]"), message));
    }
    Ok(())
}

fn read_promotion_codes(params: &mut Params) -> Result<Option<bool>, ApiError> {
    let allowed = params.boolean("allow_promotion_codes")?;
    if allowed == Some(true) {
        let message = "Stripe knows promotion codes, but this sandbox does not simulate them.";
        return Err(ApiError::invalid(None, "allow_promotion_codes", message));
    }
    Ok(allowed)
}

fn read_end(params: &mut Params, now: Timestamp) -> Result<Timestamp, ApiError> {
    let Some(end) = params.integer("expires_at")? else {
        return Ok(now + MAX_CHECKOUT_SECONDS);
    };
    if (MIN_CHECKOUT_SECONDS..=MAX_CHECKOUT_SECONDS).contains(&end.saturating_sub(now)) {
        return Ok(end);
    }
    let message = "A checkout session expires from 30 minutes to 24 hours after it was created.";
    Err(ApiError::invalid(None, "expires_at", message))
}

fn read_terms(mut params: Params) -> Result<SubscriptionTerms, ApiError> {
    let known = ["billing_mode", "description", "metadata", "trial_period_days", "trial_settings"];
    params.expect(&known, UNSIMULATED_TERMS)?;
    subscriptions::check_billing_mode(&mut params)?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    Ok(SubscriptionTerms {
        description: params.text("description", 500)?,
        trial_days: params.integer_in("trial_period_days", 1..=MAX_TRIAL_DAYS)?,
        missing_payment_method: subscriptions::read_trial_settings(&mut params)?
            .unwrap_or_default(),
        metadata,
    })
}

/// Returns the existing customer, or the e-mail address for a new one.
fn read_customer(
    params: &mut Params,
    transaction: &Transaction<'_>,
) -> Result<(Option<Customer>, Option<String>), ApiError> {
    let customer = params.text("customer", 5_000)?;
    let email = params.text("customer_email", Customer::MAX_EMAIL_LENGTH)?;
    match (customer, email) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: customer, customer_email.";
            Err(ApiError::invalid(None, "customer_email", message))
        }
        (Some(id), None) => match transaction.live_customer(&id) {
            Some(customer) => Ok((Some(customer.clone()), None)),
            None => Err(ApiError::missing("customer", &id, "customer")),
        },
        (None, Some(email)) if !Customer::is_email(&email) => {
            let message = format!("Invalid email address: {}", excerpt(&email));
            Err(ApiError::invalid(Some("email_invalid"), "customer_email", message))
        }
        (None, email) => Ok((None, email)),
    }
}

fn read_items(
    params: &mut Params,
    transaction: &Transaction<'_>,
) -> Result<Vec<(String, NewItem)>, ApiError> {
    let list = params.objects("line_items")?.ok_or_else(|| params.absent("line_items"))?;
    if list.len() > MAX_ITEMS {
        let message = format!("A checkout session has at most {MAX_ITEMS} line items.");
        return Err(ApiError::invalid(None, "line_items", message));
    }
    let mut items = subscriptions::NewItems::default();
    let mut ids = Vec::with_capacity(list.len());
    for mut item in list {
        let unsimulated = ["adjustable_quantity", "dynamic_tax_rates", "price_data", "tax_rates"];
        item.expect(&["metadata", "price", "quantity"], &unsimulated)?;
        let name = item.name("price");
        let id = item.required_text("price", 5_000)?;
        let price = transaction.get::<Price>(&id).cloned();
        let price = price.ok_or_else(|| ApiError::missing("price", &id, name.clone()))?;
        let quantity = item
            .integer_in("quantity", 1..=MAX_QUANTITY)?
            .ok_or_else(|| item.absent("quantity"))?;
        let mut metadata = Metadata::new();
        item.metadata(&mut metadata)?;
        items.add(NewItem { price, quantity, metadata }, name)?;
        ids.push(ids::generate(IdKind::CheckoutItem)?);
    }
    let (items, _) = items.finish().ok_or_else(|| params.absent("line_items"))?;
    Ok(ids.into_iter().zip(items).collect())
}
