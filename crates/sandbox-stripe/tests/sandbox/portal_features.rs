//! The effects of a portal configuration's features on the pages.

use serde_json::Value;

use crate::browser::{BUSINESS_MONTHLY, Form, SUBSCRIPTION, card};
use crate::support::{Running, start};

const CONFIGURATIONS: &str = "/v1/billing_portal/configurations";

/// Returns the path of a link with a configuration of these features.
async fn open(sandbox: &Running, features: &str) -> String {
    let configuration = sandbox.make(CONFIGURATIONS, features).await;
    let form = format!("customer={}&configuration={configuration}", sandbox.demo.customer);
    sandbox.session_url(&form).await.replace(&format!("http://{}", sandbox.address), "")
}

async fn subscription(sandbox: &Running) -> Value {
    sandbox.get(&format!("/v1/subscriptions/{SUBSCRIPTION}")).await.json()
}

#[tokio::test]
async fn a_disabled_feature_has_no_page_and_accepts_no_form() {
    let sandbox = start().await;
    let path = open(&sandbox, "features[invoice_history][enabled]=false").await;
    let home = sandbox.page(&path, &[]).await;
    for absent in [
        "Change plan",
        "Cancel plan",
        "Add payment method",
        "Update information",
        "Invoice history",
        "<form",
    ] {
        assert!(!home.body.contains(absent), "{absent}");
    }
    assert!(home.body.contains("Professional plan") && home.body.contains("4242"));
    for page in [
        "cards/new",
        "cards/pm_1SandboxDemoVisa4242000001/remove",
        "details",
        "invoices",
        "subscriptions/sub_1SandboxDemoSubscription1/change",
        "subscriptions/sub_1SandboxDemoSubscription1/preview?price=price_1SandboxDemoBizMonthly01&quantity=1",
        "subscriptions/sub_1SandboxDemoSubscription1/cancel",
        "subscriptions/sub_1SandboxDemoSubscription1/reason",
    ] {
        let answer = sandbox.page(&format!("{path}/{page}"), &[]).await;
        assert!(answer.status == 404 && answer.body.contains("Page not found"), "{page}");
        assert!(answer.body.contains("Back to billing"), "{page}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_form_of_a_feature_disabled_meanwhile_changes_nothing() {
    let sandbox = start().await;
    let on = "features[payment_method_update][enabled]=true&features[subscription_cancel][enabled]=true\
              &features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][]=price\
              &features[customer_update][enabled]=true&features[customer_update][allowed_updates][]=name";
    let configuration = sandbox.make(CONFIGURATIONS, on).await;
    let form = format!("customer={}&configuration={configuration}", sandbox.demo.customer);
    let path = sandbox.session_url(&form).await.replace(&format!("http://{}", sandbox.address), "");
    let mut forms = Vec::new();
    for (page, ending) in [
        ("cards/new".to_owned(), "/new"),
        ("details".to_owned(), "/details"),
        (format!("subscriptions/{SUBSCRIPTION}/cancel"), "/cancel"),
        (
            format!("subscriptions/{SUBSCRIPTION}/preview?price={BUSINESS_MONTHLY}&quantity=1"),
            "/preview",
        ),
    ] {
        forms.push(Form::find(&sandbox.page(&format!("{path}/{page}"), &[]).await, ending));
    }
    let off = "features[payment_method_update][enabled]=false&features[subscription_cancel][enabled]=false\
               &features[subscription_update][enabled]=false&features[customer_update][enabled]=false";
    sandbox.make(&format!("{CONFIGURATIONS}/{configuration}"), off).await;
    let before = subscription(&sandbox).await;
    for form in &forms {
        assert_eq!(
            sandbox.submit(form, &card("5555555555554444", "Jenny")).await.status,
            404,
            "{}",
            form.action
        );
    }
    assert_eq!(subscription(&sandbox).await, before);
    let path = format!("/v1/customers/{}", sandbox.demo.customer);
    assert_eq!(sandbox.api_text(&path, "/name").await.as_deref(), Some("Demo User"));
    sandbox.stop().await;
}

#[tokio::test]
async fn only_allowed_fields_are_shown_and_accepted() {
    let sandbox = start().await;
    let features = "features[customer_update][enabled]=true&features[customer_update][allowed_updates][]=phone";
    let path = format!("{}/details", open(&sandbox, features).await);
    let page = sandbox.page(&path, &[]).await;
    assert!(
        page.body.contains("id=\"phone\"")
            && !page.body.contains("id=\"email\"")
            && !page.body.contains("id=\"line1\"")
    );
    let all =
        [("phone", "02-123"), ("name", "Mallory"), ("email", "m@example.com"), ("line1", "x")];
    assert_eq!(sandbox.submit(&Form::find(&page, "/details"), &all).await.status, 303);
    let customer = sandbox.get(&format!("/v1/customers/{}", sandbox.demo.customer)).await.json();
    assert_eq!((&customer["phone"], &customer["name"]), (&"02-123".into(), &"Demo User".into()));
    assert_eq!(
        (&customer["email"], &customer["address"]),
        (&"demo@example.com".into(), &Value::Null)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn only_the_offered_prices_and_quantities_can_be_chosen() {
    let sandbox = start().await;
    let product = sandbox.demo.product.clone();
    let business = "prod_SandboxDemo03";
    let features = format!(
        "features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][]=price\
         &features[subscription_update][default_allowed_updates][]=quantity\
         &features[subscription_update][proration_behavior]=create_prorations\
         &features[subscription_update][products][0][product]={product}\
         &features[subscription_update][products][0][prices][]={}\
         &features[subscription_update][products][1][product]={business}\
         &features[subscription_update][products][1][prices][]={BUSINESS_MONTHLY}\
         &features[subscription_update][products][1][adjustable_quantity][enabled]=true\
         &features[subscription_update][products][1][adjustable_quantity][minimum]=2\
         &features[subscription_update][products][1][adjustable_quantity][maximum]=5",
        sandbox.demo.price
    );
    let path = open(&sandbox, &features).await;
    let choose = sandbox.page(&format!("{path}/subscriptions/{SUBSCRIPTION}/change"), &[]).await;
    assert!(
        choose.body.contains("Business plan") && !choose.body.contains("Starter plan"),
        "{}",
        choose.body
    );
    assert!(!choose.body.contains("Billed yearly"));
    let preview = format!("{path}/subscriptions/{SUBSCRIPTION}/preview");
    for (price, quantity) in [
        ("price_1SandboxDemoStartMonthly1", 1),
        (BUSINESS_MONTHLY, 6),
        (sandbox.demo.price.as_str(), 2),
    ] {
        let page = sandbox.page(&format!("{preview}?price={price}&quantity={quantity}"), &[]).await;
        assert_eq!(page.status, 422, "{price} {quantity}");
    }
    let page = sandbox.page(&format!("{preview}?price={BUSINESS_MONTHLY}&quantity=3"), &[]).await;
    // The difference is added to the next invoice.
    assert!(
        page.body.contains("Your next invoice") && page.body.contains("Nothing is due today."),
        "{}",
        page.body
    );
    let total = page
        .body
        .split("<tr class=\"total\">")
        .nth(1)
        .and_then(|row| row.split("\"money\">").nth(1));
    let total = total.and_then(|rest| rest.split('<').next()).expect("total").to_owned();
    let reply = sandbox.submit(&Form::find(&page, "/preview"), &[]).await;
    assert_eq!(reply.status, 303);
    let now = subscription(&sandbox).await;
    assert_eq!(now["items"]["data"][0]["quantity"], 3);
    let form = format!("customer={}&subscription={SUBSCRIPTION}", sandbox.demo.customer);
    let next = sandbox.post("/v1/invoices/create_preview", &form).await.json();
    let due = next["amount_due"].as_i64().expect("due");
    assert_eq!(total, format!("${}.{:02}", due / 100, due % 100));
    sandbox.stop().await;
}

/// Cases: another plan, another quantity, and both.
#[tokio::test]
async fn quantity_bounds_apply_when_the_plan_changes() {
    let sandbox = start().await;
    let product = sandbox.demo.product.clone();
    let features = |allowed: &str| {
        format!(
            "features[subscription_update][enabled]=true{allowed}\
             &features[subscription_update][products][0][product]={product}\
             &features[subscription_update][products][0][prices][]={}\
             &features[subscription_update][products][1][product]=prod_SandboxDemo03\
             &features[subscription_update][products][1][prices][]={BUSINESS_MONTHLY}\
             &features[subscription_update][products][1][adjustable_quantity][enabled]=true\
             &features[subscription_update][products][1][adjustable_quantity][minimum]=2\
             &features[subscription_update][products][1][adjustable_quantity][maximum]=5",
            sandbox.demo.price
        )
    };
    let price = "&features[subscription_update][default_allowed_updates][]=price";
    let quantity = "&features[subscription_update][default_allowed_updates][]=quantity";
    let both = format!(
        "{}/subscriptions/{SUBSCRIPTION}",
        open(&sandbox, &features(&format!("{price}{quantity}"))).await
    );
    let price = format!("{}/subscriptions/{SUBSCRIPTION}", open(&sandbox, &features(price)).await);
    let quantity =
        format!("{}/subscriptions/{SUBSCRIPTION}", open(&sandbox, &features(quantity)).await);
    let own = sandbox.demo.price.as_str();
    for (path, wanted, count, message) in [
        (&both, BUSINESS_MONTHLY, 1, "Enter a whole number from 2 to 5."),
        (&both, own, 2, "The quantity of this plan cannot be changed. Enter 1."),
        // The first configuration fixes the quantity, the second fixes the plan.
        (&price, BUSINESS_MONTHLY, 3, "Select one of the plans."),
        (&quantity, BUSINESS_MONTHLY, 1, "Select one of the plans."),
    ] {
        let page =
            sandbox.page(&format!("{path}/preview?price={wanted}&quantity={count}"), &[]).await;
        assert!(
            page.status == 422 && page.body.contains(message),
            "{wanted} {count}: {}",
            page.body
        );
    }
    let page = sandbox.page(&format!("{price}/change"), &[]).await;
    assert!(page.body.contains("type=\"hidden\" name=\"quantity\" value=\"1\""), "{}", page.body);
    for (path, count) in [(&price, 1), (&both, 2)] {
        let page = sandbox
            .page(&format!("{path}/preview?price={BUSINESS_MONTHLY}&quantity={count}"), &[])
            .await;
        assert_eq!(page.status, 200, "{}", page.body);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_plan_is_cancelled_immediately_with_credit_if_configured() {
    let sandbox = start().await;
    let features = "features[subscription_cancel][enabled]=true&features[subscription_cancel][mode]=immediately\
                    &features[subscription_cancel][proration_behavior]=always_invoice";
    let path = open(&sandbox, features).await;
    let page = sandbox.page(&format!("{path}/subscriptions/{SUBSCRIPTION}/cancel"), &[]).await;
    assert!(
        page.body.contains("Your plan will end immediately")
            && page.body.contains("credited to your account")
    );
    let form = Form::find(&page, "/cancel");
    let home = sandbox.follow(&sandbox.submit(&form, &[]).await).await;
    assert!(
        home.body.contains("has ended") && home.body.contains("You have no active plan."),
        "{}",
        home.body
    );
    assert_eq!(subscription(&sandbox).await["status"], "canceled");
    let customer = sandbox.get(&format!("/v1/customers/{}", sandbox.demo.customer)).await.json();
    let credit = customer["balance"].as_i64().expect("balance");
    assert!(credit < 0, "{credit}");
    // The second submit finds the plan ended.
    assert_eq!(sandbox.submit(&form, &[]).await.status, 303);
    let customer = sandbox.get(&format!("/v1/customers/{}", sandbox.demo.customer)).await.json();
    assert_eq!(customer["balance"].as_i64(), Some(credit));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_shows_the_configurations_headline_and_links() {
    let sandbox = start().await;
    let features = "features[invoice_history][enabled]=true&business_profile[headline]=Acme+%26+you\
                    &business_profile[privacy_policy_url]=https://acme.example/privacy\
                    &business_profile[terms_of_service_url]=https://acme.example/terms\
                    &default_return_url=https://acme.example/account";
    let page = sandbox.page(&open(&sandbox, features).await, &[]).await;
    for shown in [
        "Acme &#38; you",
        "href=\"https://acme.example/privacy\"",
        "href=\"https://acme.example/terms\"",
        "Return to acme.example",
    ] {
        assert!(page.body.contains(shown), "{shown}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn each_status_of_a_plan_is_shown_with_its_actions() {
    let sandbox = start().await;
    let customer = sandbox.make("/v1/customers", "name=Jenny").await;
    let card = sandbox
        .make("/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}"))
        .await;
    let default = format!("invoice_settings[default_payment_method]={card}");
    sandbox.make(&format!("/v1/customers/{customer}"), &default).await;
    let price = sandbox.demo.price.clone();
    let url = sandbox.session_url(&format!("customer={customer}")).await;
    for (form, shown, absent) in [
        (
            "&trial_period_days=10",
            vec!["Trial", "Your trial ends on", "Change plan", "Cancel plan"],
            "Renews on",
        ),
        (
            "&payment_behavior=default_incomplete",
            vec!["Incomplete", "View open invoice", "href=\"/i/", "Cancel plan"],
            "Change plan",
        ),
        (
            &format!("&items[1][price]={BUSINESS_MONTHLY}"),
            vec!["Professional plan", "Business plan", "Cancel plan"],
            "Change plan",
        ),
        (
            "&items[0][quantity]=3",
            vec!["$60.00", "Quantity 3", "$20.00 each", "Change plan"],
            "Trial",
        ),
    ] {
        let id = sandbox
            .make(
                "/v1/subscriptions",
                &format!("customer={customer}&items[0][price]={price}{form}"),
            )
            .await;
        let page = sandbox.page(&url, &[]).await;
        for shown in shown {
            assert!(page.body.contains(shown), "{form}: {shown}\n{}", page.body);
        }
        assert!(!page.body.contains(absent), "{form}: {absent}");
        let cancel = sandbox.fill(&format!("{url}/subscriptions/{id}/cancel"), &[]).await;
        assert_eq!(cancel.status, 303, "{form}");
        sandbox.delete(&format!("/v1/subscriptions/{id}")).await;
    }
    sandbox.stop().await;
}
