//! Plan changes on the pages: choosing, previewing, confirming.

#![expect(clippy::expect_used, reason = "a failure of a test tool fails the test")]

use std::sync::Arc;

use serde_json::Value;

use crate::browser::{BUSINESS_MONTHLY, Form, SUBSCRIPTION, card, text};
use crate::support::{Reply, Running, TestClock, settings, start, start_with};

const YEARLY: &str = "price_1SandboxDemoProYearly001";

async fn open(sandbox: &Running) -> String {
    sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await
}

fn preview_of(url: &str, price: &str, quantity: i64) -> String {
    format!("{url}/subscriptions/{SUBSCRIPTION}/preview?price={price}&quantity={quantity}")
}

async fn subscription(sandbox: &Running) -> Value {
    sandbox.get(&format!("/v1/subscriptions/{SUBSCRIPTION}")).await.json()
}

async fn price_and_quantity(sandbox: &Running) -> (String, i64) {
    let item = subscription(sandbox).await["items"]["data"][0].clone();
    (
        item["price"]["id"].as_str().expect("price").to_owned(),
        item["quantity"].as_i64().expect("quantity"),
    )
}

async fn invoices(sandbox: &Running) -> Vec<Value> {
    let list = sandbox
        .get(&format!("/v1/invoices?customer={}&limit=100", sandbox.demo.customer))
        .await
        .json();
    list["data"].as_array().expect("invoices").clone()
}

/// Returns the amounts of the preview's table in cents, in order.
fn amounts(page: &Reply) -> Vec<i64> {
    let cells = page
        .body
        .split("<td class=\"money\">")
        .skip(1)
        .map(|rest| rest.split('<').next().expect("cell"));
    let digits =
        |cell: &str| cell.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect::<String>();
    cells.map(|cell| digits(cell).parse().expect("amount")).collect()
}

