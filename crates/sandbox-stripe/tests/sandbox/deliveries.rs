//! Event deliveries: signatures, retries, and continuation after a restart.

use std::sync::Arc;

use sandbox_stripe::{Sandbox, SystemClock};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::receiver::{Plan, Received, Receiver, settled, short_backoff};
use crate::schema::faults;
use crate::support::{Running, TestClock, settings, start, start_with};

const ENDPOINTS: &str = "/v1/webhook_endpoints";

#[tokio::test]
async fn subscribed_events_are_posted_as_the_api_renders_them() {
    let sandbox = start().await;
    let all = Receiver::start(&[]).await;
    let some = Receiver::start(&[]).await;
    sandbox.make("/v1/customers", "name=Before").await;
    let (_, secret) = all.subscribe(&sandbox, &["*"]).await;
    let (_, other_secret) = some.subscribe(&sandbox, &["customer.deleted", "invoice.paid"]).await;
    let id = sandbox.make("/v1/customers", "name=Kim%20%F0%9F%92%BB").await;
    sandbox.delete(&format!("/v1/customers/{id}")).await;
    let all = all.wait(2).await;
    let some = some.wait(1).await;
    for delivery in &all {
        let event = delivery.json();
        assert_eq!(faults("event", &event), Vec::<String>::new());
        assert!(delivery.is_signed(&secret) && !delivery.is_signed(&other_secret), "{delivery:?}");
        assert_eq!(delivery.path, "/hooks");
        assert_eq!(delivery.header("content-type"), "application/json; charset=utf-8");
        assert!(delivery.header("user-agent").starts_with("sandbox-stripe/"));
        // After delivery the API renders the event with zero pending webhooks.
        settled(&sandbox).await;
        let read = sandbox.get(&format!("/v1/events/{}", event["id"].as_str().expect("id"))).await;
        assert_eq!(read.json()["pending_webhooks"], 0);
        let pending = format!("\"pending_webhooks\": {}", event["pending_webhooks"]);
        assert_eq!(delivery.body.replace(&pending, "\"pending_webhooks\": 0"), read.body);
    }
    let mut kinds: Vec<_> = all.iter().map(|delivery| delivery.json()["type"].clone()).collect();
    kinds.sort_by_key(Value::to_string);
    assert_eq!(kinds, ["customer.created", "customer.deleted"]);
    assert_eq!(some[0].json()["type"], "customer.deleted");
    assert!(some[0].is_signed(&other_secret));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_refused_delivery_is_retried_with_a_new_signature() {
    let sandbox = start_with(short_backoff(settings(None)), Arc::new(SystemClock)).await;
    let plans =
        [Plan::Status(500), Plan::Status(302), Plan::Silence, Plan::Status(404), Plan::Status(201)];
    let receiver = Receiver::start(&plans).await;
    let (endpoint, secret) = receiver.subscribe(&sandbox, &["*"]).await;
    sandbox.make("/v1/customers", "name=A").await;
    let delivery = settled(&sandbox).await[0].clone();
    let received = receiver.wait(5).await;
    assert_eq!(received.len(), 5);
    assert!(
        received.iter().all(|delivery| delivery.is_signed(&secret) && delivery.path == "/hooks"),
        "{received:?}"
    );
    assert!(received.iter().all(|delivery| delivery.body == received[0].body));
    assert_eq!(
        (delivery["state"].as_str(), delivery["attempts"].as_u64()),
        (Some("delivered"), Some(5))
    );
    assert_eq!(
        (&delivery["last_status"], &delivery["type"]),
        (&201.into(), &"customer.created".into())
    );
    assert_eq!(
        (delivery["endpoint"].as_str(), &delivery["event"]),
        (Some(&*endpoint), &received[0].json()["id"])
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_failing_endpoint_does_not_delay_others_and_its_delivery_fails() {
    let mut settings = short_backoff(settings(None));
    settings.webhooks.attempts = 3;
    let sandbox = start_with(settings, Arc::new(SystemClock)).await;
    // No server listens on the first port.
    let unreachable =
        sandbox.make(ENDPOINTS, "url=http://127.0.0.1:1/hooks&enabled_events[]=*").await;
    let receiver = Receiver::start(&[]).await;
    receiver.subscribe(&sandbox, &["*"]).await;
    sandbox.make("/v1/customers", "name=A").await;
    receiver.wait(1).await;
    let deliveries = settled(&sandbox).await;
    let failed =
        deliveries.iter().find(|each| each["endpoint"] == *unreachable).expect("a delivery");
    assert_eq!((failed["state"].as_str(), failed["attempts"].as_u64()), (Some("failed"), Some(3)));
    assert_eq!((&failed["last_status"], failed["last_error"].is_string()), (&Value::Null, true));
    let event = format!("/v1/events/{}", failed["event"].as_str().expect("event"));
    assert_eq!(sandbox.get(&event).await.json()["pending_webhooks"], 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_disabled_or_deleted_endpoint_receives_no_more_events() {
    let mut settings = short_backoff(settings(None));
    settings.webhooks.attempts = u32::MAX;
    let sandbox = start_with(settings, Arc::new(SystemClock)).await;
    let never = [Plan::Status(500); 10_000];
    let off = Receiver::start(&never).await;
    let gone = Receiver::start(&never).await;
    let (off_id, _) = off.subscribe(&sandbox, &["*"]).await;
    let (gone_id, _) = gone.subscribe(&sandbox, &["*"]).await;
    sandbox.make("/v1/customers", "name=A").await;
    off.wait(1).await;
    gone.wait(1).await;
    sandbox.post(&format!("{ENDPOINTS}/{off_id}"), "disabled=true").await;
    sandbox.delete(&format!("{ENDPOINTS}/{gone_id}")).await;
    let deliveries = settled(&sandbox).await;
    assert!(deliveries.iter().all(|delivery| delivery["state"] == "dropped"), "{deliveries:?}");
    let before = (off.received().len(), gone.received().len());
    sandbox.make("/v1/customers", "name=B").await;
    assert_eq!(settled(&sandbox).await.len(), deliveries.len());
    assert_eq!((off.received().len(), gone.received().len()), before);
    sandbox.post(&format!("{ENDPOINTS}/{off_id}"), "disabled=false").await;
    sandbox.make("/v1/customers", "name=C").await;
    let received = off.wait(before.0 + 1).await;
    assert_eq!(received[before.0].name(), "C");
    sandbox.stop().await;
}

#[tokio::test]
async fn pending_deliveries_survive_a_shutdown_and_a_kill() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.jsonl");
    let deaf = Receiver::start(&[Plan::Silence; 99]).await;
    let bind = || async { Sandbox::bind(settings(Some(&file))).await.expect("bound") };
    let first = bind().await;
    let secret = first.webhook_endpoint(&deaf.url()).expect("endpoint");
    let first = Running::serve(first);
    for n in 0..20 {
        first.make("/v1/customers", &format!("name=N{n}")).await;
    }
    deaf.wait(16).await;
    // A kill allows no final message and no final write.
    first.kill().await;
    let receiver = Receiver::start(&[]).await;
    let second = bind().await;
    let again = second.webhook_endpoint(&receiver.url()).expect("endpoint");
    let second = Running::serve(second);
    settled(&second).await;
    // The receiver also gets the demo's events.
    let received = receiver.received();
    let mut names: Vec<String> = received.iter().map(Received::name).collect();
    names.retain(|name| name.starts_with('N'));
    names.sort();
    let mut expected: Vec<String> = (0..20).map(|n| format!("N{n}")).collect();
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(secret.expose_secret(), again.expose_secret());
    assert!(received.iter().all(|delivery| delivery.is_signed(secret.expose_secret())));
    second.stop().await;
}

#[tokio::test]
async fn many_events_arrive_once_each_over_few_connections() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    receiver.subscribe(&sandbox, &["customer.created"]).await;
    for n in 0..300 {
        sandbox.make("/v1/customers", &format!("name={n}")).await;
    }
    let received = receiver.wait(300).await;
    settled(&sandbox).await;
    let mut names: Vec<String> = received.iter().map(Received::name).collect();
    names.sort_by_key(|name| name.parse::<u32>().ok());
    assert_eq!(names, (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
    // A race between a new and a freed connection can open one connection too many.
    assert!(receiver.connections() < 150, "{}", receiver.connections());
    assert_eq!(receiver.received().len(), 300);
    sandbox.stop().await;
}

#[tokio::test]
async fn events_caused_by_the_clock_are_delivered_without_a_call() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let receiver = Receiver::start(&[]).await;
    receiver.subscribe(&sandbox, &["invoice.paid"]).await;
    clock.advance(31 * 24 * 60 * 60);
    let renewal = receiver.wait(1).await[0].json();
    assert_eq!(renewal["data"]["object"]["customer"], sandbox.demo.customer);
    sandbox.stop().await;
}
