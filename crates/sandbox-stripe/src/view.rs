//! Renders records as Stripe's API objects, with every required field of the version.

mod billing;
mod catalog;
mod checkout;
mod customer;
mod event;
mod portal;
mod webhooks;

use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) use self::billing::{invoice, invoice_line, subscription};
pub(crate) use self::catalog::{price, product};
pub(crate) use self::checkout::{checkout_item, checkout_items, checkout_session};
pub(crate) use self::customer::{customer, payment_method};
pub(crate) use self::event::event;
pub(crate) use self::portal::{portal_configuration, portal_session};
pub(crate) use self::webhooks::{delivery, webhook_endpoint};
use crate::state::State;

/// Returns the object with this id, of any kind.
pub(crate) fn object(state: &State, id: &str) -> Option<Value> {
    let prefix = id.split_once('_').map_or("", |(prefix, _)| prefix);
    match prefix {
        "cus" => state.customers.get(id).map(|record| customer(record, state.is_delinquent(id))),
        "pm" => state.payment_methods.get(id).map(payment_method),
        "price" => state.prices.get(id).map(price),
        "sub" => state.subscriptions.get(id).map(|record| subscription(record, state)),
        "in" => state.invoices.get(id).map(|record| invoice(record, state)),
        "evt" => state.events.get(id).map(|record| event(record, state.deliveries.pending_of(id))),
        "cs" => state.checkout_sessions.get(id).map(|record| checkout_session(record, state)),
        "bpc" => state.portal_configurations.get(id).map(portal_configuration),
        "we" => state.webhook_endpoints.get(id).map(webhook_endpoint),
        _ => None,
    }
    // Clients may choose the ids of products.
    .or_else(|| state.products.get(id).map(product))
}

/// Returns a list object (<https://docs.stripe.com/api/pagination>).
pub(crate) fn list_object(data: Vec<Value>, has_more: bool, url: &str) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

/// Merges the fields of two objects.
fn merged(mut object: Value, more: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (object.as_object_mut(), more) {
        fields.extend(more);
    }
    object
}

/// Serializes an object for a response.
pub(crate) fn text(value: &Value) -> Bytes {
    Bytes::from(format!("{value:#}\n"))
}

/// The account reference of the account itself.
fn self_reference() -> Value {
    json!({ "type": "self" })
}
