//! Restrictions of a flow: its subscription, its change, its end.

use serde_json::Value;

use crate::browser::{BUSINESS_MONTHLY, Form, SUBSCRIPTION, card};
use crate::support::{Running, start};

const YEARLY: &str = "price_1SandboxDemoProYearly001";
const CONFIGURATIONS: &str = "/v1/billing_portal/configurations";
const REDIRECT: &str = "&flow_data[after_completion][type]=redirect\
     &flow_data[after_completion][redirect][return_url]=https://shop.example.com/done";
const CONFIRM: &str = "&flow_data[subscription_update_confirm][items][0][id]=si_SandboxDemo0001\
     &flow_data[subscription_update_confirm][items][0][price]=price_1SandboxDemoBizMonthly01\
     &flow_data[subscription_update_confirm][items][0][quantity]=2";

/// Returns the path of a flow's link for this subscription.
async fn open(sandbox: &Running, kind: &str, subscription: &str, rest: &str) -> String {
    let details = match kind {
        "payment_method_update" => String::new(),
        _ => format!("&flow_data[{kind}][subscription]={subscription}"),
    };
    let form = format!(
        "customer={}&return_url=https://app.example.com/&flow_data[type]={kind}{details}{rest}",
        sandbox.demo.customer
    );
    sandbox.session_url(&form).await.replace(&format!("http://{}", sandbox.address), "")
}

/// Creates a second subscription of the same customer.
async fn second(sandbox: &Running) -> String {
    let form = format!("customer={}&items[0][price]={BUSINESS_MONTHLY}", sandbox.demo.customer);
    sandbox.make("/v1/subscriptions", &form).await
}

async fn read(sandbox: &Running, subscription: &str) -> Value {
    sandbox.get(&format!("/v1/subscriptions/{subscription}")).await.json()
}

fn moved(form: &Form, action: String) -> Form {
    Form { action, hidden: form.hidden.clone() }
}

