//! `POST /v1/invoices/create_preview`.

use super::call::{Call, Reply};
use super::error::ApiError;
use super::subscriptions::{change_items, read_changes, read_proration};
use crate::billing::{self, PlanChange};
use crate::model::{Customer, Subscription, SubscriptionStatus};
use crate::view;

/// `POST /v1/invoices/create_preview`: the cost of a change or of the next period.
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let unsimulated = [
        "automatic_tax",
        "currency",
        "customer_account",
        "customer_details",
        "discounts",
        "invoice_items",
        "issuer",
        "on_behalf_of",
        "schedule",
        "schedule_details",
    ];
    call.params.expect(
        &["customer", "preview_mode", "subscription", "subscription_details"],
        &unsimulated,
    )?;
    if call.params.choice("preview_mode", &["next", "recurring"])? == Some("recurring") {
        return Err(ApiError::invalid(
            None,
            "preview_mode",
            "This sandbox previews the next invoice only.",
        ));
    }
    let subscription = subscription(call)?;
    let transaction = &mut *call.transaction;
    let customer = transaction
        .get::<Customer>(&subscription.customer)
        .cloned()
        .ok_or_else(ApiError::internal)?;
    let invoice = match call.params.object("subscription_details")? {
        None => billing::upcoming(transaction, &customer, &subscription)?,
        Some(mut details) => {
            let known = ["billing_cycle_anchor", "items", "proration_behavior", "proration_date"];
            let unsimulated = [
                "billing_mode",
                "billing_schedules",
                "cancel_at",
                "cancel_at_period_end",
                "cancel_now",
                "default_tax_rates",
                "resume_at",
                "start_date",
                "trial_end",
            ];
            details.expect(&known, &unsimulated)?;
            let change = PlanChange {
                items: read_changes(&mut details, transaction, &subscription)?,
                proration: read_proration(&mut details)?,
                at: details.integer("proration_date")?.unwrap_or(transaction.now()),
                begins: transaction.now(),
                resets_anchor: details.choice("billing_cycle_anchor", &["now", "unchanged"])?
                    == Some("now"),
                ends_trial: false,
            };
            let planned = change_items(transaction, &subscription, &change, &details)?;
            billing::preview(transaction, &customer, &planned)?
        }
    };
    if invoice.lines.is_empty() {
        return Err(no_upcoming_invoice());
    }
    let mut value = view::invoice(&invoice, transaction);
    // Prices created for the preview must not be stored.
    transaction.discard();
    value["id"] = format!("upcoming_{}", invoice.id).into();
    Ok(Reply::Value(value))
}

fn subscription(call: &mut Call<'_, '_>) -> Result<Subscription, ApiError> {
    let customer = call.params.text("customer", 5_000)?;
    if customer.is_some() && !call.params.has("subscription") {
        let message = "This sandbox previews invoices of existing subscriptions only. Specify one.";
        return Err(ApiError::invalid(Some("parameter_missing"), "subscription", message));
    }
    let id = call.params.required_text("subscription", 5_000)?;
    let found = call
        .state()
        .subscriptions
        .get(&id)
        .filter(|found| customer.as_ref().is_none_or(|c| *c == found.customer));
    let found = found.ok_or_else(|| ApiError::missing("subscription", &id, "subscription"))?;
    match found.status {
        SubscriptionStatus::Active | SubscriptionStatus::PastDue | SubscriptionStatus::Trialing => {
            Ok(found.clone())
        }
        SubscriptionStatus::Canceled
        | SubscriptionStatus::Incomplete
        | SubscriptionStatus::IncompleteExpired
        | SubscriptionStatus::Paused => Err(no_upcoming_invoice()),
    }
}

fn no_upcoming_invoice() -> ApiError {
    let message = "The subscription has no upcoming invoice: it ends earlier, or nothing is due.";
    ApiError {
        status: 404,
        code: Some("invoice_upcoming_none"),
        ..ApiError::conflicts(None, message)
    }
}
