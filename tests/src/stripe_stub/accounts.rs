//! Customers, subscriptions, prices and checkout sessions, with the fields that `provider-stripe`
//! reads.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::{self, Response};
use super::operation::Operation;
use super::{
    CUSTOMER, DELETED_CUSTOMER, MONTHLY_PRICE, OTHER_CUSTOMER, OTHER_SUBSCRIPTION, SUBSCRIPTION,
    YEARLY_PRICE, schema,
};
use crate::stripe_form::Param;

/// Creation time of the first object in Unix seconds. Each further object is a second newer.
const FIRST_CREATED: i64 = 1_780_000_000;
const MONTH: i64 = 30 * 24 * 3600;

/// All objects by id.
#[derive(Debug)]
pub(super) struct Accounts {
    livemode: bool,
    objects: BTreeMap<String, Value>,
    made: i64,
}

type Fields<'a> = &'a [(String, String)];

impl Accounts {
    pub(super) fn new(livemode: bool) -> Self {
        let mut accounts = Self { livemode, objects: BTreeMap::new(), made: 0 };
        accounts.add_price(MONTHLY_PRICE, "month", 900);
        accounts.add_price(YEARLY_PRICE, "year", 9000);
        for (customer, subscription) in
            [(CUSTOMER, SUBSCRIPTION), (OTHER_CUSTOMER, OTHER_SUBSCRIPTION)]
        {
            accounts.add_customer(customer, &[]);
            accounts.add_subscription(customer, subscription, MONTHLY_PRICE);
        }
        accounts.add_customer(DELETED_CUSTOMER, &[]);
        accounts.delete_customer(DELETED_CUSTOMER);
        accounts
    }

    /// Returns whether a customer exists and is not deleted.
    pub(super) fn has(&self, customer: &str) -> bool {
        self.object("customer", customer).is_some_and(|customer| customer["deleted"] != true)
    }

    /// Returns the customer of a subscription.
    pub(super) fn customer_of(&self, subscription: &str) -> Option<&str> {
        self.object("subscription", subscription)?["customer"].as_str()
    }

    pub(super) fn add_customer(&mut self, id: &str, metadata: &[(&str, &str)]) {
        let metadata: Map<String, Value> =
            metadata.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        self.add(id, "customer", json!({ "email": null, "metadata": metadata }));
    }

    pub(super) fn delete_customer(&mut self, id: &str) {
        self.objects
            .insert(id.to_owned(), json!({ "id": id, "object": "customer", "deleted": true }));
        let theirs =
            |object: &&mut Value| object["object"] == "subscription" && object["customer"] == id;
        self.objects
            .values_mut()
            .filter(theirs)
            .for_each(|object| object["status"] = json!("canceled"));
    }

    pub(super) fn add_subscription(&mut self, customer: &str, id: &str, price: &str) {
        let created = FIRST_CREATED + self.made;
        let price = self.object("price", price).cloned();
        let item = json!({
            "id": format!("si_{id}"),
            "object": "subscription_item",
            "current_period_start": created,
            "current_period_end": created + MONTH,
            "price": price,
            "quantity": 1,
            "subscription": id,
        });
        self.add(
            id,
            "subscription",
            json!({
                "customer": customer,
                "status": "active",
                "cancel_at_period_end": false,
                "cancel_at": null,
                "items": { "object": "list", "data": [item], "has_more": false, "url": "/v1/subscription_items" },
                "metadata": {},
            }),
        );
    }

    pub(super) fn add_price(&mut self, id: &str, interval: &str, amount: i64) {
        self.add(
            id,
            "price",
            json!({
                "active": true,
                "billing_scheme": "per_unit",
                "currency": "usd",
                "product": "prod_StubKnown0001",
                "recurring": { "interval": interval, "interval_count": 1, "meter": null, "usage_type": "licensed" },
                "transform_quantity": null,
                "type": "recurring",
                "unit_amount": amount,
            }),
        );
    }

    pub(super) fn add_session(&mut self, id: &str, customer: &str, form: Fields<'_>) {
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        self.add(
            id,
            "checkout.session",
            json!({
                "cancel_url": field("cancel_url"),
                "client_reference_id": field("client_reference_id"),
                "customer": customer,
                "metadata": metadata(form),
                "mode": field("mode").unwrap_or("subscription"),
                "payment_link": null,
                "status": "open",
                "success_url": field("success_url"),
                "url": format!("https://checkout.stripe.com/c/pay/{id}#{}", uuid::Uuid::now_v7().simple()),
            }),
        );
    }

    pub(super) fn change(&mut self, id: &str, fields: &[(&str, Value)]) {
        let object = self.objects.get_mut(id).unwrap_or_else(|| panic!("{id} does not exist"));
        fields.iter().for_each(|(name, value)| object[*name] = value.clone());
    }

