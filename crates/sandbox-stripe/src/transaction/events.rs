//! Derives events from a transaction's changes (<https://docs.stripe.com/api/events/types>).

use std::collections::HashSet;
use std::io;

use serde_json::{Map, Value};

use super::{Stored, Transaction, key};
use crate::ids::{self, IdKind};
use crate::model::{
    CheckoutSession, CheckoutStatus, Customer, Event, Invoice, InvoiceStatus, Origin,
    PaymentFailure, PaymentMethod, Product, Record, Subscription, SubscriptionStatus,
};
use crate::state::Change;
use crate::view;

/// Returns the events of these changes. Several changes of one record yield one event from the
/// first to the last state.
///
/// Portal sessions have no events, because their object contains a link that is not stored.
pub(super) fn of(
    transaction: &Transaction<'_>,
    changes: &[Change],
    origin: &Origin,
) -> io::Result<Vec<Event>> {
    let mut seen = HashSet::new();
    let mut events = Vec::new();
    for change in changes {
        let Some(id) = id(change) else { continue };
        if seen.insert(id) {
            let Some(draft) = draft(transaction, changes, change) else { continue };
            for kind in &draft.kinds {
                events.push(draft.event(kind, transaction.now(), origin)?);
            }
        }
    }
    Ok(events)
}

fn id(change: &Change) -> Option<String> {
    match change {
        Change::ProductGone(id) => Some(id.clone()),
        _ => key(change).map(|(_, id)| id),
    }
}

/// The events of one record.
struct EventDraft {
    kinds: Vec<&'static str>,
    before: Option<Value>,
    after: Value,
}

impl EventDraft {
    fn event(&self, kind: &str, now: i64, origin: &Origin) -> io::Result<Event> {
        let previous = match &self.before {
            Some(before) if kind.ends_with(".updated") => {
                Some(previous(before, &self.after).to_string())
            }
            _ => None,
        };
        Ok(Event {
            id: ids::generate(IdKind::Event)?,
            created: now,
            kind: kind.to_owned(),
            object: self.after.to_string(),
            previous,
            origin: origin.clone(),
        })
    }
}

fn draft(transaction: &Transaction<'_>, changes: &[Change], change: &Change) -> Option<EventDraft> {
    match change {
        // A deletion event contains the record before the deletion.
        Change::Customer(record) if record.deleted => {
            let gone = Customer::table(transaction.state())
                .get(&record.id)
                .filter(|customer| !customer.deleted)?;
            let after = view::customer(gone, transaction.state().is_delinquent(&record.id));
            Some(EventDraft { kinds: vec!["customer.deleted"], before: None, after })
        }
        Change::Customer(record) => {
            let delinquent = is_delinquent(transaction, changes, &record.id);
            let show = |customer: &Customer| view::customer(customer, delinquent);
            draft_for(transaction, &record.id, show, |before, _| {
                vec![if before.is_none() { "customer.created" } else { "customer.updated" }]
            })
        }
        Change::Product(record) => {
            draft_for(transaction, &record.id, view::product, |before, _| {
                vec![if before.is_none() { "product.created" } else { "product.updated" }]
            })
        }
        Change::ProductGone(id) => {
            let gone = Product::table(transaction.state()).get(id)?;
            Some(EventDraft {
                kinds: vec!["product.deleted"],
                before: None,
                after: view::product(gone),
            })
        }
        Change::Price(record) => draft_for(transaction, &record.id, view::price, |before, _| {
            vec![if before.is_none() { "price.created" } else { "price.updated" }]
        }),
        Change::PaymentMethod(record) => {
            draft_for(transaction, &record.id, view::payment_method, of_payment_method)
        }
        Change::Subscription(record) => {
            let show = |subscription: &Subscription| view::subscription(subscription, transaction);
            draft_for(transaction, &record.id, show, of_subscription)
        }
        Change::Invoice(record) => {
            let show = |invoice: &Invoice| view::invoice(invoice, transaction);
            draft_for(transaction, &record.id, show, of_invoice)
        }
        Change::CheckoutSession(record) => {
            let show = |session: &CheckoutSession| view::checkout_session(session, transaction);
            draft_for(transaction, &record.id, show, of_checkout_session)
        }
        Change::PortalConfiguration(record) => {
            draft_for(transaction, &record.id, view::portal_configuration, |before, _| {
                vec![match before {
                    None => "billing_portal.configuration.created",
                    Some(_) => "billing_portal.configuration.updated",
                }]
            })
        }
        Change::PortalConfigurationGone(_)
        | Change::PortalSession(_)
        | Change::Event(_)
        | Change::WebhookEndpoint(_)
        | Change::WebhookEndpointGone(_)
        | Change::Delivery(_)
        | Change::ClockOffset(_) => None,
    }
}