#[tokio::test]
async fn a_flow_permits_only_its_own_subscription() {
    let sandbox = start().await;
    let other = second(&sandbox).await;
    let before = read(&sandbox, &other).await;
    for (kind, rest, step) in [
        ("subscription_cancel", "", "cancel"),
        ("subscription_update", "", "change"),
        ("subscription_update_confirm", CONFIRM, "preview"),
    ] {
        let path = open(&sandbox, kind, SUBSCRIPTION, rest).await;
        let step = format!("{path}/subscriptions/{SUBSCRIPTION}/{step}");
        let query = format!("?price={YEARLY}&quantity=1");
        let page =
            sandbox.page(&format!("{path}/subscriptions/{SUBSCRIPTION}/preview{query}"), &[]).await;
        let page = if page.status == 303 { sandbox.follow(&page).await } else { page };
        let form =
            Form::find(&page, if kind == "subscription_cancel" { "/cancel" } else { "/preview" });
        for page_name in ["change", "preview", "cancel", "reason"] {
            let answer = sandbox
                .page(&format!("{path}/subscriptions/{other}/{page_name}{query}"), &[])
                .await;
            assert_eq!(
                (answer.status, answer.header("Location")),
                (303, Some(step.as_str())),
                "{kind} {page_name}"
            );
        }
        for page_name in ["preview", "cancel", "reason", "keep"] {
            let form = moved(&form, format!("{path}/subscriptions/{other}/{page_name}"));
            let answer = sandbox.submit(&form, &[("price", YEARLY), ("quantity", "1")]).await;
            assert_eq!(
                (answer.status, answer.header("Location")),
                (303, Some(step.as_str())),
                "{kind} {page_name}"
            );
        }
        if kind != "subscription_cancel" {
            let add = format!("{path}/cards/new");
            for query in [String::new(), format!("?subscription={other}&price={YEARLY}&quantity=1")]
            {
                let answer = sandbox.page(&format!("{add}{query}"), &[]).await;
                assert_eq!(
                    (answer.status, answer.header("Location")),
                    (303, Some(step.as_str())),
                    "{kind} {query}"
                );
            }
            let mut fields = card("5555555555554444", "Jenny");
            fields.extend([("subscription", other.as_str()), ("price", YEARLY), ("quantity", "1")]);
            let answer = sandbox.submit(&moved(&form, add), &fields).await;
            assert_eq!(
                (answer.status, answer.header("Location")),
                (303, Some(step.as_str())),
                "{kind}"
            );
        }
    }
    assert_eq!(read(&sandbox, &other).await, before);
    let cards = sandbox
        .get(&format!("/v1/payment_methods?customer={}", sandbox.demo.customer))
        .await
        .json();
    assert_eq!(cards["data"].as_array().map(Vec::len), Some(1));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_confirm_flow_permits_only_its_own_change() {
    let sandbox = start().await;
    let path = open(&sandbox, "subscription_update_confirm", SUBSCRIPTION, CONFIRM).await;
    let preview = format!("{path}/subscriptions/{SUBSCRIPTION}/preview");
    let page = sandbox.page(&format!("{preview}?price={YEARLY}&quantity=7"), &[]).await;
    assert!(page.status == 200 && page.body.contains("2 × Business plan"), "{}", page.body);
    let form = Form::find(&page, "/preview");
    assert_eq!(sandbox.submit(&form, &[("price", YEARLY), ("quantity", "7")]).await.status, 303);
    let item = read(&sandbox, SUBSCRIPTION).await["items"]["data"][0].clone();
    assert_eq!((&item["price"]["id"], &item["quantity"]), (&BUSINESS_MONTHLY.into(), &2.into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_confirm_flow_with_a_removed_item_cannot_be_confirmed() {
    let sandbox = start().await;
    let path = open(&sandbox, "subscription_update_confirm", SUBSCRIPTION, CONFIRM).await;
    let preview = format!("{path}/subscriptions/{SUBSCRIPTION}/preview");
    let form = Form::find(&sandbox.page(&preview, &[]).await, "/preview");
    for items in [
        "items[0][price]=price_1SandboxDemoStartMonthly1",
        "items[0][id]=si_SandboxDemo0001&items[0][deleted]=true",
    ] {
        sandbox.make(&format!("/v1/subscriptions/{SUBSCRIPTION}"), items).await;
    }
    let before = read(&sandbox, SUBSCRIPTION).await;
    let page = sandbox.page(&format!("{preview}?price={BUSINESS_MONTHLY}&quantity=1"), &[]).await;
    for page in [page, sandbox.submit(&form, &[]).await] {
        assert!(page.body.contains("This plan cannot be changed here right now."), "{}", page.body);
    }
    assert_eq!(read(&sandbox, SUBSCRIPTION).await, before);
    sandbox.stop().await;
}

#[tokio::test]
async fn choosing_the_current_plan_does_not_complete_a_flow() {
    let sandbox = start().await;
    let path = open(&sandbox, "subscription_update", SUBSCRIPTION, REDIRECT).await;
    let preview = format!("{path}/subscriptions/{SUBSCRIPTION}/preview");
    let page = sandbox.page(&format!("{preview}?price={BUSINESS_MONTHLY}&quantity=1"), &[]).await;
    let form = Form::find(&page, "/preview");
    let same = sandbox.submit(&form, &[("price", &sandbox.demo.price), ("quantity", "1")]).await;
    assert!(
        same.status == 422 && same.body.contains("This is your current plan."),
        "{}",
        same.body
    );
    assert_eq!(
        sandbox.page(&format!("{path}/subscriptions/{SUBSCRIPTION}/change"), &[]).await.status,
        200
    );
    // The second request of a double click redirects to the same page as the first.
    for _ in 0..2 {
        let reply = sandbox.submit(&form, &[]).await;
        assert_eq!(
            (reply.status, reply.header("Location")),
            (303, Some("https://shop.example.com/done"))
        );
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_flow_for_an_ended_plan_shows_that_it_has_ended() {
    let sandbox = start().await;
    let mut paths = Vec::new();
    for (kind, rest, english, korean) in [
        ("subscription_cancel", "", "Your plan is canceled", "요금제가 해지되었습니다"),
        ("subscription_cancel", REDIRECT, "Your plan is canceled", "요금제가 해지되었습니다"),
        ("subscription_update", "", "This plan has ended", "이미 종료된 요금제"),
        ("subscription_update_confirm", CONFIRM, "This plan has ended", "이미 종료된 요금제"),
    ] {
        paths.push((open(&sandbox, kind, SUBSCRIPTION, rest).await, english));
        paths
            .push((open(&sandbox, kind, SUBSCRIPTION, &format!("{rest}&locale=ko")).await, korean));
    }
    sandbox.delete(&format!("/v1/subscriptions/{SUBSCRIPTION}")).await;
    for (path, words) in paths {
        let page = sandbox.follow(&sandbox.page(&path, &[]).await).await;
        assert!(page.status == 200 && page.body.contains(words), "{}", page.body);
        let way_out = ["https://app.example.com/", "https://shop.example.com/done"];
        assert!(
            way_out.iter().any(|url| page.body.contains(&format!("href=\"{url}\""))),
            "{}",
            page.body
        );
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn authentication_completes_no_action_of_a_disabled_feature() {
    let sandbox = start().await;
    let on =
        "features[payment_method_update][enabled]=true&features[invoice_history][enabled]=true";
    let configuration = sandbox.make(CONFIGURATIONS, on).await;
    let form = format!("customer={}&configuration={configuration}", sandbox.demo.customer);
    let url = sandbox.session_url(&form).await;
    let bank = sandbox
        .follow(
            &sandbox.fill(&format!("{url}/cards/new"), &card("4000002500003155", "Jenny")).await,
        )
        .await;
    let off = "features[payment_method_update][enabled]=false";
    sandbox.make(&format!("{CONFIGURATIONS}/{configuration}"), off).await;
    let form = Form::find(&bank, "/bank");
    let home = sandbox.follow(&sandbox.submit(&form, &[("answer", "complete")]).await).await;
    assert!(home.body.contains("Nothing was done") && !home.body.contains("3155"), "{}", home.body);
    // The challenge was deleted.
    sandbox.make(&format!("{CONFIGURATIONS}/{configuration}"), on).await;
    let home = sandbox.follow(&sandbox.submit(&form, &[("answer", "complete")]).await).await;
    assert!(!home.body.contains("3155"), "{}", home.body);
    sandbox.stop().await;
}
