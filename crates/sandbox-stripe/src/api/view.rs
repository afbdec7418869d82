//! What the API shows of the records: the objects of the spoken version, with every required field.

mod billing;
mod catalog;
mod checkout;
mod customer;
mod event;
mod portal;

use serde_json::{Value, json};

pub(crate) use self::billing::{invoice, invoice_line, subscription};
pub(crate) use self::catalog::{price, product};
pub(crate) use self::checkout::{checkout_item, checkout_items, checkout_session};
pub(crate) use self::customer::{customer, payment_method};
pub(crate) use self::event::event;
pub(crate) use self::portal::{portal_configuration, portal_session};
use crate::state::State;

/// The object with this id, whatever it is.
pub(crate) fn object(state: &State, id: &str) -> Option<Value> {
    let prefix = id.split_once('_').map_or("", |(prefix, _)| prefix);
    match prefix {
        "cus" => state.customers.get(id).map(|record| customer(record, state.is_delinquent(id))),
        "pm" => state.payment_methods.get(id).map(payment_method),
        "price" => state.prices.get(id).map(price),
        "sub" => state.subscriptions.get(id).map(|record| subscription(record, state)),
        "in" => state.invoices.get(id).map(|record| invoice(record, state)),
        "cs" => state.checkout_sessions.get(id).map(|record| checkout_session(record, state)),
        "evt" => state.events.get(id).map(event),
        "bpc" => state.portal_configurations.get(id).map(portal_configuration),
        _ => None,
    }
    // Products may have ids of their makers' choice.
    .or_else(|| state.products.get(id).map(product))
}

/// An account reference that means "ourselves".
fn self_reference() -> Value {
    json!({ "type": "self" })
}
