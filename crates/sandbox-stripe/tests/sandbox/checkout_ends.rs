//! The ends of a checkout: bank authentication, double submits, expiry, deleted customers.

#![expect(clippy::expect_used, reason = "a failure of a test tool fails the test")]

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::browser::{Form, card};
use crate::checkout::{SESSIONS, form, landing, open, pay, read, subscriptions};
use crate::shop::{DAY, shop, text};
use crate::support::{Reply, Running, TIMEOUT, TestClock, settings, start, start_with};

async fn answer(sandbox: &Running, session: &Value, answer: &str) -> Reply {
    let bank = format!("{}/bank", text(session, "/url"));
    let page = sandbox.page(&bank, &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    sandbox.submit(&Form::find(&page, "/bank"), &[("answer", answer)]).await
}

fn is_at(reply: &Reply, session: &Value, rest: &str) -> bool {
    let home = text(session, "/url").split("/c/pay/").nth(1).expect("token");
    reply.status == 303 && reply.header("Location") == Some(format!("/c/pay/{home}{rest}").as_str())
}

#[tokio::test]
async fn a_payment_that_needs_authentication_redirects_to_the_bank() {
    let sandbox = start().await;
    let session = open(&sandbox, "").await;
    let reply = pay(&sandbox, &session, "4000002500003155").await;
    assert!(is_at(&reply, &session, "/bank"), "{:?}", reply.header("Location"));
    let bank = sandbox.follow(&reply).await;
    assert!(bank.body.contains("$20.00") && bank.body.contains("3155"), "{}", bank.body);
    assert_eq!(subscriptions(&sandbox).await, 0);
    let reply = answer(&sandbox, &session, "fail").await;
    assert!(is_at(&reply, &session, "?done=not_authenticated"), "{:?}", reply.header("Location"));
    let page = sandbox.follow(&reply).await;
    assert!(page.body.contains("Authentication failed. Nothing was charged."), "{}", page.body);
    assert_eq!(text(&read(&sandbox, &session).await, "/status"), "open");

    pay(&sandbox, &session, "4000002500003155").await;
    let reply = answer(&sandbox, &session, "complete").await;
    assert_eq!(reply.header("Location"), Some(landing(&session).as_str()), "{}", reply.body);
    assert_eq!(text(&read(&sandbox, &session).await, "/status"), "complete");
    assert_eq!(subscriptions(&sandbox).await, 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_card_declined_after_authentication_leaves_the_session_open() {
    let sandbox = start().await;
    let session = open(&sandbox, "").await;
    assert!(is_at(&pay(&sandbox, &session, "4000008260003178").await, &session, "/bank"));
    let reply = answer(&sandbox, &session, "complete").await;
    assert!(
        reply.status == 422 && reply.body.contains("The card has insufficient funds."),
        "{}",
        reply.body
    );
    assert_eq!(subscriptions(&sandbox).await, 0);
    // The challenge is finished.
    let bank = sandbox.page(&format!("{}/bank", text(&session, "/url")), &[]).await;
    assert!(is_at(&bank, &session, ""));
    assert_eq!(pay(&sandbox, &session, "4242424242424242").await.status, 303);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_expired_and_a_replaced_challenge_pay_nothing() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let session = open(&sandbox, "").await;
    let bank = format!("{}/bank", text(&session, "/url"));
    pay(&sandbox, &session, "4000002760003184").await;
    let old = Form::find(&sandbox.page(&bank, &[]).await, "/bank");
    pay(&sandbox, &session, "4000002760003184").await;
    let reply = sandbox.submit(&old, &[("answer", "complete")]).await;
    assert!(is_at(&reply, &session, "?done=not_authenticated"));
    clock.advance(600);
    assert!(is_at(&sandbox.page(&bank, &[]).await, &session, "?done=not_authenticated"));
    assert_eq!(subscriptions(&sandbox).await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_form_submitted_twice_pays_once_and_redirects_to_the_same_page() {
    let sandbox = start().await;
    let session = open(&sandbox, "").await;
    let form = form(&sandbox, &session).await;
    let filled =
        [&card("4242424242424242", "Jenny")[..], &[("email", "jenny@example.com")]].concat();
    for _ in 0..2 {
        let reply = sandbox.submit(&form, &filled).await;
        assert_eq!(reply.header("Location"), Some(landing(&session).as_str()), "{}", reply.body);
    }
    assert_eq!(subscriptions(&sandbox).await, 1);
    let page = sandbox.page(text(&session, "/url"), &[]).await;
    assert!(
        page.status == 200 && page.body.contains("Your subscription is set up"),
        "{}",
        page.body
    );
    assert!(page.body.contains(&landing(&session)) && !page.body.contains("<form"));
    sandbox.stop().await;
}

#[tokio::test]
async fn concurrent_submits_pay_once() {
    let sandbox = std::sync::Arc::new(start().await);
    let session = open(&sandbox, "").await;
    let form = std::sync::Arc::new(form(&sandbox, &session).await);
    let mut submits = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let sandbox = sandbox.clone();
        let form = form.clone();
        submits.spawn(async move {
            let filled =
                [&card("4242424242424242", "Jenny")[..], &[("email", "jenny@example.com")]]
                    .concat();
            let reply = sandbox.submit(&form, &filled).await;
            (reply.status, reply.header("Location").map(str::to_owned))
        });
    }
    let replies = tokio::time::timeout(TIMEOUT, submits.join_all()).await.expect("in time");
    assert!(replies.iter().all(|reply| *reply == (303, Some(landing(&session)))), "{replies:?}");
    assert_eq!(subscriptions(&sandbox).await, 1);
    let customers = sandbox.get("/v1/customers?email=jenny%40example.com").await.json();
    assert_eq!(customers["data"].as_array().map(Vec::len), Some(1));
    std::sync::Arc::into_inner(sandbox).expect("alone").stop().await;
}

#[tokio::test]
async fn a_session_that_cannot_be_paid_shows_the_reason() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let unknown = sandbox.page("/c/pay/none", &[]).await;
    assert!(
        unknown.status == 404 && unknown.body.contains("This link does not work"),
        "{}",
        unknown.body
    );
    let customer = sandbox.make("/v1/customers", "email=gone%40example.com").await;
    let orphan = open(&sandbox, &format!("&customer={customer}")).await;
    let orphan_form = form(&sandbox, &orphan).await;
    sandbox.delete(&format!("/v1/customers/{customer}")).await;
    let session = open(&sandbox, "").await;
    let form = form(&sandbox, &session).await;
    let filled =
        [&card("4242424242424242", "Jenny")[..], &[("email", "jenny@example.com")]].concat();
    for reply in [
        sandbox.page(text(&orphan, "/url"), &[]).await,
        sandbox.submit(&orphan_form, &filled).await,
    ] {
        assert!(
            reply.status == 410 && reply.body.contains("is no longer available"),
            "{}",
            reply.body
        );
    }
    clock.advance(DAY);
    for reply in
        [sandbox.page(text(&session, "/url"), &[]).await, sandbox.submit(&form, &filled).await]
    {
        assert!(
            reply.status == 410 && reply.body.contains("This checkout has expired"),
            "{}",
            reply.body
        );
    }
    let korean = sandbox.page(text(&session, "/url"), &[("Accept-Language", "ko")]).await;
    assert!(korean.body.contains("만료된 결제 페이지입니다"), "{}", korean.body);
    assert_eq!(subscriptions(&sandbox).await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn only_the_sessions_own_form_is_accepted() {
    let sandbox = start().await;
    let mine = open(&sandbox, "").await;
    let other = open(&sandbox, "").await;
    let foreign = form(&sandbox, &other).await;
    let form = form(&sandbox, &mine).await;
    let filled =
        [&card("4242424242424242", "Jenny")[..], &[("email", "jenny@example.com")]].concat();
    let forged = Form { action: form.action.clone(), hidden: foreign.hidden };
    let reply = sandbox.submit(&forged, &filled).await;
    assert!(reply.status == 403 && reply.body.contains("Back to checkout"), "{}", reply.body);
    for header in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
        assert_eq!(sandbox.submit_with(&form, &filled, &[header]).await.status, 403, "{header:?}");
    }
    let json =
        sandbox.send("POST", &form.action, &[("Content-Type", "application/json")], "{}").await;
    assert_eq!(json.status, 415);
    assert_eq!(subscriptions(&sandbox).await, 0);
    sandbox.stop().await;
}

/// An action with a session's link.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pay(&'static str),
    PayTwiceAtOnce,
    Bank(&'static str),
    Expire,
    DeleteCustomer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::sample::select(&["4000000000000002", "4000002500003155", "4000008260003178", "4000000000000341"][..])
            .prop_map(Step::Pay),
        1 => Just(Step::Pay("4242424242424242")),
        1 => Just(Step::PayTwiceAtOnce),
        3 => prop::sample::select(&["complete", "fail"][..]).prop_map(Step::Bank),
        1 => Just(Step::Expire),
        1 => Just(Step::DeleteCustomer),
    ]
}

#[tokio::test]
async fn any_sequence_of_actions_creates_one_subscription_if_paid_and_otherwise_none() {
    let sandbox = start().await;
    let filled = |number: &'static str| {
        [&card(number, "Jenny")[..], &[("email", "jenny@example.com")]].concat()
    };
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec(step(), 1..8);
    let mut made = 0;
    for index in 0..40 {
        let steps = histories.new_tree(&mut runner).expect("history").current();
        let shop = shop(&sandbox, "pm_card_visa").await;
        let known =
            if index % 2 == 0 { String::new() } else { format!("&customer={}", shop.customer) };
        let session = open(&sandbox, &known).await;
        let mut form = form(&sandbox, &session).await;
        let bank = format!("{}/bank", text(&session, "/url"));
        for step in &steps {
            match *step {
                Step::Pay(number) => drop(sandbox.submit(&form, &filled(number)).await),
                Step::PayTwiceAtOnce => {
                    let fields = filled("4242424242424242");
                    tokio::join!(sandbox.submit(&form, &fields), sandbox.submit(&form, &fields));
                }
                Step::Bank(answer) => {
                    let page = sandbox.page(&bank, &[]).await;
                    if page.body.contains("name=\"challenge\"") {
                        sandbox.submit(&Form::find(&page, "/bank"), &[("answer", answer)]).await;
                    }
                }
                Step::Expire => drop(
                    sandbox.post(&format!("{SESSIONS}/{}/expire", text(&session, "/id")), "").await,
                ),
                Step::DeleteCustomer => {
                    drop(sandbox.delete(&format!("/v1/customers/{}", shop.customer)).await)
                }
            }
            form.hidden.retain(|(name, _)| name != "pay-with");
        }
        let paid = read(&sandbox, &session).await;
        let complete = text(&paid, "/status") == "complete";
        assert_eq!(complete, paid["subscription"].is_string(), "{steps:?}: {paid}");
        assert_eq!(complete, paid["invoice"].is_string(), "{steps:?}: {paid}");
        made += usize::from(complete);
        assert_eq!(subscriptions(&sandbox).await, made, "{steps:?}: {paid}");
    }
    assert!(made > 5, "{made}");
    sandbox.stop().await;
}
