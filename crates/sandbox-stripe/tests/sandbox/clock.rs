//! Moving the clock, and its effects.

use std::sync::Arc;

use sandbox_stripe::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::checkout::open;
use crate::receiver::{Received, Receiver, settled};
use crate::shop::{DAY, number, path, shop, text};
use crate::support::{Running, refused, settings, start, start_with};

const CLOCK: &str = "/sandbox/clock";

/// Moves the clock and returns the new time.
async fn advance(sandbox: &Running, seconds: i64) -> i64 {
    let reply = sandbox.post(CLOCK, &format!("advance={seconds}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    number(&reply.json(), "/now")
}

#[tokio::test]
async fn clock_is_readable_moves_forward_and_is_kept_after_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.jsonl");
    let sandbox = start_with(settings(Some(&file)), Arc::new(SystemClock)).await;
    let before = SystemClock.now();
    let clock = sandbox.get(CLOCK).await.json();
    assert!(number(&clock, "/now") >= before && number(&clock, "/offset") == 0, "{clock}");
    let now = advance(&sandbox, 40 * DAY).await;
    assert!((before + 40 * DAY..=SystemClock.now() + 40 * DAY).contains(&now), "{now}");
    let target = now + 1_000_000;
    let moved = sandbox.post(CLOCK, &format!("to={target}")).await.json();
    assert!(number(&moved, "/now") >= target && number(&moved, "/now") < target + DAY, "{moved}");
    sandbox.stop().await;
    let sandbox = start_with(settings(Some(&file)), Arc::new(SystemClock)).await;
    let clock = sandbox.get(CLOCK).await.json();
    assert_eq!(clock["offset"], moved["offset"]);
    let made = sandbox.post("/v1/customers", "").await.json();
    assert!(number(&made, "/created") >= target, "{made}");
    sandbox.stop().await;
}

#[tokio::test]
async fn moving_the_clock_requires_a_key_and_has_bounds() {
    let sandbox = start().await;
    for method in ["GET", "POST"] {
        assert_eq!(
            sandbox.send(method, CLOCK, &[], "").await.error(),
            refused(401, "", ""),
            "{method}"
        );
    }
    for (form, code, param) in [
        ("", "parameter_missing", "advance"),
        ("advance=-1", "", "advance"),
        ("advance=64000000", "", "advance"),
        ("advance=9223372036854775807", "", "advance"),
        ("advance=soon", "parameter_invalid_integer", "advance"),
        ("to=1", "", "to"),
        ("to=-9223372036854775808", "", "to"),
        ("to=9223372036854775807", "", "to"),
        ("to=1&advance=1", "", "to"),
        ("by=1", "parameter_unknown", "by"),
    ] {
        assert_eq!(sandbox.post(CLOCK, form).await.error(), refused(400, code, param), "{form}");
    }
    assert_eq!(sandbox.get(CLOCK).await.json()["offset"], 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn every_renewal_on_the_way_happens_at_its_own_time_and_is_delivered() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let subscription = shop.subscribe(&sandbox, "").await;
    let receiver = Receiver::start(&[]).await;
    let (_, secret) =
        receiver.subscribe(&sandbox, &["invoice.paid", "customer.subscription.updated"]).await;
    advance(&sandbox, 95 * DAY).await;
    // The renewals need no further call.
    settled(&sandbox).await;
    let received = receiver.received();
    assert!(
        received.iter().all(|delivery| delivery.is_signed(&secret)),
        "signed with the machine's time"
    );
    let of_shop = |kind: &str| {
        let all = received.iter().map(Received::json).filter(|event| event["type"] == kind);
        let mut ours: Vec<Value> =
            all.filter(|event| event["data"]["object"]["customer"] == *shop.customer).collect();
        ours.sort_by_key(|event| number(event, "/created"));
        ours
    };
    let paid = of_shop("invoice.paid");
    let updated = of_shop("customer.subscription.updated");
    assert_eq!((paid.len(), updated.len()), (3, 3));
    let mut end = number(&subscription, "/items/data/0/current_period_end");
    for (paid, updated) in paid.iter().zip(&updated) {
        let late = number(paid, "/created") - end;
        assert!((0..DAY).contains(&late), "{late} s after the period's end");
        assert_eq!(number(updated, "/data/object/items/data/0/current_period_start"), end);
        assert_eq!(text(updated, "/data/object/latest_invoice"), text(paid, "/data/object/id"));
        end = number(updated, "/data/object/items/data/0/current_period_end");
    }
    let now = sandbox.get(&path(&subscription)).await.json();
    assert_eq!(
        (text(&now, "/status"), number(&now, "/items/data/0/current_period_end")),
        ("active", end)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn trials_and_cancelled_subscriptions_end_when_due() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let ending = shop.subscribe(&sandbox, "").await;
    sandbox.post(&path(&ending), "cancel_at_period_end=true").await;
    let trial = shop.subscribe(&sandbox, "&trial_period_days=7").await;
    let receiver = Receiver::start(&[]).await;
    let kinds = [
        "checkout.session.expired",
        "customer.subscription.deleted",
        "customer.subscription.updated",
    ];
    receiver.subscribe(&sandbox, &kinds).await;
    let checkout = open(&sandbox, "").await;
    advance(&sandbox, 8 * DAY).await;
    assert_eq!(text(&sandbox.get(&path(&trial)).await.json(), "/status"), "active");
    assert_eq!(text(&sandbox.get(&path(&ending)).await.json(), "/status"), "active");
    advance(&sandbox, 24 * DAY).await;
    let ended = sandbox.get(&path(&ending)).await.json();
    assert_eq!(
        (text(&ended, "/status"), &ended["ended_at"]),
        ("canceled", &ending["items"]["data"][0]["current_period_end"])
    );
    settled(&sandbox).await;
    let events: Vec<Value> = receiver.received().iter().map(Received::json).collect();
    let is_end = |event: &&Value| event["type"] == "customer.subscription.deleted";
    assert_eq!(
        events.iter().find(is_end).map(|event| &event["data"]["object"]["id"]),
        Some(&ending["id"])
    );
    assert!(
        events.iter().any(|event| event["data"]["previous_attributes"]["status"] == "trialing")
    );
    let expired =
        events.iter().find(|event| event["type"] == kinds[0]).expect("an expired checkout");
    assert_eq!(text(expired, "/data/object/id"), text(&checkout, "/id"));
    assert!((0..DAY).contains(&(number(expired, "/created") - number(&checkout, "/expires_at"))));
    sandbox.stop().await;
}

#[tokio::test]
async fn links_keys_and_cards_expire_with_the_clock() {
    let sandbox = start().await;
    let me = sandbox.demo.customer.clone();
    let url = sandbox.session_url(&format!("customer={me}")).await;
    let key = [("Idempotency-Key", "k")];
    sandbox.post_with("/v1/customers", "name=A", &key).await;
    assert_eq!(sandbox.post_with("/v1/customers", "name=B", &key).await.status, 400);
    advance(&sandbox, 6 * 60).await;
    assert_eq!(sandbox.page(&url, &[]).await.status, 410);
    advance(&sandbox, DAY).await;
    assert_eq!(sandbox.post_with("/v1/customers", "name=B", &key).await.json()["name"], "B");
    // The demo's card is valid for four years.
    for _ in 0..3 {
        advance(&sandbox, 730 * DAY).await;
    }
    let status = sandbox
        .get(&format!("/v1/subscriptions/{}", sandbox.demo.subscription))
        .await
        .json()["status"]
        .clone();
    assert_eq!(status, json!("past_due"));
    sandbox.stop().await;
}
