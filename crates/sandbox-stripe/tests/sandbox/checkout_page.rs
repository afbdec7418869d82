//! The checkout page, tested through its forms.

use serde_json::Value;

use crate::browser::card;
use crate::checkout::{form, landing, open, pay, read, subscriptions};
use crate::shop::{DAY, number, shop, text};
use crate::support::{Reply, Running, start};

const DEFAULT: &str = "/invoice_settings/default_payment_method";

async fn page(sandbox: &Running, session: &Value) -> Reply {
    sandbox.page(text(session, "/url"), &[]).await
}

#[tokio::test]
async fn a_new_customer_pays_and_all_objects_are_created() {
    let sandbox = start().await;
    let session = open(
        &sandbox,
        "&client_reference_id=user-1&metadata[a]=1&subscription_data[metadata][b]=2&subscription_data[description]=Ours",
    )
    .await;
    let shown = page(&sandbox, &session).await;
    for words in [
        "Subscribe to Professional plan",
        "$20.00 per month",
        "Amount due today",
        "Subscribe and pay $20.00",
    ] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    let reply = pay(&sandbox, &session, "4242 4242 4242 4242").await;
    assert_eq!(
        (reply.status, reply.header("Location")),
        (303, Some(landing(&session).as_str())),
        "{}",
        reply.body
    );

    let paid = read(&sandbox, &session).await;
    assert_eq!((text(&paid, "/status"), text(&paid, "/payment_status")), ("complete", "paid"));
    assert!(paid["url"].is_null());
    assert_eq!(text(&paid, "/customer_details/email"), "jenny@example.com");
    assert_eq!(text(&paid, "/customer_details/name"), "Jenny Rosen");
    let expand = "expand[]=customer&expand[]=subscription.default_payment_method&expand[]=invoice";
    let full = sandbox
        .get(&format!("/v1/checkout/sessions/{}?{expand}", text(&session, "/id")))
        .await
        .json();
    assert_eq!(
        (text(&full, "/customer/email"), text(&full, "/customer/name")),
        ("jenny@example.com", "Jenny Rosen")
    );
    assert_eq!(full["customer"]["metadata"], serde_json::json!({}), "no metadata are copied");
    assert!(
        full.pointer(&format!("/customer{DEFAULT}")).expect("default").is_null(),
        "the plan has its own card"
    );
    assert_eq!(text(&full, "/subscription/status"), "active");
    assert_eq!(
        (text(&full, "/subscription/metadata/b"), text(&full, "/subscription/description")),
        ("2", "Ours")
    );
    let card = &full["subscription"]["default_payment_method"];
    assert_eq!(
        (text(card, "/card/last4"), text(card, "/customer")),
        ("4242", text(&full, "/customer/id"))
    );
    assert_eq!(
        (text(card, "/billing_details/name"), text(card, "/billing_details/email")),
        ("Jenny Rosen", "jenny@example.com")
    );
    assert_eq!(
        (text(&full, "/invoice/status"), number(&full, "/invoice/amount_paid")),
        ("paid", 2_000)
    );
    assert_eq!(full["subscription"]["latest_invoice"], full["invoice"]["id"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_payment_creates_its_events_in_order() {
    let sandbox = start().await;
    let session = open(&sandbox, "").await;
    let before =
        sandbox.get("/v1/events?limit=100").await.json()["data"].as_array().map_or(0, Vec::len);
    pay(&sandbox, &session, "4242424242424242").await;
    let events = sandbox.get("/v1/events?limit=100").await.json();
    let events = events["data"].as_array().expect("events");
    let kinds: Vec<&str> =
        events[..events.len() - before].iter().rev().map(|event| text(event, "/type")).collect();
    assert_eq!(
        kinds,
        [
            "customer.created",
            "payment_method.attached",
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "checkout.session.completed",
        ]
    );
    let object = &events[0]["data"]["object"];
    assert_eq!(*object, read(&sandbox, &session).await);
    assert!(events[0]["request"]["id"].is_null(), "a page has no API request");
    sandbox.stop().await;
}

#[tokio::test]
async fn invalid_input_is_reported_and_nothing_is_created() {
    let sandbox = start().await;
    let session = open(&sandbox, "").await;
    let url = text(&session, "/url");
    let empty = sandbox.fill(url, &[]).await;
    assert_eq!(empty.status, 422);
    for words in [
        "There is a problem",
        "Enter an email address.",
        "Enter the card number.",
        "Enter the name on the card.",
    ] {
        assert!(empty.body.contains(words), "{words}");
    }
    assert!(empty.body.contains("<title>Error: "));
    let typed = [&card("4242424242424242", "Jenny")[..], &[("email", "no-at-sign")]].concat();
    let again = sandbox.fill(url, &typed).await;
    assert!(
        again.status == 422 && again.body.contains("such as name@example.com"),
        "{}",
        again.body
    );
    assert!(
        again.body.contains("value=\"no-at-sign\"") && !again.body.contains("4242424242424242")
    );
    assert_eq!(subscriptions(&sandbox).await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_declined_card_leaves_the_session_open_and_creates_nothing() {
    let sandbox = start().await;
    let session = open(&sandbox, "").await;
    let customers = sandbox.get("/v1/customers").await.json();
    let events = sandbox.get("/v1/events?limit=100").await.json();
    for (number, words) in [
        ("4000000000000002", "The card was declined."),
        ("4000000000009995", "The card has insufficient funds."),
        ("4000000000000069", "The card has expired."),
        ("4000000000000127", "The security code is incorrect."),
        ("4000000000000341", "The card was declined."),
        ("4111111111111111", "it is not a test card"),
        ("4242424242424241", "The card number is invalid."),
    ] {
        let reply = pay(&sandbox, &session, number).await;
        assert!(reply.status == 422 && reply.body.contains(words), "{number}: {}", reply.body);
        assert!(
            reply.body.contains("value=\"jenny@example.com\"")
                && reply.body.contains("value=\"Jenny Rosen\"")
        );
        assert!(!reply.body.contains(number));
    }
    assert_eq!(read(&sandbox, &session).await, session);
    assert_eq!(sandbox.get("/v1/customers").await.json(), customers);
    assert_eq!(sandbox.get("/v1/events?limit=100").await.json(), events);
    assert_eq!(subscriptions(&sandbox).await, 0);
    assert_eq!(pay(&sandbox, &session, "5555555555554444").await.status, 303);
    assert_eq!(text(&read(&sandbox, &session).await, "/status"), "complete");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_existing_customer_pays_with_the_saved_card_or_another() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let session = open(&sandbox, &format!("&customer={}", shop.customer)).await;
    let shown = page(&sandbox, &session).await;
    assert!(
        shown.body.contains("Another card") && shown.body.contains("value=\"saved\""),
        "{}",
        shown.body
    );
    let filled = [("email", "jenny@example.com"), ("pay-with", "saved")];
    assert_eq!(sandbox.fill(text(&session, "/url"), &filled).await.status, 303);
    let paid = read(&sandbox, &session).await;
    assert_eq!(
        (text(&paid, "/customer"), text(&paid, "/customer_details/name")),
        (shop.customer.as_str(), "Jenny")
    );
    let path = format!("/v1/subscriptions/{}", text(&paid, "/subscription"));
    assert_eq!(sandbox.api_text(&path, "/default_payment_method").await, Some(shop.card.clone()));
    let customer = format!("/v1/customers/{}", shop.customer);
    assert_eq!(
        sandbox.api_text(&customer, "/email").await.as_deref(),
        Some("jenny@example.com"),
        "it had none"
    );

    let session = open(&sandbox, &format!("&customer={}", shop.customer)).await;
    assert!(
        !page(&sandbox, &session).await.body.contains("name=\"email\""),
        "the customer's e-mail address is fixed"
    );
    assert_eq!(pay(&sandbox, &session, "5555555555554444").await.status, 303);
    let paid = read(&sandbox, &session).await;
    let path = format!(
        "/v1/subscriptions/{}?expand[]=default_payment_method",
        text(&paid, "/subscription")
    );
    assert_eq!(
        sandbox.api_text(&path, "/default_payment_method/card/last4").await.as_deref(),
        Some("4444")
    );
    assert_eq!(
        sandbox.api_text(&customer, DEFAULT).await,
        Some(shop.card.clone()),
        "the default stays"
    );
    assert_eq!(
        sandbox.api_text(&customer, "/name").await.as_deref(),
        Some("Jenny"),
        "the name stays"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_declined_saved_card_is_reported_at_the_card_choice() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_chargeCustomerFail").await;
    sandbox.make(&format!("/v1/customers/{}", shop.customer), "email=j%40example.com").await;
    let session = open(&sandbox, &format!("&customer={}", shop.customer)).await;
    let reply = sandbox.fill(text(&session, "/url"), &[("pay-with", "saved")]).await;
    assert!(reply.status == 422 && reply.body.contains("id=\"pay-with-error\""), "{}", reply.body);
    assert_eq!(subscriptions(&sandbox).await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_email_address_given_for_the_session_is_fixed() {
    let sandbox = start().await;
    let session = open(&sandbox, "&customer_email=fixed%40example.com").await;
    let shown = page(&sandbox, &session).await;
    assert!(
        shown.body.contains("fixed@example.com") && !shown.body.contains("name=\"email\""),
        "{}",
        shown.body
    );
    // An e-mail address in the form is ignored.
    assert_eq!(pay(&sandbox, &session, "4242424242424242").await.status, 303);
    let paid = read(&sandbox, &session).await;
    assert_eq!(text(&paid, "/customer_details/email"), "fixed@example.com");
    let customer = format!("/v1/customers/{}", text(&paid, "/customer"));
    assert_eq!(sandbox.api_text(&customer, "/email").await.as_deref(), Some("fixed@example.com"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_trial_costs_nothing_today_and_requires_a_card_unless_configured_otherwise() {
    let sandbox = start().await;
    let trial = "&subscription_data[trial_period_days]=14";
    let session = open(&sandbox, trial).await;
    assert_eq!((number(&session, "/amount_subtotal"), number(&session, "/amount_total")), (0, 0));
    let shown = page(&sandbox, &session).await;
    for words in ["14 days free", "$0.00", "you pay $20.00 per month", "Start trial", "Card number"]
    {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    let refused = pay(&sandbox, &session, "4000000000000002").await;
    assert!(
        refused.status == 422 && refused.body.contains("The card was declined."),
        "{}",
        refused.body
    );
    assert_eq!(
        pay(&sandbox, &session, "4000000000000341").await.status,
        303,
        "nothing is charged yet"
    );
    let paid = read(&sandbox, &session).await;
    assert_eq!(
        (text(&paid, "/status"), text(&paid, "/payment_status")),
        ("complete", "no_payment_required")
    );
    let subscription =
        sandbox.get(&format!("/v1/subscriptions/{}", text(&paid, "/subscription"))).await.json();
    assert_eq!(text(&subscription, "/status"), "trialing");
    assert_eq!(
        number(&subscription, "/trial_end") - number(&subscription, "/trial_start"),
        14 * DAY
    );

    let more = "&payment_method_collection=if_required\
                &subscription_data[trial_settings][end_behavior][missing_payment_method]=pause";
    let session = open(&sandbox, &format!("{trial}{more}")).await;
    assert!(!page(&sandbox, &session).await.body.contains("Card number"));
    let reply = sandbox.fill(text(&session, "/url"), &[("email", "jenny@example.com")]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let paid = read(&sandbox, &session).await;
    let subscription =
        sandbox.get(&format!("/v1/subscriptions/{}", text(&paid, "/subscription"))).await.json();
    assert!(subscription["default_payment_method"].is_null());
    assert_eq!(text(&subscription, "/trial_settings/end_behavior/missing_payment_method"), "pause");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_balance_is_applied_and_an_amount_not_shown_is_not_charged() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let customer = format!("/v1/customers/{}", shop.customer);
    sandbox.make(&customer, "email=j%40example.com&balance=-500").await;
    let session = open(&sandbox, &format!("&customer={}", shop.customer)).await;
    let shown = page(&sandbox, &session).await;
    assert!(
        shown.body.contains("-$5.00") && shown.body.contains("Subscribe and pay $15.00"),
        "{}",
        shown.body
    );
    let form = form(&sandbox, &session).await;
    sandbox.make(&customer, "balance=0").await;
    let reply = sandbox.submit(&form, &[("pay-with", "saved")]).await;
    assert!(
        reply.status == 422 && reply.body.contains("The details changed in the meantime"),
        "{}",
        reply.body
    );
    assert!(reply.body.contains("Subscribe and pay $20.00"));
    assert_eq!(subscriptions(&sandbox).await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_is_available_in_korean() {
    let sandbox = start().await;
    let session = open(&sandbox, "&locale=ko").await;
    let shown = page(&sandbox, &session).await;
    for words in [
        "<html lang=\"ko\"",
        "Professional plan 구독하기",
        "US$20.00 결제하고 구독하기",
        "카드 번호",
        "오늘 결제 금액",
    ] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    let reply = pay(&sandbox, &session, "4000000000009995").await;
    assert!(
        reply.status == 422 && reply.body.contains("카드 한도를 초과했거나 잔액이 부족합니다."),
        "{}",
        reply.body
    );
    let by_browser = open(&sandbox, "").await;
    let shown =
        sandbox.page(text(&by_browser, "/url"), &[("Accept-Language", "ko-KR,ko;q=0.9")]).await;
    assert!(shown.body.contains("구독하기"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_has_security_headers_and_links_to_its_two_urls_only() {
    let sandbox = start().await;
    let session = open(&sandbox, "&cancel_url=https://shop.example.com/pricing").await;
    let shown = page(&sandbox, &session).await;
    assert_eq!(shown.header("Cache-Control"), Some("no-store"));
    assert_eq!(shown.header("Referrer-Policy"), Some("no-referrer"));
    let policy = shown.header("Content-Security-Policy").expect("policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' https://app.example.com;"), "{policy}");
    assert!(shown.body.contains(
        "<a class=\"return\" href=\"https://shop.example.com/pricing\" rel=\"noreferrer\">"
    ));
    for foreign in ["<script", " style=", "<style", "src=\"", " onclick"] {
        assert!(!shown.body.contains(foreign), "{foreign}");
    }
    assert_eq!(shown.body.matches("<h1").count(), 1);
    sandbox.stop().await;
}
