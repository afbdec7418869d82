//! `expand[]`: replaces ids in a response with the objects that they name
//! (<https://docs.stripe.com/api/expanding_objects>).

use serde_json::Value;

use super::error::{ApiError, excerpt};
use super::operations::Answers;
use crate::state::State;
use crate::view;
use crate::view::list_object;

/// Stripe's limit on the depth of a path.
const MAX_DEPTH: usize = 4;

/// The result of expanding a field.
#[derive(Clone, Copy)]
enum Target {
    /// An object of this kind.
    Object(&'static str),
    /// Nothing: the field is null or an empty list in every response of the sandbox.
    Nothing,
    /// An object that Stripe has and the sandbox does not simulate.
    Unsimulated,
}

/// The expandable fields of each object and their targets.
const EXPANDABLE: &[(&str, &str, Target)] = {
    use Target::{Nothing, Object, Unsimulated};
    &[
        ("billing_portal.configuration", "application", Nothing),
        ("billing_portal.session", "configuration", Object("billing_portal.configuration")),
        ("checkout.session", "automatic_tax.liability.account", Nothing),
        ("checkout.session", "customer", Object("customer")),
        ("checkout.session", "discounts.coupon", Nothing),
        ("checkout.session", "discounts.promotion_code", Nothing),
        ("checkout.session", "invoice", Object("invoice")),
        ("checkout.session", "invoice_creation.invoice_data.account_tax_ids", Nothing),
        ("checkout.session", "invoice_creation.invoice_data.issuer.account", Nothing),
        ("checkout.session", "line_items", Object("list")),
        ("checkout.session", "line_items.data", Object("item")),
        ("checkout.session", "payment_intent", Nothing),
        ("checkout.session", "payment_link", Nothing),
        ("checkout.session", "setup_intent", Nothing),
        ("checkout.session", "shipping_cost.shipping_rate", Nothing),
        ("checkout.session", "shipping_options.shipping_rate", Nothing),
        ("checkout.session", "subscription", Object("subscription")),
        ("customer", "cash_balance", Nothing),
        ("customer", "default_source", Nothing),
        ("customer", "discount", Nothing),
        ("customer", "invoice_settings.default_payment_method", Object("payment_method")),
        ("customer", "sources", Nothing),
        ("customer", "subscriptions", Object("list")),
        ("customer", "subscriptions.data", Object("subscription")),
        ("customer", "tax", Unsimulated),
        ("customer", "tax_ids", Nothing),
        ("customer", "test_clock", Nothing),
        ("invoice", "account_tax_ids", Nothing),
        ("invoice", "application", Nothing),
        ("invoice", "automatic_tax.liability.account", Nothing),
        ("invoice", "confirmation_secret", Unsimulated),
        ("invoice", "customer", Object("customer")),
        ("invoice", "default_payment_method", Object("payment_method")),
        ("invoice", "default_source", Nothing),
        ("invoice", "discounts", Nothing),
        ("invoice", "from_invoice.invoice", Nothing),
        ("invoice", "issuer.account", Nothing),
        ("invoice", "latest_revision", Nothing),
        ("invoice", "lines", Object("list")),
        ("invoice", "lines.data", Object("line_item")),
        ("invoice", "on_behalf_of", Nothing),
        ("invoice", "parent.subscription_details.subscription", Object("subscription")),
        ("invoice", "payments", Unsimulated),
        ("invoice", "shipping_cost.shipping_rate", Nothing),
        ("invoice", "test_clock", Nothing),
        ("invoice", "total_discount_amounts.discount", Nothing),
        ("invoice", "total_pretax_credit_amounts.credit_balance_transaction", Nothing),
        ("invoice", "total_pretax_credit_amounts.discount", Nothing),
        ("invoice", "total_taxes.tax_rate_details.tax_rate", Nothing),
        ("item", "price", Object("price")),
        ("line_item", "discount_amounts.discount", Nothing),
        ("line_item", "discounts", Nothing),
        ("line_item", "pretax_credit_amounts.credit_balance_transaction", Nothing),
        ("line_item", "pretax_credit_amounts.discount", Nothing),
        ("line_item", "pricing.price_details.price", Object("price")),
        ("line_item", "subscription", Object("subscription")),
        ("line_item", "taxes.tax_rate_details.tax_rate", Nothing),
        ("payment_method", "card.generated_from.setup_attempt", Nothing),
        ("payment_method", "customer", Object("customer")),
        ("payment_method", "sepa_debit.generated_from.charge", Nothing),
        ("payment_method", "sepa_debit.generated_from.setup_attempt", Nothing),
        ("price", "currency_options", Unsimulated),
        ("price", "product", Object("product")),
        ("price", "tiers", Nothing),
        ("product", "default_price", Object("price")),
        ("product", "tax_code", Nothing),
        ("subscription", "application", Nothing),
        ("subscription", "automatic_tax.liability.account", Nothing),
        ("subscription", "billing_schedules.applies_to.price", Nothing),
        ("subscription", "customer", Object("customer")),
        ("subscription", "default_payment_method", Object("payment_method")),
        ("subscription", "default_source", Nothing),
        ("subscription", "discounts", Nothing),
        ("subscription", "invoice_settings.account_tax_ids", Nothing),
        ("subscription", "invoice_settings.issuer.account", Nothing),
        ("subscription", "items", Object("list")),
        ("subscription", "items.data", Object("subscription_item")),
        ("subscription", "latest_invoice", Object("invoice")),
        ("subscription", "on_behalf_of", Nothing),
        ("subscription", "pending_setup_intent", Nothing),
        ("subscription", "pending_update.discounts", Nothing),
        ("subscription", "schedule", Nothing),
        ("subscription", "test_clock", Nothing),
        ("subscription", "transfer_data.destination", Nothing),
        ("subscription_item", "discounts", Nothing),
        ("subscription_item", "price", Object("price")),
    ]
};

/// The result of following a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Somewhere,
    /// The path reaches an object that Stripe has and the sandbox does not simulate.
    Unsimulated,
    Nowhere,
}

