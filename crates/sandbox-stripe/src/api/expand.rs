//! `expand[]`: ids in an answer replaced by the objects that they name (<https://docs.stripe.com/api/expanding_objects>).

use serde_json::Value;

use super::error::{ApiError, excerpt};
use super::list::wrap;
use super::operations::Answers;
use super::view;
use crate::state::State;

/// Stripe's limit on the depth of a path.
const DEEPEST: usize = 4;

/// Which fields of which objects can be expanded, and into what. An empty target stays null here.
const EXPANDABLE: &[(&str, &str, &str)] = &[
    ("billing_portal.session", "configuration", "billing_portal.configuration"),
    ("customer", "cash_balance", ""),
    ("customer", "default_source", ""),
    ("customer", "discount", ""),
    ("customer", "invoice_settings.default_payment_method", "payment_method"),
    ("customer", "sources", ""),
    ("customer", "subscriptions", "subscription"),
    ("customer", "subscriptions.data", "subscription"),
    ("customer", "tax", ""),
    ("customer", "tax_ids", ""),
    ("customer", "test_clock", ""),
    ("invoice", "customer", "customer"),
    ("invoice", "default_payment_method", "payment_method"),
    ("invoice", "default_source", ""),
    ("invoice", "discounts", ""),
    ("invoice", "parent.subscription_details.subscription", "subscription"),
    ("line_item", "pricing.price_details.price", "price"),
    ("payment_method", "customer", "customer"),
    ("price", "product", "product"),
    ("product", "default_price", "price"),
    ("subscription", "customer", "customer"),
    ("subscription", "default_payment_method", "payment_method"),
    ("subscription", "default_source", ""),
    ("subscription", "discounts", ""),
    ("subscription", "items.data.price", "price"),
    ("subscription", "items", ""),
    ("subscription", "latest_invoice", "invoice"),
    ("subscription", "pending_setup_intent", ""),
    ("subscription", "schedule", ""),
    ("subscription", "test_clock", ""),
];

/// Refuses paths that lead nowhere, before anything is done.
pub(crate) fn check(answers: Answers, paths: &[String]) -> Result<(), ApiError> {
    for path in paths {
        let (object, rest) = match answers {
            Answers::One(object) => (object, Some(path.as_str())),
            Answers::ListOf(object) => (object, path.strip_prefix("data.")),
        };
        let too_deep = path.split('.').count() > DEEPEST;
        if too_deep || !rest.is_some_and(|rest| leads_somewhere(object, rest)) {
            let path = excerpt(path);
            let reason = if too_deep {
                format!("You cannot expand more than {DEEPEST} levels of a property. Property: {path}")
            } else {
                format!("This property cannot be expanded ({path}).")
            };
            return Err(ApiError::refused(400, None, reason));
        }
    }
    Ok(())
}

fn leads_somewhere(object: &str, path: &str) -> bool {
    EXPANDABLE.iter().filter(|(of, ..)| *of == object).any(|(_, field, target)| match path.strip_prefix(field) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|rest| leads_somewhere(target, rest)),
        None => false,
    })
}

/// Expands checked paths.
pub(crate) fn apply(value: &mut Value, paths: &[String], state: &State) {
    for path in paths {
        let steps: Vec<&str> = path.split('.').collect();
        walk(value, &steps, state);
    }
}

fn walk(value: &mut Value, steps: &[&str], state: &State) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| walk(element, steps, state)),
        Value::Object(fields) => {
            let [step, deeper @ ..] = steps else { return };
            if !fields.contains_key(*step) {
                let owner = fields.get("id").and_then(Value::as_str).unwrap_or_default();
                if let Some(list) = included_list(owner, step, state) {
                    fields.insert((*step).to_owned(), list);
                }
            }
            let Some(field) = fields.get_mut(*step) else { return };
            if let Some(object) = field.as_str().and_then(|id| view::object(state, id)) {
                *field = object;
            }
            walk(field, deeper, state);
        }
        _ => {}
    }
}

/// The lists that a customer shows only when asked.
fn included_list(customer: &str, field: &str, state: &State) -> Option<Value> {
    let data = match field {
        "subscriptions" => state
            .subscriptions
            .of(customer)
            .filter(|subscription| subscription.is_running())
            .map(|subscription| view::subscription(subscription, state))
            .collect(),
        "sources" | "tax_ids" => Vec::new(),
        _ => return None,
    };
    Some(wrap(data, false, &format!("/v1/customers/{customer}/{field}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(answers: Answers, path: &str) -> bool {
        check(answers, &[path.to_owned()]).is_ok()
    }

    #[test]
    fn paths_follow_the_objects() {
        assert!(checked(Answers::One("subscription"), "customer"));
        assert!(checked(Answers::One("subscription"), "latest_invoice.customer"));
        assert!(checked(Answers::One("subscription"), "items.data.price.product"));
        assert!(checked(Answers::ListOf("subscription"), "data.customer"));
        assert!(!checked(Answers::ListOf("subscription"), "customer"));
        assert!(!checked(Answers::One("subscription"), "customer.name"));
        assert!(!checked(Answers::One("billing_portal.session"), "customer"));
        assert!(!checked(Answers::ListOf("subscription"), "data.items.data.price.product"));
    }
}
