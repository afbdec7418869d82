//! Subscriptions through the API: creating and changing them, and the cost.

use crate::shop::{DAY, number, path, shop, text};
use crate::support::{TestClock, refused, settings, start, start_with};

#[tokio::test]
async fn a_subscription_is_paid_immediately_and_its_items_have_periods() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "&expand[]=latest_invoice").await;
    assert_eq!(text(&made, "/status"), "active");
    assert_eq!(text(&made, "/billing_mode/type"), "flexible");
    assert!(made.get("current_period_end").is_none());
    let start = number(&made, "/items/data/0/current_period_start");
    let end = number(&made, "/items/data/0/current_period_end");
    assert!((27 * DAY..=32 * DAY).contains(&(end - start)));
    assert_eq!(text(&made, "/latest_invoice/status"), "paid");
    assert_eq!(number(&made, "/latest_invoice/amount_paid"), 1_000);
    assert_eq!(text(&made, "/latest_invoice/billing_reason"), "subscription_create");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_plan_change_is_prorated_as_previewed() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let item = text(&made, "/items/data/0/id").to_owned();
    let whole = number(&made, "/items/data/0/current_period_end")
        - number(&made, "/items/data/0/current_period_start");
    clock.advance(10 * DAY);
    let at = number(&made, "/items/data/0/current_period_start") + 10 * DAY;
    let details = format!(
        "subscription={}&subscription_details[items][0][id]={item}&subscription_details[items][0][price]={}\
         &subscription_details[proration_behavior]=always_invoice&subscription_details[proration_date]={at}",
        text(&made, "/id"),
        shop.large
    );
    let preview = sandbox.post("/v1/invoices/create_preview", &details).await.json();
    let share = |amount: i64| (amount * (whole - 10 * DAY) * 2 + whole) / (whole * 2);
    assert_eq!(number(&preview, "/lines/data/0/amount"), -share(1_000), "{preview:#}");
    assert_eq!(number(&preview, "/lines/data/1/amount"), share(3_000));
    assert_eq!(text(&preview, "/status"), "draft");

    let change = format!(
        "items[0][id]={item}&items[0][price]={}&proration_behavior=always_invoice&proration_date={at}\
         &expand[]=latest_invoice",
        shop.large
    );
    let changed = sandbox.post(&path(&made), &change).await.json();
    for pointer in [
        "/total",
        "/amount_due",
        "/lines/data/0/amount",
        "/lines/data/1/amount",
        "/lines/data/1/description",
    ] {
        assert_eq!(
            changed["latest_invoice"].pointer(pointer),
            preview.pointer(pointer),
            "{pointer}"
        );
    }
    assert_eq!(text(&changed, "/latest_invoice/billing_reason"), "subscription_update");
    assert_eq!(text(&changed, "/items/data/0/price/id"), shop.large);
    assert_eq!(text(&changed, "/items/data/0/id"), item);
    sandbox.stop().await;
}

#[tokio::test]
async fn prorations_without_an_invoice_are_added_to_the_next_one() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let first = text(&made, "/latest_invoice").to_owned();
    let item = text(&made, "/items/data/0/id");
    let changed = sandbox
        .post(&path(&made), &format!("items[0][id]={item}&items[0][quantity]=3"))
        .await
        .json();
    assert_eq!(text(&changed, "/latest_invoice"), first);
    let next = sandbox
        .post("/v1/invoices/create_preview", &format!("subscription={}", text(&made, "/id")))
        .await
        .json();
    assert_eq!(number(&next, "/total"), -1_000 + 3_000 + 3_000);
    clock.advance(32 * DAY);
    let renewed = sandbox.get(&format!("{}?expand[]=latest_invoice", path(&made))).await.json();
    assert_eq!(number(&renewed, "/latest_invoice/total"), 5_000, "{renewed:#}");
    assert_eq!(text(&renewed, "/latest_invoice/billing_reason"), "subscription_cycle");
    clock.advance(31 * DAY);
    let renewed = sandbox.get(&format!("{}?expand[]=latest_invoice", path(&made))).await.json();
    assert_eq!(number(&renewed, "/latest_invoice/total"), 3_000);
    sandbox.stop().await;
}

