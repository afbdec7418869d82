//! Flows: their first page, their restrictions, and their destination.

#![expect(clippy::expect_used, reason = "a failure of a test tool fails the test")]

use crate::browser::{BUSINESS_MONTHLY, Form, SUBSCRIPTION, card};
use crate::support::{Reply, Running, start};

const ITEM: &str = "si_SandboxDemo0001";

async fn open(sandbox: &Running, flow: &str) -> String {
    let form =
        format!("customer={}&return_url=https://app.example.com/&{flow}", sandbox.demo.customer);
    sandbox.session_url(&form).await
}

fn flow(kind: &str, after: &str) -> String {
    let details = match kind {
        "payment_method_update" => String::new(),
        _ => format!("&flow_data[{kind}][subscription]={SUBSCRIPTION}"),
    };
    let items = match kind {
        "subscription_update_confirm" => format!(
            "&flow_data[{kind}][items][0][id]={ITEM}&flow_data[{kind}][items][0][price]={BUSINESS_MONTHLY}\
             &flow_data[{kind}][items][0][quantity]=2"
        ),
        _ => String::new(),
    };
    format!("flow_data[type]={kind}{details}{items}{after}")
}

const REDIRECT: &str = "&flow_data[after_completion][type]=redirect\
     &flow_data[after_completion][redirect][return_url]=https://shop.example.com:8443/done%3Fa%3Db";
const HOSTED: &str = "&flow_data[after_completion][type]=hosted_confirmation\
     &flow_data[after_completion][hosted_confirmation][custom_message]=Thank+you+%26+bye";

/// Asserts that the page shows only the task and the return link.
fn assert_alone(page: &Reply, url: &str) {
    let home = url.split_once("/p/").map(|(_, rest)| format!("href=\"/p/{rest}\"")).expect("path");
    assert!(!page.body.contains(&home), "{}", page.body);
    assert!(page.body.contains("Return to app.example.com"));
    assert!(!page.body.contains("/invoices\"") && !page.body.contains("/details\""));
}