    /// Performs an operation without a fault.
    pub(super) fn act(
        &mut self,
        operation: &Operation,
        form: Fields<'_>,
    ) -> Result<Value, Box<Response>> {
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match operation {
            Operation::CreateCustomer => {
                let id = format!("cus_StubMade{:06}", self.made);
                self.add_customer(&id, &[]);
                self.change(&id, &[("metadata", Value::Object(metadata(form)))]);
                Ok(self.objects[&id].clone())
            }
            Operation::CreateCheckoutSession => {
                let customer = field("customer").unwrap_or_default();
                if !self.has(customer) {
                    return missing(400, "customer", customer, "customer");
                }
                let price = field("line_items[0][price]").unwrap_or_default();
                match self.object("price", price) {
                    None => return missing(400, "price", price, "line_items[0][price]"),
                    Some(price) if price["active"] != true => {
                        let message = "The price specified is inactive. This field only accepts active prices.";
                        let param = Some("line_items[0][price]");
                        return Err(Box::new(answer::refusal(400, None, param, message)));
                    }
                    Some(_) => {}
                }
                let id = format!(
                    "cs_{}_StubMade{:06}",
                    if self.livemode { "live" } else { "test" },
                    self.made
                );
                self.add_session(&id, customer, form);
                Ok(self.objects[&id].clone())
            }
            Operation::ReadCustomer(id) => self.read("customer", id, "id"),
            Operation::ReadSubscription(id) => self.read("subscription", id, "id"),
            Operation::ReadPrice(id) => self.read("price", id, "price"),
            Operation::ListCustomers => self.list("customer", operation, form),
            Operation::ListSubscriptions => self.list("subscription", operation, form),
            Operation::ListCheckoutSessions => self.list("checkout.session", operation, form),
            Operation::CreatePortalSession => {
                unreachable!("portal.rs creates portal sessions")
            }
        }
    }

    fn read(&self, kind: &str, id: &str, param: &str) -> Result<Value, Box<Response>> {
        self.object(kind, id)
            .map_or_else(|| missing(404, kind, id, param), |object| Ok(object.clone()))
    }

    /// Lists objects newest first, like Stripe.
    fn list(
        &self,
        kind: &str,
        operation: &Operation,
        form: Fields<'_>,
    ) -> Result<Value, Box<Response>> {
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if let Some(customer) = field("customer").filter(|id| self.object("customer", id).is_none())
        {
            return missing(400, "customer", customer, "customer");
        }
        let status = field("status").filter(|status| *status != "all");
        let fits = |object: &&Value| {
            object["object"] == kind
                && object["deleted"] != true
                && field("customer").is_none_or(|customer| object["customer"] == customer)
                && status.is_none_or(|status| object["status"] == status)
        };
        let mut all: Vec<&Value> = self.objects.values().filter(fits).collect();
        all.sort_by_key(|object| std::cmp::Reverse(object["created"].as_i64()));
        let start = match field("starting_after") {
            None => 0,
            Some(id) => match all.iter().position(|object| object["id"] == id) {
                Some(at) => at + 1,
                None => return missing(400, kind, id, "starting_after"),
            },
        };
        let limit: usize = field("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
        let more = all.len() > start + limit;
        let data: Vec<&Value> = all.into_iter().skip(start).take(limit).collect();
        Ok(json!({ "object": "list", "data": data, "has_more": more, "url": operation.path() }))
    }

    fn object(&self, kind: &str, id: &str) -> Option<&Value> {
        self.objects.get(id).filter(|object| object["object"] == kind)
    }

    fn add(&mut self, id: &str, kind: &str, mut object: Value) {
        object["id"] = json!(id);
        object["object"] = json!(kind);
        object["livemode"] = json!(self.livemode);
        object["created"] = json!(FIRST_CREATED + self.made);
        self.made += 1;
        self.objects.insert(id.to_owned(), object);
    }
}

fn missing(status: u16, kind: &str, id: &str, param: &str) -> Result<Value, Box<Response>> {
    let message = format!("No such {kind}: '{id}'");
    Err(Box::new(answer::refusal(status, Some("resource_missing"), Some(param), &message)))
}

fn metadata(form: Fields<'_>) -> Map<String, Value> {
    let key = |name: &str| Some(name.strip_prefix("metadata[")?.strip_suffix(']')?.to_owned());
    form.iter().filter_map(|(name, value)| Some((key(name)?, json!(value)))).collect()
}

/// Checks rules of Stripe that the schema does not have.
pub(super) fn check_beyond_schema(
    operation: &Operation,
    form: &BTreeMap<String, Param>,
) -> Result<(), schema::Violation> {
    let fail = |code, param: &str| Err(schema::Violation { code, param: param.to_owned() });
    if let Some(Param::Text(limit)) = form.get("limit")
        && !limit.parse::<u32>().is_ok_and(|limit| (1..=100).contains(&limit))
    {
        return fail("parameter_invalid_integer", "limit");
    }
    let subscription_data = match form.get("subscription_data") {
        Some(Param::Map(data)) => data.get("metadata"),
        _ => None,
    };
    // https://docs.stripe.com/metadata
    let fits = |(key, value): (&String, &Param)| match value {
        Param::Text(value) => key.chars().count() <= 40 && value.chars().count() <= 500,
        Param::Map(_) => false,
    };
    for metadata in [form.get("metadata"), subscription_data].into_iter().flatten() {
        if let Param::Map(metadata) = metadata
            && !metadata.iter().all(fits)
        {
            return fail("parameter_invalid_string_too_long", "metadata");
        }
    }
    if *operation == Operation::CreateCheckoutSession {
        let needed = ["mode", "line_items", "success_url"];
        if let Some(missing) = needed.into_iter().find(|name| !form.contains_key(*name)) {
            return fail("parameter_missing", missing);
        }
        let is_url =
            |param: &Param| matches!(param, Param::Text(url) if url::Url::parse(url).is_ok());
        for name in ["success_url", "cancel_url"] {
            if form.get(name).is_some_and(|url| !is_url(url)) {
                return fail("url_invalid", name);
            }
        }
    }
    Ok(())
}
