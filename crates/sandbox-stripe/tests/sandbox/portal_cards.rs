//! The portal's cards: adding, choosing and removing them; the documented test cards.

#![expect(clippy::expect_used, reason = "a failure of a test tool fails the test")]

use crate::browser::{Form, card};
use crate::support::{Running, settings, start, start_with};

const CARDS: &str = "/v1/payment_methods?customer=cus_SandboxDemo001";
const CUSTOMER: &str = "/v1/customers/cus_SandboxDemo001";
const DEFAULT: &str = "/invoice_settings/default_payment_method";

async fn open(sandbox: &Running) -> String {
    sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await
}

async fn last4s(sandbox: &Running) -> Vec<String> {
    let cards = sandbox.get(CARDS).await.json();
    let cards = cards["data"].as_array().expect("cards").clone();
    cards.iter().map(|card| card["card"]["last4"].as_str().expect("last4").to_owned()).collect()
}

#[tokio::test]
async fn a_card_is_added_and_becomes_the_default_if_ticked() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let add = format!("{url}/cards/new");
    let reply = sandbox.fill(&add, &card("5555 5555 5555 4444", "Jenny Rosen")).await;
    let page = sandbox.follow(&reply).await;
    assert!(
        page.body.contains("The payment method was added.") && page.body.contains("4444"),
        "{}",
        page.body
    );
    let methods = sandbox.get(CARDS).await.json();
    let added = &methods["data"][0];
    assert_eq!(added["card"]["brand"], "mastercard");
    assert_eq!(
        (&added["card"]["exp_month"], &added["card"]["exp_year"]),
        (&12.into(), &2034.into())
    );
    assert_eq!(added["billing_details"]["name"], "Jenny Rosen");
    let default = sandbox.api_text(CUSTOMER, DEFAULT).await;
    assert_eq!(default.as_deref(), Some(sandbox.demo.payment_method.as_str()));
    let mut fields = card("378282246310005", "Jenny Rosen");
    fields.push(("make-default", "yes"));
    fields.retain(|(name, _)| *name != "card-cvc");
    fields.push(("card-cvc", "1234"));
    sandbox.fill(&add, &fields).await;
    let methods = sandbox.get(CARDS).await.json();
    assert_eq!(
        sandbox.api_text(CUSTOMER, DEFAULT).await.as_deref(),
        methods["data"][0]["id"].as_str()
    );
    assert_eq!(last4s(&sandbox).await, ["0005", "4444", "4242"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_first_card_of_a_customer_is_the_default() {
    let sandbox = start().await;
    let other = sandbox.post("/v1/customers", "name=Other").await.json()["id"]
        .as_str()
        .expect("id")
        .to_owned();
    let url = sandbox.session_url(&format!("customer={other}")).await;
    let reply = sandbox.fill(&format!("{url}/cards/new"), &card("4242424242424242", "Other")).await;
    assert_eq!(reply.status, 303);
    let default = sandbox.api_text(&format!("/v1/customers/{other}"), DEFAULT).await;
    assert!(default.is_some_and(|id| id.starts_with("pm_")));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_form_submitted_twice_saves_one_card() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let form = Form::find(&sandbox.page(&format!("{url}/cards/new"), &[]).await, "/cards/new");
    for _ in 0..2 {
        assert_eq!(sandbox.submit(&form, &card("5555555555554444", "Jenny")).await.status, 303);
    }
    assert_eq!(last4s(&sandbox).await, ["4444", "4242"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_refused_card_shows_the_reason_at_its_field_and_is_not_echoed() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let add = format!("{url}/cards/new");
    for (number, expiry, cvc, field, message) in [
        ("4242424242424241", "12/34", "123", "card-number", "The card number is invalid."),
        ("4111111111111111", "12/34", "123", "card-number", "it is not a test card"),
        ("4000000000000002", "12/34", "123", "card-number", "The card was declined."),
        ("4000000000009995", "12/34", "123", "card-number", "The card has insufficient funds."),
        ("4000000000000069", "12/34", "123", "card-expiry", "The card has expired."),
        ("4000000000000127", "12/34", "123", "card-cvc", "The security code is incorrect."),
        ("4000000000000119", "12/34", "123", "card-number", "The card could not be processed."),
        ("4242424242424242", "01/20", "123", "card-expiry", "The expiry date is invalid"),
        ("4242424242424242", "soon", "123", "card-expiry", "The expiry date is invalid"),
        ("4242424242424242", "12/34", "12", "card-cvc", "The security code is incomplete."),
        ("", "", "", "card-number", "Enter the card number."),
    ] {
        let fields = [
            ("card-number", number),
            ("card-expiry", expiry),
            ("card-cvc", cvc),
            ("card-name", "Jenny <Rosen>"),
        ];
        let page = sandbox.fill(&add, &fields).await;
        assert_eq!(page.status, 422, "{number}");
        assert!(
            page.body.contains("<title>Error: ") && page.body.contains("There is a problem"),
            "{number}"
        );
        assert!(page.body.contains(&format!("<a href=\"#{field}\">")), "{number}: {}", page.body);
        assert!(page.body.contains(message), "{number}: {}", page.body);
        let error = format!("id=\"{field}-error\"");
        assert!(page.body.contains(&error), "{number}");
        let described = page
            .body
            .split(&format!("id=\"{field}\" "))
            .nth(1)
            .and_then(|rest| rest.split('>').next());
        let described = described.expect("field");
        assert!(
            described.contains("aria-invalid=\"true\"")
                && described.contains(&format!("{field}-error"))
        );
        // Name and expiry are sent back; number and security code are not.
        assert!(page.body.contains("Jenny &#60;Rosen&#62;"), "{number}");
        assert!(
            !page.body.contains(&format!("value=\"{number}\"")) || number.is_empty(),
            "{number}"
        );
        assert!(number != "4111111111111111" || !page.body.contains(number));
        assert!(
            !page.body.contains("value=\"123\"") && !page.body.contains("value=\"12\""),
            "{number}"
        );
    }
    assert_eq!(last4s(&sandbox).await, ["4242"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_card_that_needs_authentication_is_saved_after_the_bank_confirms() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let add = format!("{url}/cards/new");
    let bank = sandbox.follow(&sandbox.fill(&add, &card("4000002500003155", "Jenny")).await).await;
    assert!(
        bank.body.contains("Complete authentication") && bank.body.contains("3155"),
        "{}",
        bank.body
    );
    assert_eq!(last4s(&sandbox).await, ["4242"]);
    let form = Form::find(&bank, "/bank");
    let failed = sandbox.follow(&sandbox.submit(&form, &[("answer", "fail")]).await).await;
    assert!(
        failed.body.contains("Authentication failed. Nothing was done.")
            && failed.body.contains("Add a payment method")
    );
    // The challenge is finished. A late confirmation changes nothing.
    sandbox.submit(&form, &[("answer", "complete")]).await;
    assert_eq!(last4s(&sandbox).await, ["4242"]);
    let bank = sandbox.follow(&sandbox.fill(&add, &card("4000002500003155", "Jenny")).await).await;
    let form = Form::find(&bank, "/bank");
    for _ in 0..2 {
        assert_eq!(sandbox.submit(&form, &[("answer", "complete")]).await.status, 303);
    }
    assert_eq!(last4s(&sandbox).await, ["3155", "4242"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_default_changes_and_a_card_is_removed_unless_a_plan_needs_it() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let first = sandbox.demo.payment_method.clone();
    let last = sandbox.page(&format!("{url}/cards/{first}/remove"), &[]).await;
    assert!(
        last.body.contains("This is your only card") && !last.body.contains("<form"),
        "{}",
        last.body
    );
    sandbox.fill(&format!("{url}/cards/new"), &card("5555555555554444", "Jenny")).await;
    let default = sandbox.page(&format!("{url}/cards/{first}/remove"), &[]).await;
    assert!(default.body.contains("Make another card the default"), "{}", default.body);
    let home = sandbox.page(&url, &[]).await;
    let reply = sandbox.submit(&Form::find(&home, "/default"), &[]).await;
    assert!(sandbox.follow(&reply).await.body.contains("The default payment method was changed."));
    let second = sandbox.api_text(CUSTOMER, DEFAULT).await.expect("default");
    assert_ne!(second, first);
    // Submitting the form for a needed card is refused too.
    let form =
        Form::find(&sandbox.page(&format!("{url}/cards/{first}/remove"), &[]).await, "/remove");
    let needed = Form { action: form.action.replace(&first, &second), hidden: form.hidden.clone() };
    assert_eq!(sandbox.submit(&needed, &[]).await.status, 422);
    let reply = sandbox.submit(&form, &[]).await;
    assert!(sandbox.follow(&reply).await.body.contains("The payment method was removed."));
    assert_eq!(last4s(&sandbox).await, ["4444"]);
    assert_eq!(sandbox.api_text(&format!("/v1/payment_methods/{first}"), "/customer").await, None);
    sandbox.stop().await;
}

#[tokio::test]
async fn another_customers_card_is_not_found() {
    let sandbox = start().await;
    let other = sandbox.post("/v1/customers", "name=Other").await.json()["id"]
        .as_str()
        .expect("id")
        .to_owned();
    let url = sandbox.session_url(&format!("customer={other}")).await;
    sandbox.fill(&format!("{url}/cards/new"), &card("5555555555554444", "Other")).await;
    let page = sandbox.page(&url, &[]).await;
    let csrf = Form::find(&sandbox.page(&format!("{url}/details"), &[]).await, "/details").hidden;
    assert!(!page.body.contains("4242"));
    let theirs = sandbox.demo.payment_method.clone();
    let mut answers = Vec::new();
    for id in [theirs.as_str(), "pm_none"] {
        for action in ["default", "remove"] {
            let path = url.replace(&format!("http://{}", sandbox.address), "");
            let form = Form { action: format!("{path}/cards/{id}/{action}"), hidden: csrf.clone() };
            let reply = sandbox.submit(&form, &[]).await;
            assert_eq!(reply.status, 404, "{id} {action}");
            answers.push(reply.body);
        }
        assert_eq!(sandbox.page(&format!("{url}/cards/{id}/remove"), &[]).await.status, 404);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(last4s(&sandbox).await, ["4242"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn card_numbers_are_never_stored() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.jsonl");
    let sandbox =
        start_with(settings(Some(&file)), std::sync::Arc::new(sandbox_stripe::SystemClock)).await;
    let url = open(&sandbox).await;
    let add = format!("{url}/cards/new");
    for number in ["5555555555554444", "4000002500003155", "4000000000000002", "4111111111111111"] {
        let mut fields = card(number, "Jenny");
        fields.retain(|(name, _)| *name != "card-cvc");
        fields.push(("card-cvc", "917"));
        sandbox.fill(&add, &fields).await;
    }
    sandbox.stop().await;
    let kept = std::fs::read_to_string(&file).expect("state");
    assert!(kept.contains("\"last4\":\"4444\"") && kept.contains("\"last4\":\"3155\""));
    // Three digits alone occur everywhere, so only whole numbers are searched.
    for secret in
        ["5555555555554444", "4000002500003155", "4000000000000002", "4111111111111111", "\"917\""]
    {
        assert!(!kept.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_card_that_pays_a_plan_is_removable_only_if_another_card_takes_over() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let default = sandbox.demo.payment_method.clone();
    let own = sandbox
        .make("/v1/payment_methods/pm_card_mastercard/attach", "customer=cus_SandboxDemo001")
        .await;
    let plan = "/v1/subscriptions/sub_1SandboxDemoSubscription1";
    sandbox.make(plan, &format!("default_payment_method={own}")).await;
    // The plan has its own card. The default card pays nothing and replaces a removed own card.
    for id in [&default, &own] {
        let page = sandbox.page(&format!("{url}/cards/{id}/remove"), &[]).await;
        assert!(page.body.contains("<form"), "{}", page.body);
    }
    sandbox.make(CUSTOMER, "invoice_settings[default_payment_method]=").await;
    let form =
        Form::find(&sandbox.page(&format!("{url}/cards/{default}/remove"), &[]).await, "/remove");
    let needed = Form { action: form.action.replace(&default, &own), hidden: form.hidden.clone() };
    let page = sandbox.submit(&needed, &[]).await;
    assert!(
        page.status == 422 && page.body.contains("Make another card the default"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("<title>Error: Remove this card?") && !page.body.contains("<form"),
        "{}",
        page.body
    );
    assert_eq!(sandbox.api_text(plan, "/default_payment_method").await, Some(own));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_texts_about_a_new_default_exclude_plans_with_their_own_card() {
    let sandbox = start().await;
    let first = sandbox.demo.payment_method.clone();
    let flow = |locale: &str| {
        format!("customer=cus_SandboxDemo001&locale={locale}&flow_data[type]=payment_method_update")
    };
    let english = sandbox.session_url(&flow("en")).await;
    let korean = sandbox.session_url(&flow("ko")).await;
    let page = sandbox.page(&format!("{english}/cards/new"), &[]).await;
    assert!(
        page.body.contains("The new card becomes the default for your plans and invoices."),
        "{}",
        page.body
    );
    let own = format!("default_payment_method={first}");
    sandbox.make("/v1/subscriptions/sub_1SandboxDemoSubscription1", &own).await;
    for (url, words) in [
        (&english, "Plans with their own card keep that card."),
        (&korean, "별도의 카드로 결제하는 요금제는 그대로 유지됩니다."),
    ] {
        let page = sandbox.page(&format!("{url}/cards/new"), &[]).await;
        assert!(
            page.body.contains(words) && !page.body.contains("your plans and invoices"),
            "{}",
            page.body
        );
    }
    let url = open(&sandbox).await;
    sandbox.fill(&format!("{url}/cards/new"), &card("5555555555554444", "Jenny")).await;
    let form = Form::find(&sandbox.page(&url, &[]).await, "/default");
    let home = sandbox.follow(&sandbox.submit(&form, &[]).await).await;
    assert!(
        home.body.contains("changed. Plans with their own card keep that card."),
        "{}",
        home.body
    );
    assert!(home.body.contains("role=\"status\" tabindex=\"-1\" autofocus"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_texts_about_cards_are_available_in_korean() {
    let sandbox = start().await;
    let url = sandbox.session_url("customer=cus_SandboxDemo001&locale=ko").await;
    for (number, message) in [
        ("4000000000009995", "카드 한도를 초과했거나 잔액이 부족합니다."),
        ("4111111111111111", "테스트 카드가 아니어서 거절되었습니다."),
    ] {
        let page = sandbox.fill(&format!("{url}/cards/new"), &card(number, "김하나")).await;
        assert!(page.status == 422 && page.body.contains("<title>오류: "), "{number}");
        assert!(
            page.body.contains(message) && page.body.contains("카드 명의자 이름"),
            "{}",
            page.body
        );
    }
    let remove =
        sandbox.page(&format!("{url}/cards/{}/remove", sandbox.demo.payment_method), &[]).await;
    assert!(remove.body.contains("요금제 결제에 사용 중인 유일한 카드입니다."), "{}", remove.body);
    sandbox.stop().await;
}
