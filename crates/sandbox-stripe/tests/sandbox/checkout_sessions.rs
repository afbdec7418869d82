//! `/v1/checkout/sessions` through the API.

use std::sync::Arc;

use sandbox_stripe::SystemClock;

use crate::checkout::{MONTHLY, SESSIONS, SUCCESS, open, pay, read};
use crate::shop::{DAY, event_kinds, number, text};
use crate::support::{TestClock, refused, settings, start, start_with};

#[tokio::test]
async fn a_session_has_the_requested_values_and_a_link() {
    let sandbox = start().await;
    let session = open(
        &sandbox,
        "&customer_email=jenny%40example.com&client_reference_id=user-1&metadata[a]=1&locale=ko\
         &cancel_url=https://app.example.com/pricing&subscription_data[metadata][b]=2&allow_promotion_codes=false\
         &payment_method_types[]=card&ui_mode=hosted_page&payment_method_collection=always",
    )
    .await;
    assert!(text(&session, "/id").starts_with("cs_test_"), "{session}");
    assert!(
        text(&session, "/url").starts_with(&format!("http://{}/c/pay/", sandbox.address)),
        "{session}"
    );
    for (pointer, value) in [
        ("/object", "checkout.session"),
        ("/mode", "subscription"),
        ("/status", "open"),
        ("/payment_status", "unpaid"),
        ("/ui_mode", "hosted_page"),
        ("/currency", "usd"),
        ("/customer_email", "jenny@example.com"),
        ("/customer_details/email", "jenny@example.com"),
        ("/client_reference_id", "user-1"),
        ("/metadata/a", "1"),
        ("/locale", "ko"),
        ("/success_url", SUCCESS),
        ("/cancel_url", "https://app.example.com/pricing"),
    ] {
        assert_eq!(text(&session, pointer), value, "{pointer}");
    }
    assert_eq!(
        (number(&session, "/amount_subtotal"), number(&session, "/amount_total")),
        (2_000, 2_000)
    );
    assert_eq!(number(&session, "/expires_at") - number(&session, "/created"), DAY);
    for null in ["/customer", "/subscription", "/invoice"] {
        assert!(session.pointer(null).expect(null).is_null(), "{null}");
    }
    assert_eq!(read(&sandbox, &session).await, session);
    sandbox.stop().await;
}

