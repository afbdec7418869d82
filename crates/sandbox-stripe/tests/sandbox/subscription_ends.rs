//! Subscriptions through the API: trials, failed payments, cancellations, and the clock's effects.

use serde_json::Value;

use crate::shop::{DAY, Shop, event_kinds, number, path, shop, text};
use crate::support::{TestClock, refused, settings, start, start_with};

#[tokio::test]
async fn a_cancellation_at_period_end_can_be_undone() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let end = number(&made, "/items/data/0/current_period_end");
    let flagged = sandbox.post(&path(&made), "cancel_at_period_end=true").await.json();
    assert_eq!(
        (number(&flagged, "/cancel_at"), &flagged["cancel_at_period_end"]),
        (end, &Value::Bool(true))
    );
    let back = sandbox.post(&path(&made), "cancel_at_period_end=false").await.json();
    assert_eq!((&back["cancel_at"], &back["canceled_at"]), (&Value::Null, &Value::Null));
    let timed = sandbox.post(&path(&made), "cancel_at=min_period_end").await.json();
    assert_eq!(
        (number(&timed, "/cancel_at"), &timed["cancel_at_period_end"]),
        (end, &Value::Bool(false))
    );
    clock.advance(40 * DAY);
    let ended = sandbox.get(&path(&made)).await.json();
    assert_eq!((text(&ended, "/status"), number(&ended, "/ended_at")), ("canceled", end));
    let kinds = event_kinds(&sandbox, "customer.subscription.*").await;
    assert_eq!(kinds.first().map(String::as_str), Some("customer.subscription.deleted"));
    let late = sandbox.post(&path(&made), "cancel_at_period_end=false").await;
    assert_eq!(late.error(), refused(400, "", ""));
    assert_eq!(sandbox.delete(&path(&made)).await.error(), refused(404, "resource_missing", "id"));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_immediate_cancellation_credits_unused_time() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let query = "?prorate=true&invoice_now=true&cancellation_details[feedback]=too_expensive&expand[]=customer";
    let ended = sandbox.delete(&format!("{}{query}", path(&made))).await.json();
    assert_eq!(text(&ended, "/status"), "canceled");
    assert_eq!(text(&ended, "/cancellation_details/feedback"), "too_expensive");
    assert_eq!(number(&ended, "/customer/balance"), -1_000);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_trial_is_free_and_ends_as_configured() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let trial = "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]";
    let paying = shop.subscribe(&sandbox, &format!("{trial}=pause&expand[]=latest_invoice")).await;
    assert_eq!(
        (text(&paying, "/status"), number(&paying, "/latest_invoice/total")),
        ("trialing", 0)
    );
    let poor = sandbox.make("/v1/customers", "name=Poor").await;
    let without = Shop { customer: poor.clone(), ..shop };
    let pausing = without.subscribe(&sandbox, &format!("{trial}=pause")).await;
    let cancelling = without.subscribe(&sandbox, &format!("{trial}=cancel")).await;
    let owing = without.subscribe(&sandbox, "&trial_period_days=7").await;
    clock.advance(8 * DAY);
    for (subscription, status) in
        [(&paying, "active"), (&pausing, "paused"), (&cancelling, "canceled"), (&owing, "past_due")]
    {
        assert_eq!(text(&sandbox.get(&path(subscription)).await.json(), "/status"), status);
    }
    let resume = format!("{}/resume", path(&pausing));
    assert_eq!(sandbox.post(&resume, "").await.error(), refused(400, "resource_missing", ""));
    let card =
        sandbox.make("/v1/payment_methods/pm_card_visa/attach", &format!("customer={poor}")).await;
    let form = format!("invoice_settings[default_payment_method]={card}");
    sandbox.make(&format!("/v1/customers/{poor}"), &form).await;
    let resumed = sandbox.post(&resume, "expand[]=latest_invoice").await.json();
    assert_eq!(
        (text(&resumed, "/status"), number(&resumed, "/latest_invoice/amount_paid")),
        ("active", 1_000)
    );
    assert_eq!(sandbox.post(&resume, "").await.error(), refused(400, "", ""));
    let kinds = event_kinds(&sandbox, "customer.subscription.*").await;
    for kind in ["customer.subscription.paused", "customer.subscription.resumed"] {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} in {kinds:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_failed_first_payment_leaves_an_incomplete_subscription_that_can_be_paid() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_chargeCustomerFail").await;
    let made = shop.subscribe(&sandbox, "&expand[]=latest_invoice").await;
    assert_eq!(
        (text(&made, "/status"), text(&made, "/latest_invoice/status")),
        ("incomplete", "open")
    );
    let invoice = text(&made, "/latest_invoice/id");
    let declined = sandbox.post(&format!("/v1/invoices/{invoice}/pay"), "").await;
    assert_eq!(declined.error(), refused(402, "card_declined", ""));
    assert_eq!(declined.json()["error"]["type"], "card_error");
    assert_eq!(declined.json()["error"]["decline_code"], "generic_decline");
    // The failed attempt is stored.
    assert_eq!(
        number(&sandbox.get(&format!("/v1/invoices/{invoice}")).await.json(), "/attempt_count"),
        2
    );
    let good = format!("customer={}", shop.customer);
    let good = sandbox.make("/v1/payment_methods/pm_card_visa/attach", &good).await;
    let paid = sandbox
        .post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={good}"))
        .await
        .json();
    assert_eq!(text(&paid, "/status"), "paid");
    assert_eq!(text(&sandbox.get(&path(&made)).await.json(), "/status"), "active");
    let again = sandbox.post(&format!("/v1/invoices/{invoice}/pay"), "").await;
    assert_eq!(again.error(), refused(400, "invoice_already_paid", ""));

    let second = shop
        .subscribe(&sandbox, "&payment_behavior=default_incomplete&expand[]=latest_invoice")
        .await;
    assert_eq!(
        (text(&second, "/status"), number(&second, "/latest_invoice/attempt_count")),
        ("incomplete", 0)
    );
    clock.advance(DAY);
    assert_eq!(text(&sandbox.get(&path(&second)).await.json(), "/status"), "incomplete_expired");
    let invoice = format!("/v1/invoices/{}", text(&second, "/latest_invoice/id"));
    assert_eq!(text(&sandbox.get(&invoice).await.json(), "/status"), "void");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_expired_incomplete_subscription_owes_nothing_and_restores_the_balance() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let customer = format!("/v1/customers/{}", shop.customer);
    sandbox.make(&customer, "balance=-400").await;
    let made = shop.subscribe(&sandbox, "&payment_behavior=default_incomplete").await;
    assert_eq!(number(&sandbox.get(&customer).await.json(), "/balance"), 0);
    let ended = sandbox.delete(&path(&made)).await.json();
    assert_eq!(text(&ended, "/status"), "incomplete_expired");
    assert_eq!(number(&sandbox.get(&customer).await.json(), "/balance"), -400);
    let invoice = format!("/v1/invoices/{}", text(&made, "/latest_invoice"));
    assert_eq!(text(&sandbox.get(&invoice).await.json(), "/status"), "void");
    assert_eq!(sandbox.post(&format!("{invoice}/pay"), "").await.error(), refused(400, "", ""));
    sandbox.stop().await;
}