#[tokio::test]
async fn change_of_interval_starts_a_new_period_and_credits_the_old_one() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let yearly = "currency=usd&recurring[interval]=year&unit_amount=500&product_data[name]=Cheap";
    let yearly = sandbox.make("/v1/prices", yearly).await;
    let made = shop.subscribe(&sandbox, "").await;
    let item = text(&made, "/items/data/0/id");
    let form = format!(
        "items[0][id]={item}&items[0][price]={yearly}&expand[]=latest_invoice&expand[]=customer"
    );
    let changed = sandbox.post(&path(&made), &form).await.json();
    assert!(
        number(&changed, "/items/data/0/current_period_end")
            > number(&made, "/items/data/0/current_period_end")
    );
    // 10 dollars unused, 5 dollars due: no payment, and 5 dollars of credit.
    assert_eq!(number(&changed, "/latest_invoice/total"), -500);
    assert_eq!(number(&changed, "/latest_invoice/amount_due"), 0);
    assert_eq!(text(&changed, "/latest_invoice/status"), "paid");
    assert_eq!(number(&changed, "/latest_invoice/ending_balance"), -500);
    assert_eq!(number(&changed, "/customer/balance"), -500);
    sandbox.stop().await;
}

#[tokio::test]
async fn error_if_incomplete_creates_nothing_if_the_payment_fails() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_chargeCustomerFail").await;
    let items = format!("customer={}&items[0][price]={}", shop.customer, shop.small);
    let form = format!("{items}&payment_behavior=error_if_incomplete");
    assert_eq!(
        sandbox.post("/v1/subscriptions", &form).await.error(),
        refused(402, "card_declined", "")
    );
    let list = sandbox
        .get(&format!("/v1/subscriptions?customer={}&status=all", shop.customer))
        .await
        .json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(0));
    let authenticating = format!("customer={}", shop.customer);
    let card = sandbox
        .make("/v1/payment_methods/pm_card_authenticationRequired/attach", &authenticating)
        .await;
    let form = format!("{form}&default_payment_method={card}");
    assert_eq!(
        sandbox.post("/v1/subscriptions", &form).await.error(),
        refused(402, "authentication_required", "")
    );
    let poor = sandbox.make("/v1/customers", "").await;
    let form = format!("customer={poor}&items[0][price]={}", shop.small);
    assert_eq!(
        sandbox.post("/v1/subscriptions", &form).await.error(),
        refused(400, "resource_missing", "")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn an_invalid_subscription_names_the_parameter() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let customer = &shop.customer;
    let small = &shop.small;
    let once =
        sandbox.make("/v1/prices", "currency=usd&unit_amount=5&product_data[name]=Once").await;
    let euro = "currency=eur&recurring[interval]=month&unit_amount=5&product_data[name]=Euro";
    let euro = sandbox.make("/v1/prices", euro).await;
    let idle =
        "currency=usd&recurring[interval]=month&unit_amount=5&active=false&product_data[name]=Idle";
    let idle = sandbox.make("/v1/prices", idle).await;
    let missing = "resource_missing";
    for (form, expected) in [
        (format!("items[0][price]={small}"), refused(400, "parameter_missing", "customer")),
        (format!("customer={customer}"), refused(400, "parameter_missing", "items")),
        (format!("customer=cus_x&items[0][price]={small}"), refused(400, missing, "customer")),
        (
            format!("customer={customer}&items[0][price]=price_x"),
            refused(400, missing, "items[0][price]"),
        ),
        (
            format!("customer={customer}&items[0][price]={once}"),
            refused(400, "", "items[0][price]"),
        ),
        (
            format!("customer={customer}&items[0][price]={idle}"),
            refused(400, "", "items[0][price]"),
        ),
        (
            format!("customer={customer}&items[0][price]={small}&items[1][price]={euro}"),
            refused(400, "", "items[1][price]"),
        ),
        (
            format!("customer={customer}&items[0][price]={small}&default_payment_method=pm_x"),
            refused(400, missing, "default_payment_method"),
        ),
        (
            format!("customer={customer}&items[0][price]={small}&items[0][prize]=1"),
            refused(400, "parameter_unknown", "items[0][prize]"),
        ),
        (
            format!("customer={customer}&items[0][price]={small}&payment_behavior=hope"),
            refused(400, "", "payment_behavior"),
        ),
        (
            format!("customer={customer}&items[0][price]={small}&trial_end=1"),
            refused(400, "", "trial_end"),
        ),
    ] {
        assert_eq!(sandbox.post("/v1/subscriptions", &form).await.error(), expected, "{form}");
    }
    assert!(shop.card.starts_with("pm_"));
    sandbox.stop().await;
}