#[tokio::test]
async fn line_items_are_listed_and_shown_when_asked_for() {
    let sandbox = start().await;
    let more = "&line_items[1][price]=price_1SandboxDemoBizMonthly01&line_items[1][quantity]=3&line_items[1][metadata][x]=y";
    let session = open(&sandbox, more).await;
    assert_eq!(number(&session, "/amount_total"), 2_000 + 3 * 6_000);
    let path = format!("{SESSIONS}/{}/line_items", text(&session, "/id"));
    let first = sandbox.get(&format!("{path}?limit=1")).await.json();
    assert_eq!(
        (text(&first, "/data/0/description"), &first["has_more"]),
        ("Professional plan", &true.into())
    );
    let rest =
        sandbox.get(&format!("{path}?starting_after={}", text(&first, "/data/0/id"))).await.json();
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(1));
    assert_eq!((text(&rest, "/data/0/object"), number(&rest, "/data/0/quantity")), ("item", 3));
    assert_eq!(
        (number(&rest, "/data/0/amount_total"), text(&rest, "/data/0/metadata/x")),
        (18_000, "y")
    );
    let expanded =
        format!("{SESSIONS}/{}?expand[]=line_items.data.price.product", text(&session, "/id"));
    let expanded = sandbox.get(&expanded).await.json();
    assert_eq!(text(&expanded, "/line_items/data/1/price/product/name"), "Business plan");
    assert!(session.get("line_items").is_none());
    sandbox.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_by_customer_status_subscription_and_time() {
    let sandbox = start().await;
    let paid = open(&sandbox, "").await;
    pay(&sandbox, &paid, "4242424242424242").await;
    let paid = read(&sandbox, &paid).await;
    let mine = open(&sandbox, "&customer=cus_SandboxDemo001").await;
    let customer = text(&paid, "/customer");
    let subscription = text(&paid, "/subscription");
    for (query, wanted) in [
        ("?limit=10", vec![text(&mine, "/id"), text(&paid, "/id")]),
        (&format!("?customer={customer}"), vec![text(&paid, "/id")]),
        ("?customer=cus_SandboxDemo001", vec![text(&mine, "/id")]),
        ("?status=open", vec![text(&mine, "/id")]),
        (&format!("?subscription={subscription}"), vec![text(&paid, "/id")]),
        ("?created[lt]=1000", vec![]),
        (&format!("?starting_after={}", text(&mine, "/id")), vec![text(&paid, "/id")]),
    ] {
        let list = sandbox.get(&format!("{SESSIONS}{query}")).await.json();
        let found: Vec<&str> =
            list["data"].as_array().expect("list").iter().map(|row| text(row, "/id")).collect();
        assert_eq!(found, wanted, "{query}");
    }
    for (query, error) in [
        ("?customer=cus_none", refused(400, "resource_missing", "customer")),
        ("?subscription=sub_none", refused(400, "resource_missing", "subscription")),
        ("?status=paid", refused(400, "", "status")),
        ("?payment_intent=pi_1", refused(400, "", "payment_intent")),
    ] {
        assert_eq!(sandbox.get(&format!("{SESSIONS}{query}")).await.error(), error, "{query}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn only_an_open_session_can_be_expired() {
    let sandbox = start().await;
    let session = open(&sandbox, "").await;
    let expire = format!("{SESSIONS}/{}/expire", text(&session, "/id"));
    let expired = sandbox.post(&expire, "").await.json();
    assert_eq!(
        (text(&expired, "/status"), text(&expired, "/payment_status")),
        ("expired", "unpaid")
    );
    assert!(expired["url"].is_null());
    assert_eq!(sandbox.post(&expire, "").await.error(), refused(400, "", ""));
    assert_eq!(event_kinds(&sandbox, "checkout.session.*").await, ["checkout.session.expired"]);
    let paid = open(&sandbox, "").await;
    pay(&sandbox, &paid, "4242424242424242").await;
    let expire = format!("{SESSIONS}/{}/expire", text(&paid, "/id"));
    assert_eq!(sandbox.post(&expire, "").await.error(), refused(400, "", ""));
    let unknown = sandbox.post(&format!("{SESSIONS}/cs_test_none/expire"), "").await;
    assert_eq!(unknown.error(), refused(404, "resource_missing", "session"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_session_expires_with_an_event() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let now = sandbox_stripe::Clock::now(&*clock);
    let session = open(&sandbox, &format!("&expires_at={}", now + 1_800)).await;
    clock.advance(1_799);
    assert_eq!(text(&read(&sandbox, &session).await, "/status"), "open");
    clock.advance(1);
    let events = sandbox.get("/v1/events?type=checkout.session.expired").await.json();
    assert_eq!(text(&events, "/data/0/data/object/id"), text(&session, "/id"));
    assert!(events["data"][0]["data"]["object"]["url"].is_null());
    assert_eq!(text(&read(&sandbox, &session).await, "/status"), "expired");
    clock.advance(DAY);
    assert_eq!(event_kinds(&sandbox, "checkout.session.expired").await.len(), 1, "noticed once");
    sandbox.stop().await;
}

#[tokio::test]
async fn invalid_parameters_have_stripes_errors() {
    let sandbox = start().await;
    let gone = sandbox.make("/v1/customers", "name=Gone").await;
    sandbox.delete(&format!("/v1/customers/{gone}")).await;
    let item = format!("line_items[0][price]={MONTHLY}&line_items[0][quantity]=1");
    let url = "success_url=https://app.example.com/";
    let base = format!("mode=subscription&{item}&{url}");
    let now = sandbox_stripe::Clock::now(&SystemClock);
    let soon = now + 1_000;
    let late = now + DAY + 1_000;
    for (form, error) in [
        (String::new(), refused(400, "parameter_missing", "mode")),
        (format!("mode=payment&{item}&{url}"), refused(400, "", "mode")),
        (format!("mode=setup&{url}"), refused(400, "", "mode")),
        (format!("mode=subscribe&{url}"), refused(400, "", "mode")),
        (format!("mode=subscription&{item}"), refused(400, "parameter_missing", "success_url")),
        (
            format!("mode=subscription&{item}&success_url=done"),
            refused(400, "url_invalid", "success_url"),
        ),
        (format!("mode=subscription&{url}"), refused(400, "parameter_missing", "line_items")),
        (format!("{base}&cancel_url=javascript:x"), refused(400, "url_invalid", "cancel_url")),
        (format!("{base}&ui_mode=embedded_page"), refused(400, "", "ui_mode")),
        (format!("{base}&ui_mode=hosted"), refused(400, "", "ui_mode")),
        (
            format!("{base}&payment_method_types[]=card&payment_method_types[]=link"),
            refused(400, "", "payment_method_types[1]"),
        ),
        (format!("{base}&allow_promotion_codes=true"), refused(400, "", "allow_promotion_codes")),
        (format!("{base}&automatic_tax[enabled]=true"), refused(400, "", "automatic_tax")),
        (format!("{base}&locale=xx"), refused(400, "", "locale")),
        (
            format!("{base}&client_reference_id={}", "x".repeat(201)),
            refused(400, "", "client_reference_id"),
        ),
        (format!("{base}&expires_at={soon}"), refused(400, "", "expires_at")),
        (format!("{base}&expires_at={late}"), refused(400, "", "expires_at")),
        (format!("{base}&customer=cus_none"), refused(400, "resource_missing", "customer")),
        (format!("{base}&customer={gone}"), refused(400, "resource_missing", "customer")),
        (
            format!("{base}&customer=cus_SandboxDemo001&customer_email=a@b"),
            refused(400, "", "customer_email"),
        ),
        (
            format!("{base}&customer_email=no-at-sign"),
            refused(400, "email_invalid", "customer_email"),
        ),
        (
            format!("{base}&subscription_data[trial_period_days]=0"),
            refused(400, "parameter_invalid_integer", "subscription_data[trial_period_days]"),
        ),
        (
            format!("{base}&subscription_data[trial_end]=1"),
            refused(400, "", "subscription_data[trial_end]"),
        ),
        (
            format!("{base}&subscription_data[billing_mode][type]=classic"),
            refused(400, "", "subscription_data[billing_mode][type]"),
        ),
        (format!("{base}&expand[]=payment"), refused(400, "", "")),
    ] {
        let reply = sandbox.post(SESSIONS, &form).await;
        assert_eq!(reply.error(), error, "{form}: {}", reply.body);
    }
    let reply = sandbox.get(&format!("{SESSIONS}/cs_test_none")).await;
    assert_eq!(reply.error(), refused(404, "resource_missing", "session"));
    sandbox.stop().await;
}

#[tokio::test]
async fn wrong_line_items_are_named_as_stripe_names_them() {
    let sandbox = start().await;
    let once =
        sandbox.make("/v1/prices", "currency=usd&unit_amount=1&product=prod_SandboxDemo01").await;
    let euro = "currency=eur&unit_amount=1&recurring[interval]=month&product=prod_SandboxDemo01";
    let euro = sandbox.make("/v1/prices", euro).await;
    let off = "currency=usd&unit_amount=1&recurring[interval]=month&product=prod_SandboxDemo01&active=false";
    let off = sandbox.make("/v1/prices", off).await;
    let item = format!("line_items[0][price]={MONTHLY}&line_items[0][quantity]=1");
    let url = "success_url=https://app.example.com/";
    let base = format!("mode=subscription&{item}&{url}");
    let second = "line_items[1][quantity]=1&line_items[1][price]";
    for (form, error) in [
        (
            format!("{base}&{second}=price_none"),
            refused(400, "resource_missing", "line_items[1][price]"),
        ),
        (format!("{base}&{second}={once}"), refused(400, "", "line_items[1][price]")),
        (format!("{base}&{second}={euro}"), refused(400, "", "line_items[1][price]")),
        (format!("{base}&{second}={off}"), refused(400, "", "line_items[1][price]")),
        (format!("{base}&{second}={MONTHLY}"), refused(400, "", "")),
        (format!("{base}&{second}=price_1SandboxDemoProYearly001"), refused(400, "", "")),
        (
            format!("{base}&line_items[1][price]={euro}"),
            refused(400, "parameter_missing", "line_items[1][quantity]"),
        ),
        (
            format!("{base}&line_items[0][adjustable_quantity][enabled]=true"),
            refused(400, "", "line_items[0][adjustable_quantity]"),
        ),
        (
            format!("{base}&line_items[1][price_data][currency]=usd"),
            refused(400, "", "line_items[1][price_data]"),
        ),
        (
            format!(
                "mode=subscription&{url}&customer=cus_SandboxDemo001&line_items[0][price]={euro}&line_items[0][quantity]=1"
            ),
            refused(400, "", ""),
        ),
    ] {
        let reply = sandbox.post(SESSIONS, &form).await;
        assert_eq!(reply.error(), error, "{form}: {}", reply.body);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn sessions_survive_a_restart_and_events_do_not_contain_their_links() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("state.jsonl");
    let sandbox = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    let session = open(&sandbox, "").await;
    let waiting = open(&sandbox, "&customer_email=a%40example.com").await;
    pay(&sandbox, &waiting, "4000002500003155").await;
    let token = text(&session, "/url").rsplit('/').next().expect("token").to_owned();
    let events = sandbox.get("/v1/events?limit=100").await.body;
    assert!(!events.contains(&token));
    sandbox.stop().await;
    let sandbox = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    let page = sandbox.page(&format!("/c/pay/{token}"), &[]).await;
    assert!(
        page.status == 200 && page.body.contains("Subscribe to Professional plan"),
        "{}",
        page.body
    );
    assert_eq!(
        text(&read(&sandbox, &session).await, "/url").rsplit('/').next(),
        Some(token.as_str())
    );
    sandbox.stop().await;
}
