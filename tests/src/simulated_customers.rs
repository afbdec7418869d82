//! Simulated customers in a Stripe sandbox, with different lifecycles, and the state that the
//! service must have at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::sandbox_fixture::call;
use crate::shared_fixture::now;

const STARTER: &str = "price_1SandboxDemoStartMonthly1";
const BUSINESS: &str = "price_1SandboxDemoBizMonthly01";
const AGENCY_YEARLY: &str = "price_1SandboxDemoAgencyYear001";
/// Page size of lists.
const PAGE: &str = "100";

/// The customers. A customer's number decides its lifecycle: creation and, for most, a change.
#[derive(Debug)]
pub struct SimulatedCustomers {
    sandbox: SocketAddr,
    members: Vec<Member>,
    /// The last event that was fetched.
    cursor: String,
}

#[derive(Clone, Debug)]
struct Member {
    customer: String,
    subscription: Option<String>,
}

/// The provider's final state, in the form of the service's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedState {
    /// The state of each customer: `present` or `gone`.
    pub customers: BTreeMap<String, String>,
    /// The subscriptions of present customers, each as a row in JSON.
    pub subscriptions: BTreeMap<String, Value>,
    /// User and customer of each present customer with a purchase.
    pub links: BTreeSet<(String, String)>,
}

impl SimulatedCustomers {
    /// Creates customers, most of them with a subscription.
    ///
    /// # Panics
    /// When the sandbox rejects a call.
    #[must_use]
    pub fn create(sandbox: SocketAddr, count: usize) -> Self {
        let newest = call(sandbox, "GET", "/v1/events", &[("limit", "1")]);
        let cursor = newest["data"][0]["id"].as_str().expect("the demo has events").to_owned();
        let members = (0..count).map(|number| create_member(sandbox, number)).collect();
        Self { sandbox, members, cursor }
    }

    /// Returns the number of customers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there are no customers.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Applies the change of a customer's lifecycle.
    ///
    /// # Panics
    /// When the sandbox rejects a call.
    pub fn advance(&mut self, number: usize) {
        let Member { customer, subscription } = self.members[number].clone();
        let path = format!("/v1/subscriptions/{}", subscription.unwrap_or_default());
        let whole = format!("/v1/customers/{customer}");
        let (method, path, form): (_, _, Vec<(&str, String)>) = match number % 10 {
            1 => {
                let read = call(self.sandbox, "GET", &path, &[]);
                let item = read["items"]["data"][0]["id"].as_str().expect("an item").to_owned();
                (
                    "POST",
                    path,
                    vec![("items[0][id]", item), ("items[0][price]", BUSINESS.to_owned())],
                )
            }
            2 => ("POST", path, vec![("cancel_at_period_end", "true".to_owned())]),
            3 => ("POST", path, vec![("cancel_at", (now() + 10 * 24 * 60 * 60).to_string())]),
            4 | 8 => ("DELETE", path, vec![]),
            5 | 9 => ("DELETE", whole, vec![]),
            _ => ("POST", whole, vec![("name", format!("Customer {number}"))]),
        };
        let form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let _ = call(self.sandbox, method, &path, &form);
        if number % 10 == 8 {
            self.members[number].subscription =
                Some(subscribe(self.sandbox, &customer, AGENCY_YEARLY));
        }
    }