#[tokio::test]
async fn the_invoice_has_the_amounts_of_the_preview() {
    for (price, quantity) in [(BUSINESS_MONTHLY, 1), (YEARLY, 1), (BUSINESS_MONTHLY, 3)] {
        let clock = TestClock::starting_now();
        let sandbox = start_with(settings(None), clock.clone()).await;
        let url = open(&sandbox).await;
        clock.advance(250);
        let page = sandbox.page(&preview_of(&url, price, quantity), &[]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let shown = amounts(&page);
        // Time passes between preview and confirmation.
        clock.advance(300);
        let reply = sandbox.submit(&Form::find(&page, "/preview"), &[]).await;
        let home = sandbox.follow(&reply).await;
        assert!(home.body.contains("Your plan was changed."), "{}", home.body);
        let invoice = invoices(&sandbox).await.remove(0);
        let lines: Vec<i64> = invoice["lines"]["data"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| line["amount"].as_i64().expect("amount"))
            .collect();
        let (total, of_lines) = shown.split_last().expect("total");
        assert_eq!(of_lines, lines);
        assert_eq!(Some(*total), invoice["amount_due"].as_i64());
        assert_eq!(
            (&invoice["status"], &invoice["amount_paid"]),
            (&"paid".into(), &invoice["amount_due"])
        );
        assert_eq!(price_and_quantity(&sandbox).await, (price.to_owned(), quantity));
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_credit_is_previewed_and_added_to_the_balance() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let page = sandbox.page(&preview_of(&url, "price_1SandboxDemoStartMonthly1", 1), &[]).await;
    assert!(
        page.body.contains("Credit for future invoices")
            && page.body.contains("Nothing is due today.")
    );
    let shown = amounts(&page);
    sandbox.submit(&Form::find(&page, "/preview"), &[]).await;
    let invoice = invoices(&sandbox).await.remove(0);
    assert_eq!(
        (invoice["total"].as_i64(), invoice["amount_due"].as_i64()),
        (Some(shown[2]), Some(0))
    );
    let customer = sandbox.get(&format!("/v1/customers/{}", sandbox.demo.customer)).await.json();
    assert_eq!(customer["balance"].as_i64(), Some(-shown[3]));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_confirmation_submitted_twice_creates_one_invoice() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let form =
        Form::find(&sandbox.page(&preview_of(&url, BUSINESS_MONTHLY, 1), &[]).await, "/preview");
    for _ in 0..3 {
        let reply = sandbox.submit(&form, &[]).await;
        assert!(sandbox.follow(&reply).await.body.contains("Your plan was changed."));
    }
    assert_eq!(invoices(&sandbox).await.len(), 3);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_outdated_or_stale_preview_is_not_confirmed() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let url = open(&sandbox).await;
    clock.advance(250);
    let old =
        Form::find(&sandbox.page(&preview_of(&url, BUSINESS_MONTHLY, 1), &[]).await, "/preview");
    clock.advance(601);
    let stale = sandbox.follow(&sandbox.submit(&old, &[]).await).await;
    assert!(stale.body.contains("The amounts were out of date"), "{}", stale.body);
    let form = Form::find(&stale, "/preview");
    let now = form.hidden.iter().find(|(name, _)| name == "at").expect("at").1.clone();
    let future = (now.parse::<i64>().expect("time") + 60).to_string();
    for at in [future.as_str(), "0", "-1", "", "9223372036854775807", "x"] {
        let reply = sandbox.follow(&sandbox.submit(&form, &[("at", at)]).await).await;
        assert!(reply.body.contains("The amounts were out of date"), "{at}");
    }
    // Another time or another balance changes the amounts.
    sandbox.post(&format!("/v1/customers/{}", sandbox.demo.customer), "balance=-500").await;
    let changed = sandbox.follow(&sandbox.submit(&form, &[]).await).await;
    assert!(changed.body.contains("The details changed in the meantime"), "{}", changed.body);
    assert_eq!(
        (price_and_quantity(&sandbox).await.0, invoices(&sandbox).await.len()),
        (sandbox.demo.price.clone(), 2)
    );
    let reply = sandbox.submit(&Form::find(&changed, "/preview"), &[]).await;
    assert!(sandbox.follow(&reply).await.body.contains("Your plan was changed."));
    sandbox.stop().await;
}

#[tokio::test]
async fn only_offered_plans_can_be_chosen() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let choose = sandbox.page(&format!("{url}/subscriptions/{SUBSCRIPTION}/change"), &[]).await;
    for shown in [
        "Starter plan",
        "Business plan",
        "Billed monthly",
        "Billed yearly",
        "$600.00",
        "Current plan",
    ] {
        assert!(choose.body.contains(shown), "{shown}");
    }
    for (price, quantity, message) in [
        (sandbox.demo.price.as_str(), "1", "This is your current plan."),
        ("price_none", "1", "Select one of the plans."),
        ("", "1", "Select one of the plans."),
        (BUSINESS_MONTHLY, "0", "Enter a whole number from 1 to 999999."),
        (BUSINESS_MONTHLY, "-2", "Enter a whole number"),
        (BUSINESS_MONTHLY, "1000000", "Enter a whole number"),
        (BUSINESS_MONTHLY, "%3Cscript%3E", "Enter a whole number"),
    ] {
        let address =
            format!("{url}/subscriptions/{SUBSCRIPTION}/preview?price={price}&quantity={quantity}");
        let page = sandbox.page(&address, &[]).await;
        assert_eq!(page.status, 422, "{price} {quantity}");
        assert!(
            page.body.contains(message) && page.body.contains("There is a problem"),
            "{}",
            page.body
        );
        assert!(!page.body.contains("<script"));
    }
    let form =
        Form::find(&sandbox.page(&preview_of(&url, BUSINESS_MONTHLY, 1), &[]).await, "/preview");
    for filled in [[("price", "price_none")], [("quantity", "0")], [("quantity", "x")]] {
        assert_eq!(sandbox.submit(&form, &filled).await.status, 422);
    }
    let dear = sandbox.follow(&sandbox.submit(&form, &[("quantity", "2")]).await).await;
    assert!(dear.body.contains("The details changed"), "{}", dear.body);
    assert_eq!(invoices(&sandbox).await.len(), 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_declined_payment_changes_nothing_and_another_card_succeeds() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let mut fields = card("4000000000000341", "Jenny");
    fields.push(("make-default", "yes"));
    sandbox.fill(&format!("{url}/cards/new"), &fields).await;
    let page = sandbox.page(&preview_of(&url, BUSINESS_MONTHLY, 1), &[]).await;
    let declined = sandbox.submit(&Form::find(&page, "/preview"), &[]).await;
    assert_eq!(declined.status, 422);
    assert!(declined.body.contains("was not changed. The card was declined."), "{}", declined.body);
    assert!(declined.body.contains("<title>Error: Confirm your new plan"), "{}", declined.body);
    let korean =
        sandbox.session_url(&format!("customer={}&locale=ko", sandbox.demo.customer)).await;
    let declined_too = sandbox.fill(&preview_of(&korean, BUSINESS_MONTHLY, 1), &[]).await;
    for words in
        ["<title>오류: 새 요금제 확인", "결제가 완료되지 않아 요금제가 변경되지 않았습니다."]
    {
        assert!(declined_too.body.contains(words), "{}", declined_too.body);
    }
    assert_eq!(
        (price_and_quantity(&sandbox).await.0, invoices(&sandbox).await.len()),
        (sandbox.demo.price.clone(), 2)
    );
    assert!(declined.body.contains("Use another card"));
    let (_, link) = declined.body.split_once("cards/new?").expect("link");
    let query = text(link.split('"').next().expect("query"));
    let preview =
        sandbox.fill(&format!("{url}/cards/new?{query}"), &card("4242424242424242", "Jenny")).await;
    let preview = sandbox.follow(&preview).await;
    assert!(
        preview.body.contains("The payment method was added.")
            && preview.body.contains("Confirm change")
    );
    let reply = sandbox.submit(&Form::find(&preview, "/preview"), &[]).await;
    assert!(sandbox.follow(&reply).await.body.contains("Your plan was changed."));
    assert_eq!(price_and_quantity(&sandbox).await.0, BUSINESS_MONTHLY);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_plan_change_that_needs_authentication_redirects_to_the_bank() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let mut fields = card("4000002760003184", "Jenny");
    fields.push(("make-default", "yes"));
    let bank = sandbox.follow(&sandbox.fill(&format!("{url}/cards/new"), &fields).await).await;
    sandbox.submit(&Form::find(&bank, "/bank"), &[("answer", "complete")]).await;
    for (answer, message) in [
        ("fail", "Authentication failed. Nothing was done."),
        ("complete", "Your plan was changed."),
    ] {
        let page = sandbox.page(&preview_of(&url, BUSINESS_MONTHLY, 1), &[]).await;
        let due = amounts(&page).pop().expect("total");
        let bank = sandbox.follow(&sandbox.submit(&Form::find(&page, "/preview"), &[]).await).await;
        assert!(bank.body.contains(&format!("${}.{:02}", due / 100, due % 100)), "{}", bank.body);
        assert_eq!(price_and_quantity(&sandbox).await.0, sandbox.demo.price);
        let form = Form::find(&bank, "/bank");
        let reply = sandbox.follow(&sandbox.submit(&form, &[("answer", answer)]).await).await;
        assert!(reply.body.contains(message), "{}", reply.body);
        assert_eq!(sandbox.submit(&form, &[("answer", "complete")]).await.status, 303);
    }
    assert_eq!(
        (price_and_quantity(&sandbox).await.0.as_str(), invoices(&sandbox).await.len()),
        (BUSINESS_MONTHLY, 3)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_challenge_expires_after_ten_minutes() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let url = open(&sandbox).await;
    let bank = sandbox.fill(&format!("{url}/cards/new"), &card("4000002500003155", "Jenny")).await;
    let form = Form::find(&sandbox.follow(&bank).await, "/bank");
    clock.advance(600);
    let late = sandbox.follow(&sandbox.submit(&form, &[("answer", "complete")]).await).await;
    assert!(
        late.body.contains("Authentication failed. Nothing was done.")
            && !late.body.contains("3155"),
        "{}",
        late.body
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn another_customers_plan_is_not_found() {
    let sandbox = start().await;
    let other = sandbox.post("/v1/customers", "name=Other").await.json()["id"]
        .as_str()
        .expect("id")
        .to_owned();
    let url = sandbox.session_url(&format!("customer={other}")).await;
    let csrf = Form::find(&sandbox.page(&format!("{url}/details"), &[]).await, "/details").hidden;
    let path = url.replace(&format!("http://{}", sandbox.address), "");
    for id in [SUBSCRIPTION, "sub_none"] {
        for page in ["change", "preview", "cancel", "reason"] {
            assert_eq!(
                sandbox.page(&format!("{url}/subscriptions/{id}/{page}"), &[]).await.status,
                404,
                "{id} {page}"
            );
        }
        for page in ["preview", "cancel", "reason", "keep"] {
            let form =
                Form { action: format!("{path}/subscriptions/{id}/{page}"), hidden: csrf.clone() };
            let reply =
                sandbox.submit(&form, &[("price", BUSINESS_MONTHLY), ("quantity", "1")]).await;
            assert_eq!(reply.status, 404, "{id} {page}");
        }
        let form = Form { action: format!("{path}/cards/new"), hidden: csrf.clone() };
        let mut fields = card("4242424242424242", "Other");
        fields.extend([("subscription", id), ("price", BUSINESS_MONTHLY), ("quantity", "1")]);
        assert_eq!(sandbox.submit(&form, &fields).await.status, 404);
    }
    assert_eq!(subscription(&sandbox).await["cancel_at"], Value::Null);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_plan_change_pages_are_available_in_korean() {
    let sandbox = start_with(settings(None), Arc::new(sandbox_stripe::SystemClock)).await;
    let url = sandbox.session_url(&format!("customer={}&locale=ko", sandbox.demo.customer)).await;
    let choose = sandbox.page(&format!("{url}/subscriptions/{SUBSCRIPTION}/change"), &[]).await;
    assert!(choose.body.contains("요금제 변경하기") && choose.body.contains("매월 결제"));
    let page = sandbox.page(&preview_of(&url, BUSINESS_MONTHLY, 1), &[]).await;
    for shown in
        ["1 × Professional plan 미사용 기간", "오늘 결제 금액", "US$60.00 / 월", "변경 확정"]
    {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let reply = sandbox.submit(&Form::find(&page, "/preview"), &[]).await;
    assert!(sandbox.follow(&reply).await.body.contains("요금제를 변경했습니다."));
    sandbox.stop().await;
}