#[tokio::test]
async fn prorations_are_billed_only_with_their_own_subscription() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let first = shop.subscribe(&sandbox, "").await;
    let item = text(&first, "/items/data/0/id");
    sandbox
        .post(&path(&first), &format!("items[0][id]={item}&items[0][price]={}", shop.large))
        .await;
    let second = shop.subscribe(&sandbox, "&expand[]=latest_invoice").await;
    assert_eq!(number(&second, "/latest_invoice/total"), 1_000);
    let next = sandbox
        .post("/v1/invoices/create_preview", &format!("subscription={}", text(&first, "/id")))
        .await
        .json();
    assert_eq!(number(&next, "/total"), -1_000 + 3_000 + 3_000);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_change_accepts_an_inline_price_and_a_preview_stores_none() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let item = text(&made, "/items/data/0/id");
    let product = sandbox.make("/v1/products", "name=Custom").await;
    let data = |prefix: &str| {
        let field = |name: &str| {
            if prefix.is_empty() {
                format!("items[0][{name}]")
            } else {
                format!("{prefix}[items][0][{name}]")
            }
        };
        format!(
            "{}={item}&{}[currency]=usd&{}[product]={product}&{}[unit_amount]=7000&{}[recurring][interval]=month",
            field("id"),
            field("price_data"),
            field("price_data"),
            field("price_data"),
            field("price_data")
        )
    };
    let prices = format!("/v1/prices?product={product}");
    let preview = format!("subscription={}&{}", text(&made, "/id"), data("subscription_details"));
    let preview = sandbox.post("/v1/invoices/create_preview", &preview).await.json();
    assert_eq!(number(&preview, "/lines/data/1/amount"), 7_000, "{preview:#}");
    assert_eq!(sandbox.get(&prices).await.json()["data"], serde_json::json!([]));
    let changed = sandbox.post(&path(&made), &data("")).await.json();
    assert_eq!(number(&changed, "/items/data/0/price/unit_amount"), 7_000);
    assert_eq!(sandbox.get(&prices).await.json()["data"][0]["active"], false);
    sandbox.stop().await;
}

#[tokio::test]
async fn numbers_and_times_have_limits_and_a_new_period_starts_now() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let end = number(&made, "/items/data/0/current_period_end");
    let far = i64::MAX;
    let integer = "parameter_invalid_integer";
    let item = format!("items[0][id]={}", text(&made, "/items/data/0/id"));
    for (form, expected) in [
        (format!("cancel_at={far}"), refused(400, "", "cancel_at")),
        (format!("trial_end={far}"), refused(400, "", "trial_end")),
        (format!("{item}&items[0][quantity]={far}"), refused(400, integer, "items[0][quantity]")),
        (
            format!("{item}&items[0][quantity]=2&proration_date={far}"),
            refused(400, "", "proration_date"),
        ),
    ] {
        assert_eq!(sandbox.post(&path(&made), &form).await.error(), expected, "{form}");
    }
    let customer = format!("/v1/customers/{}", shop.customer);
    for name in ["balance", "next_invoice_sequence"] {
        assert_eq!(
            sandbox.post(&customer, &format!("{name}={far}")).await.error(),
            refused(400, integer, name)
        );
    }
    let reset = format!("billing_cycle_anchor=now&proration_date={end}");
    let reset = sandbox.post(&path(&made), &reset).await.json();
    assert!(number(&reset, "/items/data/0/current_period_start") < end);
    sandbox.stop().await;
}
