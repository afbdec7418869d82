//! `/v1/subscriptions`.

mod create;
mod end;
mod items;
mod terms;
mod update;

use super::call::{Call, Reply};
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use crate::model::Subscription;
use crate::view;

pub(crate) use self::create::create;
pub(crate) use self::end::{cancel, resume};
pub(crate) use self::items::{NewItems, change_items, read_changes};
pub(crate) use self::terms::{
    MAX_TRIAL_DAYS, check_billing_mode, check_currency, read_proration, read_trial_settings,
};
pub(crate) use self::update::update;

/// The `status` values of a list request; `ended` and `all` are groups.
const STATUSES: &[&str] = &[
    "active",
    "past_due",
    "unpaid",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "trialing",
    "paused",
    "all",
    "ended",
];

/// `GET /v1/subscriptions/{subscription_exposed_id}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply((&call.state().subscriptions, "subscription"), "subscription_exposed_id", "id")
}

/// `GET /v1/subscriptions`. The default lists the subscriptions that have not ended.
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let state = call.transaction.state();
    let params = &mut call.params;
    let own =
        ["customer", "price", "status", "created", "current_period_start", "current_period_end"];
    params.expect(
        &[&PAGE_PARAMS[..], &own].concat(),
        &["automatic_tax", "collection_method", "customer_account", "test_clock"],
    )?;
    let page = Page::read(params)?;
    let customer = list::customer(params, state)?;
    let price = params.text("price", 5_000)?;
    let status = params.choice("status", STATUSES)?;
    let created = params.time_range("created")?;
    let start = params.time_range("current_period_start")?;
    let end = params.time_range("current_period_end")?;
    let keep = |subscription: &Subscription| {
        let status_fits = match status {
            None => subscription.is_running(),
            Some("all") => true,
            Some("ended") => !subscription.is_running(),
            Some(status) => subscription.status.as_str() == status,
        };
        let mut items = subscription.items.iter();
        status_fits
            && created.contains(subscription.created)
            && items.any(|item| {
                price.as_ref().is_none_or(|price| item.price == *price)
                    && start.contains(item.current_period_start)
                    && end.contains(item.current_period_end)
            })
    };
    let list = list::page(
        (&state.subscriptions, "subscription"),
        customer.as_deref(),
        &page,
        "/v1/subscriptions",
        keep,
        |subscription| view::subscription(subscription, state),
    )?;
    Ok(Reply::Value(list))
}

fn find(call: &Call<'_, '_>, argument: &str) -> Result<Subscription, ApiError> {
    let id = call.argument(argument);
    let found = call.state().subscriptions.get(id).cloned();
    found.ok_or_else(|| ApiError::not_found("subscription", id, "id"))
}
