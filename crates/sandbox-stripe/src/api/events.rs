//! `/v1/events`.

use super::call::{Call, Reply};
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use crate::model::Event;
use crate::view;
use crate::webhooks::matches;

/// Stripe's maximum of `types` (<https://docs.stripe.com/api/events/list>).
const MAX_TYPES: usize = 20;

/// `GET /v1/events/{id}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply((&call.state().events, "event"), "id", "id")
}

/// `GET /v1/events`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(
        &[&PAGE_PARAMS[..], &["created", "type", "types"]].concat(),
        &["delivery_success"],
    )?;
    let page = Page::read(params)?;
    let created = params.time_range("created")?;
    let kind = params.text("type", 5_000)?;
    let kinds = params.texts("types")?;
    if kind.is_some() && kinds.is_some() {
        let message = "You may only specify one of these parameters: type, types.";
        return Err(ApiError::invalid(None, "types", message));
    }
    if kinds.as_ref().is_some_and(|kinds| kinds.len() > MAX_TYPES) {
        return Err(ApiError::invalid(
            None,
            "types",
            format!("You may specify at most {MAX_TYPES} types."),
        ));
    }
    let keep = |event: &Event| {
        created.contains(event.created)
            && kind.as_ref().is_none_or(|kind| matches(kind, &event.kind))
            && kinds
                .as_ref()
                .is_none_or(|kinds| kinds.iter().any(|kind| matches(kind, &event.kind)))
    };
    let state = call.state();
    let show = |event: &Event| view::event(event, state.deliveries.pending_of(&event.id));
    Ok(Reply::Value(list::page((&state.events, "event"), None, &page, "/v1/events", keep, show)?))
}