    /// Returns the customers' events since the last call, each as the body of a delivery. Events
    /// without a customer, such as those of a detached payment method, are omitted.
    ///
    /// # Panics
    /// When the sandbox rejects a call.
    pub fn new_events(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let query = [("limit", PAGE), ("ending_before", self.cursor.as_str())];
            let mut page = call(self.sandbox, "GET", "/v1/events", &query);
            // The list is sorted newest first.
            let Some(newest) = page["data"][0]["id"].as_str() else { return events };
            self.cursor = newest.to_owned();
            let page = page["data"].as_array_mut().expect("a list").drain(..);
            events.extend(page.filter(|event| {
                let object = &event["data"]["object"];
                object["object"] == "customer" || object["customer"].is_string()
            }));
        }
    }

    /// Returns an event that the sandbox did not create, about the customers in turn.
    #[must_use]
    pub fn hint_event(&self, number: usize) -> Value {
        let Member { customer, subscription } = &self.members[number % self.members.len()];
        let id = format!("evt_Hint{number:08}");
        let thin = |kind: &str, id_of: &str| {
            json!({ "id": id, "object": "v2.core.event", "type": format!("v1.{kind}.updated"), "livemode": false,
                "created": "2026-11-25T10:00:00.000Z", "related_object": { "id": id_of, "type": kind, "url": "/v1/x" } })
        };
        match (number % 3, subscription) {
            (0, Some(subscription)) => thin("subscription", subscription),
            (1, _) => thin("customer", customer),
            _ => {
                json!({ "id": id, "object": "event", "type": "invoice.upcoming", "created": now(), "livemode": false,
                "api_version": "2026-05-27.dahlia", "pending_webhooks": 1, "request": null,
                "data": { "object": { "object": "invoice", "customer": customer } } })
            }
        }
    }

    /// Returns the provider's current state of the customers.
    ///
    /// # Panics
    /// When the sandbox rejects a call.
    #[must_use]
    pub fn expected_state(&self) -> ExpectedState {
        let present: BTreeSet<String> =
            self.all("/v1/customers", &[]).iter().map(|one| text(&one["id"])).collect();
        let owners = self
            .members
            .iter()
            .enumerate()
            .map(|(number, one)| (one.customer.clone(), user(number)));
        let owners: BTreeMap<String, String> = owners.collect();
        let state_of =
            |customer: &String| if present.contains(customer) { "present" } else { "gone" };
        let customers = owners
            .keys()
            .map(|customer| (customer.clone(), state_of(customer).to_owned()))
            .collect();
        let subscriptions = self.all("/v1/subscriptions", &[("status", "all")]);
        let theirs: Vec<_> = subscriptions
            .iter()
            .map(|one| (text(&one["customer"]), one))
            .filter(|(customer, _)| owners.contains_key(customer) && present.contains(customer))
            .collect();
        let bought = theirs.iter().filter(|(_, one)| one["status"] != "incomplete");
        ExpectedState {
            customers,
            links: bought
                .map(|(customer, _)| (owners[customer].clone(), customer.clone()))
                .collect(),
            subscriptions: theirs.iter().map(|(_, one)| (text(&one["id"]), row(one))).collect(),
        }
    }

    fn all(&self, path: &str, filters: &[(&str, &str)]) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let last = all.last().map(|last| text(&last["id"]));
            let mut query = [filters, &[("limit", PAGE)]].concat();
            query.extend(last.as_deref().map(|last| ("starting_after", last)));
            let mut page = call(self.sandbox, "GET", path, &query);
            all.append(page["data"].as_array_mut().expect("a list"));
            if page["has_more"] == false {
                return all;
            }
        }
    }
}

/// Creates a customer. Most customers subscribe; some have no card, some have a declined card.
fn create_member(sandbox: SocketAddr, number: usize) -> Member {
    let card = match number % 10 {
        6 => Some("pm_card_chargeCustomerFail"),
        7 | 9 => None,
        _ => Some("pm_card_visa"),
    };
    let owner = user(number);
    let mut form = vec![("metadata[user_id]", owner.as_str())];
    form.extend(card.into_iter().flat_map(|card| {
        [("payment_method", card), ("invoice_settings[default_payment_method]", card)]
    }));
    let customer = text(&call(sandbox, "POST", "/v1/customers", &form)["id"]);
    let subscription = card.map(|_| subscribe(sandbox, &customer, STARTER));
    Member { customer, subscription }
}

fn subscribe(sandbox: SocketAddr, customer: &str, price: &str) -> String {
    let form = [
        ("customer", customer),
        ("items[0][price]", price),
        ("payment_behavior", "allow_incomplete"),
    ];
    text(&call(sandbox, "POST", "/v1/subscriptions", &form)["id"])
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// Returns a subscription in the form of its row.
fn row(one: &Value) -> Value {
    let items = one["items"]["data"].as_array().expect("items");
    let prices: Vec<&str> =
        items.iter().map(|item| item["price"]["id"].as_str().expect("a price")).collect();
    let cycle = match items[0]["price"]["recurring"]["interval"].as_str() {
        Some("month") => "monthly",
        Some("year") => "yearly",
        other => panic!("no price of the demo recurs every {other:?}"),
    };
    let millis = |seconds: &Value| seconds.as_i64().map(|seconds| seconds * 1000);
    json!({
        "subscription_id": one["id"],
        "customer_id": one["customer"],
        "status": one["status"],
        "prices": prices.join(" "),
        "cycle": cycle,
        "created_at": millis(&one["created"]),
        "period_start": millis(&items[0]["current_period_start"]),
        "period_end": millis(&items[0]["current_period_end"]),
        "cancel_at_period_end": i64::from(one["cancel_at_period_end"] == true),
        "cancel_at": millis(&one["cancel_at"]),
    })
}
