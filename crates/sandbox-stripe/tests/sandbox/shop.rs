//! Test data for subscriptions: a customer with a card, and two products.

use serde_json::Value;

use crate::support::Running;

pub(crate) const DAY: i64 = 24 * 60 * 60;

/// A customer with a card, and two products with monthly prices of 10 and 30 dollars.
pub(crate) struct Shop {
    pub(crate) customer: String,
    pub(crate) card: String,
    pub(crate) small: String,
    pub(crate) large: String,
}

pub(crate) async fn shop(sandbox: &Running, card: &str) -> Shop {
    let customer = sandbox.make("/v1/customers", "name=Jenny").await;
    let card = sandbox
        .make(&format!("/v1/payment_methods/{card}/attach"), &format!("customer={customer}"))
        .await;
    let form = format!("invoice_settings[default_payment_method]={card}");
    sandbox.make(&format!("/v1/customers/{customer}"), &form).await;
    let price = "currency=usd&recurring[interval]=month&unit_amount";
    let small = sandbox.make("/v1/prices", &format!("{price}=1000&product_data[name]=Small")).await;
    let large = sandbox.make("/v1/prices", &format!("{price}=3000&product_data[name]=Large")).await;
    Shop { customer, card, small, large }
}

impl Shop {
    pub(crate) async fn subscribe(&self, sandbox: &Running, more: &str) -> Value {
        let form = format!("customer={}&items[0][price]={}{more}", self.customer, self.small);
        let reply = sandbox.post("/v1/subscriptions", &form).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(i64::MIN)
}

pub(crate) fn path(subscription: &Value) -> String {
    format!("/v1/subscriptions/{}", text(subscription, "/id"))
}

/// Returns the event types, newest first.
pub(crate) async fn event_kinds(sandbox: &Running, kind: &str) -> Vec<String> {
    let list = sandbox.get(&format!("/v1/events?limit=100&type={kind}")).await.json();
    let data = list["data"].as_array().cloned().unwrap_or_default();
    data.iter().map(|event| text(event, "/type").to_owned()).collect()
}