#[tokio::test]
async fn each_flow_opens_its_step_and_shows_nothing_else() {
    let sandbox = start().await;
    for (kind, title) in [
        ("payment_method_update", "Update your payment method"),
        ("subscription_cancel", "Cancel your plan"),
        ("subscription_update", "Change your plan"),
        ("subscription_update_confirm", "Confirm your new plan"),
    ] {
        let url = open(&sandbox, &flow(kind, "")).await;
        let page = sandbox.follow(&sandbox.page(&url, &[]).await).await;
        assert!(page.status == 200 && page.body.contains(title), "{kind}: {}", page.body);
        assert_alone(&page, &url);
        // Other pages of the portal redirect to the step.
        for other in ["details", "invoices", "cards/pm_1SandboxDemoVisa4242000001/remove", "done"] {
            let answer = sandbox.page(&format!("{url}/{other}"), &[]).await;
            assert!(sandbox.follow(&answer).await.body.contains(title), "{kind}: {other}");
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_confirm_flow_previews_exactly_its_items() {
    let sandbox = start().await;
    let url = open(&sandbox, &flow("subscription_update_confirm", "")).await;
    let page = sandbox.follow(&sandbox.page(&url, &[]).await).await;
    assert!(
        page.body.contains("2 × Business plan") && page.body.contains("$120.00 per month"),
        "{}",
        page.body
    );
    let done = sandbox.follow(&sandbox.submit(&Form::find(&page, "/preview"), &[]).await).await;
    // The whole portal is open now.
    assert!(
        done.body.contains("Your plan was changed.") && done.body.contains("Invoice history"),
        "{}",
        done.body
    );
    let path = format!("/v1/subscriptions/{SUBSCRIPTION}");
    assert_eq!(
        sandbox.api_text(&path, "/items/data/0/price/id").await.as_deref(),
        Some(BUSINESS_MONTHLY)
    );
    assert_eq!(sandbox.page(&url, &[]).await.status, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_flows_new_card_becomes_the_default_and_the_customer_is_redirected() {
    let sandbox = start().await;
    let url = open(&sandbox, &flow("payment_method_update", REDIRECT)).await;
    let page = sandbox.follow(&sandbox.page(&url, &[]).await).await;
    let policy = page.header("Content-Security-Policy").expect("policy").to_owned();
    assert!(policy.contains("form-action 'self' https://shop.example.com:8443;"), "{policy}");
    let form = Form::find(&page, "/cards/new");
    let reply = sandbox.submit(&form, &card("5555555555554444", "Jenny")).await;
    assert_eq!(
        (reply.status, reply.header("Location")),
        (303, Some("https://shop.example.com:8443/done?a=b"))
    );
    let path = format!("/v1/customers/{}", sandbox.demo.customer);
    let default =
        sandbox.api_text(&path, "/invoice_settings/default_payment_method").await.expect("default");
    assert_ne!(default, sandbox.demo.payment_method);
    // A second submit redirects to the same page, and later visits show completion. The rest of the
    // portal stays closed.
    let again = sandbox.submit(&form, &card("4242424242424242", "Jenny")).await;
    assert_eq!(
        (again.status, again.header("Location")),
        (303, Some("https://shop.example.com:8443/done?a=b"))
    );
    let done = sandbox.follow(&sandbox.page(&url, &[]).await).await;
    assert!(done.body.contains("Your payment method is updated"), "{}", done.body);
    assert!(done.body.contains("href=\"https://shop.example.com:8443/done?a=b\""));
    assert_eq!(sandbox.page(&format!("{url}/invoices"), &[]).await.status, 303);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_flow_with_authentication_ends_at_its_destination() {
    let sandbox = start().await;
    let url = open(&sandbox, &flow("payment_method_update", REDIRECT)).await;
    let reply = sandbox.fill(&format!("{url}/cards/new"), &card("4000002500003155", "Jenny")).await;
    let bank = sandbox.follow(&reply).await;
    assert!(
        bank.header("Content-Security-Policy")
            .expect("policy")
            .contains("https://shop.example.com:8443;")
    );
    let reply = sandbox.submit(&Form::find(&bank, "/bank"), &[("answer", "complete")]).await;
    assert_eq!(reply.header("Location"), Some("https://shop.example.com:8443/done?a=b"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_saved_card_can_be_chosen_in_a_flow() {
    let sandbox = start().await;
    let plain = sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await;
    sandbox.fill(&format!("{plain}/cards/new"), &card("5555555555554444", "Jenny")).await;
    let url = open(&sandbox, &flow("payment_method_update", HOSTED)).await;
    let page = sandbox.follow(&sandbox.page(&url, &[]).await).await;
    let done = sandbox.follow(&sandbox.submit(&Form::find(&page, "/default"), &[]).await).await;
    assert!(
        done.body.contains("Thank you &#38; bye") && !done.body.contains("Invoice history"),
        "{}",
        done.body
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_cancellation_flow_asks_for_a_reason_and_ends_at_its_destination() {
    let sandbox = start().await;
    let url = open(&sandbox, &flow("subscription_cancel", REDIRECT)).await;
    let reason = sandbox
        .follow(&sandbox.fill(&format!("{url}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await)
        .await;
    assert!(
        reason.body.contains("href=\"https://shop.example.com:8443/done?a=b\""),
        "{}",
        reason.body
    );
    let reply = sandbox.submit(&Form::find(&reason, "/reason"), &[("reason", "unused")]).await;
    assert_eq!(reply.header("Location"), Some("https://shop.example.com:8443/done?a=b"));
    let path = format!("/v1/subscriptions/{SUBSCRIPTION}");
    assert_eq!(
        sandbox.api_text(&path, "/cancellation_details/feedback").await.as_deref(),
        Some("unused")
    );
    assert!(
        sandbox.follow(&sandbox.page(&url, &[]).await).await.body.contains("Your plan is canceled")
    );
    let again = open(&sandbox, &flow("subscription_cancel", "")).await;
    let page = sandbox.follow(&sandbox.page(&again, &[]).await).await;
    assert!(page.body.contains("This plan is already canceled"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_flow_is_available_in_korean() {
    let sandbox = start().await;
    for (kind, title) in [
        ("payment_method_update", "결제 수단 변경"),
        ("subscription_cancel", "요금제 해지하기"),
        ("subscription_update", "요금제 변경하기"),
        ("subscription_update_confirm", "새 요금제 확인"),
    ] {
        let url = open(&sandbox, &format!("locale=ko&{}", flow(kind, ""))).await;
        let page = sandbox.follow(&sandbox.page(&url, &[]).await).await;
        assert!(
            page.body.contains(title) && page.body.contains("<html lang=\"ko\">"),
            "{kind}: {}",
            page.body
        );
    }
    sandbox.stop().await;
}
