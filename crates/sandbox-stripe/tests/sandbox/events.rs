//! Events: their order, origin and previous attributes.

use std::sync::Arc;

use sandbox_stripe::SystemClock;
use serde_json::{Value, json};

use crate::support::{Running, refused, settings, start, start_with};

async fn events(sandbox: &Running, query: &str) -> Vec<Value> {
    let list = sandbox.get(&format!("/v1/events?limit=100{query}")).await.json();
    list["data"].as_array().cloned().unwrap_or_default()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().rev().filter_map(|event| event["type"].as_str()).collect()
}

#[tokio::test]
async fn every_change_has_an_event_with_its_request_and_previous_values() {
    let sandbox = start().await;
    let before = events(&sandbox, "").await.len();
    let headers = [("Idempotency-Key", "k-1")];
    let made = sandbox.post_with("/v1/customers", "name=A&metadata[x]=1", &headers).await;
    let id = made.json()["id"].as_str().expect("id").to_owned();
    sandbox.post(&format!("/v1/customers/{id}"), "name=B&metadata[y]=2").await;
    // Without a change there is no event.
    sandbox.post(&format!("/v1/customers/{id}"), "name=B").await;
    sandbox.delete(&format!("/v1/customers/{id}")).await;
    let seen = events(&sandbox, "").await;
    assert_eq!(seen.len() - before, 3);
    let seen = &seen[..3];
    assert_eq!(kinds(seen), ["customer.created", "customer.updated", "customer.deleted"]);
    let created = &seen[2];
    assert_eq!(created["request"]["id"].as_str(), made.header("request-id"));
    assert_eq!(created["request"]["idempotency_key"], "k-1");
    assert_eq!(created["data"]["object"], made.json());
    assert!(created["data"].get("previous_attributes").is_none());
    assert_eq!(
        seen[1]["data"]["previous_attributes"],
        json!({ "name": "A", "metadata": { "y": null } })
    );
    let path = format!("/v1/events/{}", created["id"].as_str().expect("id"));
    assert_eq!(sandbox.get(&path).await.json(), *created);
    assert_eq!(
        sandbox.get("/v1/events/evt_x").await.error(),
        refused(404, "resource_missing", "id")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_products_event_precedes_its_prices_event() {
    let sandbox = start().await;
    let before = events(&sandbox, "").await.len();
    let product = "name=A&default_price_data[currency]=usd&default_price_data[unit_amount]=1";
    let product = sandbox.post("/v1/products", product).await.json();
    sandbox.make("/v1/prices", "product_data[name]=B&currency=usd&unit_amount=1").await;
    let seen = events(&sandbox, "").await;
    let seen = &seen[..seen.len() - before];
    assert_eq!(
        kinds(seen),
        ["product.created", "price.created", "product.created", "price.created"]
    );
    assert_eq!(seen[3]["data"]["object"], product);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_subscription_has_events_for_its_whole_life() {
    let sandbox = start().await;
    let before = events(&sandbox, "").await.len();
    let form = "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa";
    let customer = sandbox.make("/v1/customers", form).await;
    let form = format!("customer={customer}&items[0][price]={}", sandbox.demo.price);
    let subscription = sandbox.make("/v1/subscriptions", &form).await;
    sandbox.delete(&format!("/v1/subscriptions/{subscription}")).await;
    let all = events(&sandbox, "").await;
    let seen: Vec<&str> = kinds(&all).into_iter().skip(before).collect();
    assert_eq!(seen[..2], ["customer.created", "payment_method.attached"]);
    for kind in [
        "payment_method.attached",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.created",
        "customer.subscription.deleted",
    ] {
        assert_eq!(seen.iter().filter(|event| **event == kind).count(), 1, "{kind} in {seen:?}");
    }
    let some = events(&sandbox, "&types[]=invoice.paid&types[]=customer.created").await;
    assert!(some.iter().all(|event| {
        ["invoice.paid", "customer.created"].contains(&event["type"].as_str().unwrap_or(""))
    }));
    let both = sandbox.get("/v1/events?type=invoice.paid&types[]=invoice.paid").await.error();
    assert_eq!(both, refused(400, "", "types"));
    sandbox.stop().await;
}

#[tokio::test]
async fn events_survive_a_restart_and_contain_no_portal_link() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.jsonl");
    let sandbox = start_with(settings(Some(&file)), Arc::new(SystemClock)).await;
    let url = sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await;
    let secret = url.rsplit('/').next().expect("secret");
    let before = events(&sandbox, "").await;
    assert!(!before.is_empty());
    sandbox.stop().await;
    assert!(!std::fs::read_to_string(&file).expect("text").contains(secret));
    let sandbox = start_with(settings(Some(&file)), Arc::new(SystemClock)).await;
    assert_eq!(events(&sandbox, "").await, before);
    sandbox.stop().await;
}