/// Refuses invalid paths before any work is done.
pub(crate) fn check(answers: Answers, paths: &[String]) -> Result<(), ApiError> {
    for path in paths {
        let end = match answers {
            Answers::One(object) => follow(object, path),
            Answers::ListOf(object) => {
                path.strip_prefix("data.").map_or(End::Nowhere, |rest| follow(object, rest))
            }
        };
        let too_deep = path.split('.').count() > MAX_DEPTH;
        let path = excerpt(path);
        let reason = match end {
            _ if too_deep => format!(
                "You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}"
            ),
            End::Somewhere => continue,
            End::Unsimulated => {
                format!("Stripe knows the property {path}, but this sandbox does not simulate it.")
            }
            End::Nowhere => format!("This property cannot be expanded ({path})."),
        };
        return Err(ApiError::refused(400, None, reason));
    }
    Ok(())
}

fn follow(object: &str, path: &str) -> End {
    let fields = EXPANDABLE.iter().filter(|(of, ..)| *of == object);
    let ends = fields.filter_map(|(_, field, target)| {
        let rest = path.strip_prefix(field)?;
        let rest = if rest.is_empty() { None } else { Some(rest.strip_prefix('.')?) };
        Some(match (target, rest) {
            (Target::Unsimulated, _) => End::Unsimulated,
            // A null field has no fields of its own to check.
            (Target::Nothing, _) | (Target::Object(_), None) => End::Somewhere,
            (Target::Object(target), Some(rest)) => follow(target, rest),
        })
    });
    ends.min().unwrap_or(End::Nowhere)
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
        Value::Array(elements) => {
            elements.iter_mut().for_each(|element| walk(element, steps, state))
        }
        Value::Object(fields) => {
            let [step, deeper @ ..] = steps else { return };
            if !fields.contains_key(*step) {
                let owner = fields.get("id").and_then(Value::as_str).unwrap_or_default();
                if let Some(included) = included(owner, step, state) {
                    fields.insert((*step).to_owned(), included);
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

/// Returns the fields that a customer or a checkout session contains only when expanded.
fn included(owner: &str, field: &str, state: &State) -> Option<Value> {
    if let Some(session) = state.checkout_sessions.get(owner) {
        return (field == "line_items").then(|| view::checkout_items(session, state));
    }
    let data = match field {
        "subscriptions" => state
            .subscriptions
            .of(owner)
            .filter(|subscription| subscription.is_running())
            .map(|subscription| view::subscription(subscription, state))
            .collect(),
        "sources" | "tax_ids" => Vec::new(),
        "cash_balance" => return Some(Value::Null),
        _ => return None,
    };
    Some(list_object(data, false, &format!("/v1/customers/{owner}/{field}")))
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
        assert!(!checked(Answers::One("subscription"), "items.price"));
        assert!(!checked(Answers::One("subscription"), "customers"));
        assert!(checked(Answers::One("invoice"), "lines.data.subscription.customer"));
        assert!(checked(Answers::One("subscription"), "pending_setup_intent.payment_method"));
    }

    #[test]
    fn an_unsimulated_property_has_its_own_error() {
        for (object, path) in [
            ("invoice", "confirmation_secret"),
            ("invoice", "payments.data.payment"),
            ("customer", "tax"),
        ] {
            let error = check(Answers::One(object), &[path.to_owned()]).expect_err(path);
            assert!(error.message.contains("does not simulate it"), "{}", error.message);
        }
        let path = "latest_invoice.confirmation_secret";
        assert_eq!(follow("subscription", path), End::Unsimulated);
    }

    /// Collects every field of the published schema with an id, an object or a list.
    fn expandable(schemas: &Value, part: &Value, path: &str, found: &mut Vec<String>) {
        let alternatives = part["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
        if part["type"] == "array" {
            expandable(schemas, &part["items"], path, found);
        } else if alternatives.iter().any(|part| part["type"] == "string")
            && alternatives.iter().any(|part| part["$ref"].is_string())
            || part["properties"]["data"].is_object()
        {
            found.push(path.to_owned());
        }
        for part in alternatives.iter().chain([part]) {
            let name =
                part["$ref"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
            // Objects with an `object` field have rows of their own.
            let fields = schemas[name]["properties"]
                .as_object()
                .filter(|fields| !fields.contains_key("object"));
            for (field, part) in fields.into_iter().flatten() {
                expandable(schemas, part, &format!("{path}.{field}"), found);
            }
        }
    }

    #[test]
    fn the_table_covers_the_published_schema() {
        let schema = include_str!("../../../../tests/data/stripe/openapi-subset.json");
        let schema: Value = serde_json::from_str(schema).expect("JSON");
        let schemas = &schema["components"]["schemas"];
        let mut objects: Vec<&str> = EXPANDABLE.iter().map(|(object, ..)| *object).collect();
        objects.dedup();
        for object in objects {
            let mut found = Vec::new();
            let fields = schemas[object]["properties"].as_object().expect(object);
            for (field, part) in fields {
                expandable(schemas, part, field, &mut found);
            }
            let missing: Vec<&String> =
                found.iter().filter(|path| follow(object, path) == End::Nowhere).collect();
            assert!(missing.is_empty(), "{object} has no {missing:?}");
            for (_, field, _) in EXPANDABLE.iter().filter(|(of, ..)| *of == object) {
                let first = field.split('.').next().unwrap_or_default();
                assert!(
                    fields.contains_key(first),
                    "{object} has {field}, which is not in the schema"
                );
            }
        }
    }
}