/// Returns whether the customer owes an overdue invoice after the changes.
fn is_delinquent(transaction: &Transaction<'_>, changes: &[Change], customer: &str) -> bool {
    let made = changes
        .iter()
        .filter_map(Invoice::in_change)
        .filter(|invoice| invoice.customer == customer);
    transaction
        .state()
        .invoices
        .of(customer)
        .chain(made)
        .any(|invoice| transaction.get::<Invoice>(&invoice.id).is_some_and(Invoice::is_overdue))
}

/// Drafts the events of a record; None if its rendered object is unchanged.
fn draft_for<T: Stored>(
    transaction: &Transaction<'_>,
    id: &str,
    show: impl Fn(&T) -> Value,
    kinds: impl Fn(Option<&T>, &T) -> Vec<&'static str>,
) -> Option<EventDraft> {
    let before = T::table(transaction.state()).get(id);
    let after = transaction.get::<T>(id)?;
    let shown_before = before.map(&show);
    let shown_after = show(after);
    if shown_before.as_ref() == Some(&shown_after) {
        return None;
    }
    Some(EventDraft { kinds: kinds(before, after), before: shown_before, after: shown_after })
}

fn of_payment_method(before: Option<&PaymentMethod>, after: &PaymentMethod) -> Vec<&'static str> {
    match (before.and_then(Record::owner), after.owner()) {
        (None, Some(_)) => vec!["payment_method.attached"],
        (Some(_), None) => vec!["payment_method.detached"],
        (None, None) if before.is_none() => Vec::new(),
        _ => vec!["payment_method.updated"],
    }
}

fn of_subscription(before: Option<&Subscription>, after: &Subscription) -> Vec<&'static str> {
    use SubscriptionStatus::{Canceled, Paused};
    match (before.map(|before| before.status), after.status) {
        (None, _) => vec!["customer.subscription.created"],
        (Some(Canceled), _) => vec!["customer.subscription.updated"],
        (Some(_), Canceled) => vec!["customer.subscription.deleted"],
        (Some(Paused), status) if status != Paused => {
            vec!["customer.subscription.updated", "customer.subscription.resumed"]
        }
        (Some(status), Paused) if status != Paused => {
            vec!["customer.subscription.updated", "customer.subscription.paused"]
        }
        _ => vec!["customer.subscription.updated"],
    }
}

/// Open sessions have no events, because their object contains the link to the page.
fn of_checkout_session(
    before: Option<&CheckoutSession>,
    after: &CheckoutSession,
) -> Vec<&'static str> {
    match after.status {
        status if before.map(|before| before.status) == Some(status) => Vec::new(),
        CheckoutStatus::Open => Vec::new(),
        CheckoutStatus::Complete => vec!["checkout.session.completed"],
        CheckoutStatus::Expired => vec!["checkout.session.expired"],
    }
}

fn of_invoice(before: Option<&Invoice>, after: &Invoice) -> Vec<&'static str> {
    let mut kinds = vec![if before.is_none() { "invoice.created" } else { "invoice.updated" }];
    let status = |invoice: &Invoice| invoice.status;
    let became = |wanted| after.status == wanted && before.map(status) != Some(wanted);
    if after.status != InvoiceStatus::Draft
        && before.is_none_or(|before| before.status == InvoiceStatus::Draft)
    {
        kinds.push("invoice.finalized");
    }
    if became(InvoiceStatus::Paid) {
        kinds.extend(["invoice.paid", "invoice.payment_succeeded"]);
    }
    if became(InvoiceStatus::Void) {
        kinds.push("invoice.voided");
    }
    if after.attempt_count > before.map_or(0, |before| before.attempt_count)
        && after.failure.is_some()
    {
        kinds.push("invoice.payment_failed");
        if after.failure == Some(PaymentFailure::NeedsAuthentication) {
            kinds.push("invoice.payment_action_required");
        }
    }
    kinds
}

/// Returns the previous values of changed fields. Objects contain only their changed parts.
fn previous(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return before.clone();
    };
    let differing = before.iter().filter(|(name, value)| after.get(*name) != Some(value));
    let mut changed: Map<String, Value> = differing
        .map(|(name, value)| match (value, after.get(name)) {
            (Value::Object(_), Some(now @ Value::Object(_))) => {
                (name.clone(), previous(value, now))
            }
            _ => (name.clone(), value.clone()),
        })
        .collect();
    // New fields were null before.
    changed.extend(
        after
            .keys()
            .filter(|name| !before.contains_key(*name))
            .map(|name| (name.clone(), Value::Null)),
    );
    Value::Object(changed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn previous_attributes_contain_exactly_the_changed_fields() {
        let before = json!({ "a": 1, "b": { "c": 1, "d": 2 }, "e": [1], "metadata": { "x": "1" } });
        let after = json!({ "a": 1, "b": { "c": 1, "d": 3 }, "e": [1, 2], "metadata": { "x": "1", "y": "2" } });
        assert_eq!(
            previous(&before, &after),
            json!({ "b": { "d": 2 }, "e": [1], "metadata": { "y": null } })
        );
    }
}
