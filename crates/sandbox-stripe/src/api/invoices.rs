//! `/v1/invoices`.

use super::call::{Call, Reply};
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::payment_methods;
use crate::billing;
use crate::model::{Customer, Invoice, InvoiceStatus, PaymentMethod, Subscription};
use crate::view;

/// `GET /v1/invoices/{invoice}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply((&call.state().invoices, "invoice"), "invoice", "invoice")
}

/// `GET /v1/invoices`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let state = call.transaction.state();
    let params = &mut call.params;
    let own = ["customer", "subscription", "status", "created"];
    params.expect(
        &[&PAGE_PARAMS[..], &own].concat(),
        &["collection_method", "customer_account", "due_date"],
    )?;
    let page = Page::read(params)?;
    let customer = list::customer(params, state)?;
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
    let list = list::page(
        (&state.invoices, "invoice"),
        customer.as_deref(),
        &page,
        "/v1/invoices",
        keep,
        |record| view::invoice(record, state),
    )?;
    Ok(Reply::Value(list))
}

/// `GET /v1/invoices/{invoice}/lines`, in the invoice's order.
pub(crate) fn lines(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&PAGE_PARAMS, &[])?;
    let page = Page::read(&mut call.params)?;
    let invoice = find(call)?;
    let list = list::page_of(&invoice.lines, |line| &line.id, "line item", &page)?;
    let url = format!("/v1/invoices/{}/lines", invoice.id);
    let (rows, has_more) = list;
    let data = rows.iter().map(|line| view::invoice_line(&invoice, line)).collect();
    Ok(Reply::Value(view::list_object(data, has_more, &url)))
}

/// `POST /v1/invoices/{invoice}/pay`: charges the given card, or the subscription's card.
pub(crate) fn pay(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(
        &["off_session", "payment_method"],
        &["forgive", "mandate", "paid_out_of_band", "source"],
    )?;
    call.params.boolean("off_session")?;
    let named = call.params.text("payment_method", 5_000)?;
    let invoice = find(call)?;
    match invoice.status {
        InvoiceStatus::Open => {}
        InvoiceStatus::Paid => {
            let message = "Invoice is already paid";
            return Err(ApiError {
                code: Some("invoice_already_paid"),
                ..ApiError::conflicts(None, message)
            });
        }
        status => {
            let message = format!(
                "An invoice can only be paid while it is open; this one is {}.",
                status.as_str()
            );
            return Err(ApiError::conflicts(None, message));
        }
    }
    let transaction = &mut *call.transaction;
    let method = match named {
        Some(id) => {
            let param = "payment_method".to_owned();
            Some(payment_methods::of_customer(transaction, &invoice.customer, &id, param)?.clone())
        }
        None => payer(transaction, &invoice),
    };
    let id = invoice.id.clone();
    match billing::pay(transaction, invoice, method.as_ref(), false) {
        Ok(()) => Ok(Reply::Object(id)),
        Err(failure) => Ok(Reply::Refused(ApiError::payment(failure))),
    }
}

fn payer(
    transaction: &crate::transaction::Transaction<'_>,
    invoice: &Invoice,
) -> Option<PaymentMethod> {
    let customer = transaction.get::<Customer>(&invoice.customer)?;
    let subscription = transaction.get::<Subscription>(invoice.subscription.as_deref()?)?;
    billing::payer(transaction, customer, subscription)
}

fn find(call: &Call<'_, '_>) -> Result<Invoice, ApiError> {
    let id = call.argument("invoice");
    call.state()
        .invoices
        .get(id)
        .cloned()
        .ok_or_else(|| ApiError::not_found("invoice", id, "invoice"))
}