#[tokio::test]
async fn cancellation_details_are_kept_in_any_order_of_calls() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let end = number(&made, "/items/data/0/current_period_end");
    sandbox.post(&path(&made), "cancel_at=min_period_end").await;
    let flagged = sandbox.post(&path(&made), "cancel_at_period_end=true&cancel_at=").await.json();
    assert_eq!(
        (number(&flagged, "/cancel_at"), &flagged["cancel_at_period_end"]),
        (end, &Value::Bool(true))
    );
    let ended = sandbox.delete(&path(&made)).await.json();
    assert_eq!(
        (&ended["cancel_at"], &ended["cancel_at_period_end"]),
        (&Value::Null, &Value::Bool(false))
    );
    let other = shop.subscribe(&sandbox, "").await;
    let noted = "cancellation_details[comment]=hello&cancel_at_period_end=false";
    let noted = sandbox.post(&path(&other), noted).await.json();
    assert_eq!(text(&noted, "/cancellation_details/comment"), "hello");
    let nothing = format!("subscription={}", text(&made, "/id"));
    let nothing = sandbox.post("/v1/invoices/create_preview", &nothing).await.error();
    assert_eq!(nothing, refused(404, "invoice_upcoming_none", ""));
    sandbox.stop().await;
}

#[tokio::test]
async fn many_due_renewals_are_billed_in_order() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let form = format!("customer={}&items[0][price]={}", shop.customer, shop.small);
    for _ in 0..300 {
        assert_eq!(sandbox.post("/v1/subscriptions", &form).await.status, 200);
    }
    clock.advance(32 * DAY);
    let renewed =
        sandbox.get(&format!("/v1/invoices?customer={}&limit=1", shop.customer)).await.json();
    assert_eq!(text(&renewed, "/data/0/billing_reason"), "subscription_cycle");
    let customer = sandbox.get(&format!("/v1/customers/{}", shop.customer)).await.json();
    assert_eq!(number(&customer, "/next_invoice_sequence"), 601);
    sandbox.stop().await;
}
