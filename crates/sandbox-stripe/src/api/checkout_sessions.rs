//! `/v1/checkout/sessions`.

mod create;

use super::call::{Call, Reply};
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use crate::model::{CheckoutSession, CheckoutStatus};
use crate::view;

pub(crate) use self::create::create;

/// `GET /v1/checkout/sessions/{session}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    Ok(Reply::Object(find(call)?.id.clone()))
}

/// `GET /v1/checkout/sessions`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let state = call.transaction.state();
    let params = &mut call.params;
    params.expect(
        &[&PAGE_PARAMS[..], &["created", "customer", "status", "subscription"]].concat(),
        &["customer_account", "customer_details", "payment_intent", "payment_link"],
    )?;
    let page = Page::read(params)?;
    let created = params.time_range("created")?;
    let customer = list::customer(params, state)?;
    let status = params.choice("status", CheckoutStatus::WORDS)?;
    let subscription = params.text("subscription", 5_000)?;
    if let Some(id) = &subscription
        && state.subscriptions.get(id).is_none()
    {
        return Err(ApiError::missing("subscription", id, "subscription"));
    }
    let keep = |session: &CheckoutSession| {
        created.contains(session.created)
            && status.is_none_or(|status| session.status.as_str() == status)
            && (subscription.is_none() || session.subscription == subscription)
    };
    let table = (&state.checkout_sessions, "checkout session");
    let list =
        list::page(table, customer.as_deref(), &page, "/v1/checkout/sessions", keep, |session| {
            view::checkout_session(session, state)
        })?;
    Ok(Reply::Value(list))
}

/// `GET /v1/checkout/sessions/{session}/line_items`, in the session's order.
pub(crate) fn line_items(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&PAGE_PARAMS, &[])?;
    let page = Page::read(&mut call.params)?;
    let session = find(call)?;
    let (rows, has_more) = list::page_of(&session.items, |item| &item.id, "line item", &page)?;
    let data = rows.iter().map(|item| view::checkout_item(session, item, call.state())).collect();
    Ok(Reply::Value(view::list_object(
        data,
        has_more,
        &format!("/v1/checkout/sessions/{}/line_items", session.id),
    )))
}

/// `POST /v1/checkout/sessions/{session}/expire`: accepts open sessions only.
pub(crate) fn expire(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let mut session = find(call)?.clone();
    if session.status != CheckoutStatus::Open {
        let message = format!(
            "Only a checkout session whose status is open can be expired; this one is {}.",
            session.status.as_str()
        );
        return Err(ApiError::conflicts(None, message));
    }
    let id = session.id.clone();
    session.expire();
    call.transaction.put(session);
    Ok(Reply::Object(id))
}

fn find<'state>(call: &Call<'_, 'state>) -> Result<&'state CheckoutSession, ApiError> {
    let id = call.argument("session");
    let found = call.transaction.state().checkout_sessions.get(id);
    found.ok_or_else(|| ApiError::not_found("checkout.session", id, "session"))
}
