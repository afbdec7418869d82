//! Delivery faults: late, duplicated, reordered and lost deliveries, exactly as requested.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox_stripe::SystemClock;
use serde_json::{Value, json};

use crate::receiver::{Plan, Received, Receiver, settled, short_backoff};
use crate::support::{refused, settings, start, start_with};

const DELIVERIES: &str = "/sandbox/deliveries";
const RESEND: &str = "/sandbox/deliveries/resend";
/// One call that causes two events: `product.created`, then `price.created`.
const TWO_EVENTS: &str =
    "name=A&default_price_data[currency]=usd&default_price_data[unit_amount]=1";

fn kinds(received: &[Received]) -> Vec<Value> {
    received.iter().map(|delivery| delivery.json()["type"].clone()).collect()
}

#[tokio::test]
async fn a_doubled_delivery_arrives_twice() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    let (_, secret) = receiver.subscribe(&sandbox, &["*"]).await;
    let made = sandbox.post(DELIVERIES, "fault=double&times=2&type=customer.*").await.json();
    let rule = json!({ "id": 1, "endpoint": null, "fault": "double", "seconds": null, "times": 2, "type": "customer.*" });
    assert_eq!(made, rule);
    assert_eq!(sandbox.get(DELIVERIES).await.json()["rules"], json!([rule]));
    for name in ["A", "B", "C"] {
        sandbox.make("/v1/customers", &format!("name={name}")).await;
        sandbox.make("/v1/products", "name=Not+meant").await;
    }
    let received = receiver.wait(8).await;
    assert!(received.iter().all(|delivery| delivery.is_signed(&secret)));
    let of =
        |name: &str| received.iter().filter(|delivery| delivery.name() == name).collect::<Vec<_>>();
    assert_eq!((of("A").len(), of("B").len(), of("C").len(), of("Not meant").len()), (2, 2, 1, 3));
    assert_eq!(of("A")[0].json()["id"], of("A")[1].json()["id"]);
    assert_eq!(sandbox.get(DELIVERIES).await.json()["rules"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_late_delivery_arrives_after_its_delay_and_does_not_delay_others() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    receiver.subscribe(&sandbox, &["*"]).await;
    sandbox.post(DELIVERIES, "fault=late&seconds=1&type=product.created").await;
    let started = Instant::now();
    sandbox.make("/v1/products", "name=Late").await;
    sandbox.make("/v1/customers", "name=Now").await;
    let received = receiver.wait(2).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(received.iter().filter(|delivery| delivery.name() == "Late").count(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_lost_delivery_never_arrives_unless_resent() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    let other = Receiver::start(&[]).await;
    let (endpoint, _) = receiver.subscribe(&sandbox, &["*"]).await;
    let (other_endpoint, _) = other.subscribe(&sandbox, &["*"]).await;
    sandbox.post(DELIVERIES, &format!("fault=lose&endpoint={endpoint}")).await;
    sandbox.make("/v1/customers", "name=Lost").await;
    sandbox.make("/v1/customers", "name=Kept").await;
    let deliveries = settled(&sandbox).await;
    let names = |received: Vec<Received>| received.iter().map(Received::name).collect::<Vec<_>>();
    assert_eq!(names(receiver.received()), ["Kept"]);
    assert_eq!(other.received().len(), 2);
    let lost = deliveries.iter().find(|delivery| delivery["state"] == "lost").expect("a lost one");
    assert_eq!((lost["endpoint"].as_str(), lost["attempts"].as_u64()), (Some(&*endpoint), Some(0)));
    // The event itself is stored.
    let event = lost["event"].as_str().expect("event");
    let read = sandbox.get(&format!("/v1/events/{event}")).await.json();
    assert_eq!(
        (&read["data"]["object"]["name"], &read["pending_webhooks"]),
        (&json!("Lost"), &json!(0))
    );

    let again = sandbox.post(RESEND, &format!("event={event}")).await.json();
    assert_eq!(again["data"].as_array().map(Vec::len), Some(2), "{again}");
    assert_eq!(names(receiver.wait(2).await), ["Kept", "Lost"]);
    other.wait(3).await;
    sandbox.post(RESEND, &format!("event={event}&endpoint={other_endpoint}")).await;
    other.wait(4).await;
    let of_event =
        settled(&sandbox).await.iter().filter(|delivery| delivery["resent"] == true).count();
    assert_eq!((of_event, receiver.received().len()), (3, 2));
    sandbox.stop().await;
}

#[tokio::test]
async fn reordered_deliveries_arrive_last_first() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    receiver.subscribe(&sandbox, &["*"]).await;
    sandbox.post(DELIVERIES, "fault=reorder").await;
    sandbox.make("/v1/products", TWO_EVENTS).await;
    assert_eq!(kinds(&receiver.wait(2).await), ["price.created", "product.created"]);
    // With too few deliveries, the rule holds them for two seconds.
    sandbox.post(DELIVERIES, "fault=reorder&times=3").await;
    let started = Instant::now();
    sandbox.make("/v1/products", TWO_EVENTS).await;
    assert_eq!(kinds(&receiver.wait(4).await[2..]), ["price.created", "product.created"]);
    assert!(started.elapsed() >= Duration::from_secs(2));
    assert_eq!(sandbox.get(DELIVERIES).await.json()["rules"][0]["times"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn deleting_the_rules_releases_held_deliveries() {
    let sandbox = start_with(short_backoff(settings(None)), Arc::new(SystemClock)).await;
    // A delivery with a fault is retried too.
    let receiver = Receiver::start(&[Plan::Status(500), Plan::Status(500)]).await;
    receiver.subscribe(&sandbox, &["*"]).await;
    sandbox.post(DELIVERIES, "fault=lose&type=invoice.paid").await;
    sandbox.post(DELIVERIES, "fault=reorder&times=9").await;
    sandbox.make("/v1/products", TWO_EVENTS).await;
    assert_eq!(sandbox.delete(DELIVERIES).await.json(), json!({ "forgotten": 2 }));
    let received = receiver.wait(4).await;
    assert_eq!(kinds(&received[..2]), ["price.created", "product.created"]);
    let deliveries = settled(&sandbox).await;
    assert!(
        deliveries
            .iter()
            .all(|delivery| delivery["state"] == "delivered" && delivery["attempts"] == 2)
    );
    assert_eq!(sandbox.get(DELIVERIES).await.json()["rules"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn rules_require_a_key_and_have_bounds() {
    let sandbox = start().await;
    for (method, path) in
        [("GET", DELIVERIES), ("POST", DELIVERIES), ("DELETE", DELIVERIES), ("POST", RESEND)]
    {
        let reply = sandbox.send(method, path, &[], "").await;
        assert_eq!(reply.error(), refused(401, "", ""), "{method} {path}");
    }
    for (form, code, param) in [
        ("", "parameter_missing", "fault"),
        ("fault=burn", "", "fault"),
        ("fault=late", "parameter_missing", "seconds"),
        ("fault=late&seconds=0", "parameter_invalid_integer", "seconds"),
        ("fault=late&seconds=3601", "parameter_invalid_integer", "seconds"),
        ("fault=lose&seconds=1", "", "seconds"),
        ("fault=lose&times=0", "parameter_invalid_integer", "times"),
        ("fault=reorder&times=1", "parameter_invalid_integer", "times"),
        ("fault=lose&type=invoice.payed", "", "type"),
        ("fault=lose&type=nothing.*", "", "type"),
        ("fault=lose&endpoint=we_none", "resource_missing", "endpoint"),
        ("fault=lose&path=/v1", "parameter_unknown", "path"),
    ] {
        assert_eq!(
            sandbox.post(DELIVERIES, form).await.error(),
            refused(400, code, param),
            "{form}"
        );
    }
    for (form, code, param) in
        [("", "parameter_missing", "event"), ("event=evt_none", "resource_missing", "event")]
    {
        assert_eq!(sandbox.post(RESEND, form).await.error(), refused(400, code, param), "{form}");
    }
    for _ in 0..100 {
        assert_eq!(sandbox.post(DELIVERIES, "fault=lose&type=invoice.*").await.status, 200);
    }
    assert_eq!(sandbox.post(DELIVERIES, "fault=lose").await.error(), refused(400, "", ""));
    sandbox.stop().await;
}
