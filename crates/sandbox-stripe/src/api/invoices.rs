//! `/v1/invoices`.

use super::customers;
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::operations::{Call, Reply};
use super::view;
use crate::model::Invoice;

/// `GET /v1/invoices/{invoice}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let id = call.argument("invoice");
    let found = call.state().invoices.get(id).map(|invoice| Reply::Object(invoice.id.clone()));
    found.ok_or_else(|| ApiError::not_found("invoice", id, "invoice"))
}

/// `GET /v1/invoices`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let state = call.transaction.state();
    let params = &mut call.params;
    let own = ["customer", "subscription", "status", "created"];
    params.expect(&[&PAGE_PARAMS[..], &own].concat(), &["collection_method", "customer_account", "due_date"])?;
    let page = Page::read(params)?;
    let customer = customers::filter(params, state)?;
    let subscription = params.text("subscription", 5_000)?;
    if let Some(id) = &subscription
        && state.subscriptions.get(id).is_none()
    {
        return Err(ApiError::missing("subscription", id, "subscription"));
    }
    let status = params.choice("status", &["draft", "open", "paid", "uncollectible", "void"])?;
    let created = params.time_range("created")?;
    let keep = |invoice: &Invoice| {
        created.contains(invoice.created)
            && status.is_none_or(|status| invoice.status.as_str() == status)
            && (subscription.is_none() || invoice.subscription == subscription)
    };
    let list = list::page((&state.invoices, "invoice"), customer.as_deref(), &page, "/v1/invoices", keep, |record| {
        view::invoice(record, state)
    })?;
    Ok(Reply::Value(list))
}
