//! Subscriptions through the API: beginning, changing, ending, resuming, and what each costs.

use serde_json::Value;

use crate::support::{Running, TestClock, refused, settings, start, start_with};

const DAY: i64 = 24 * 60 * 60;

/// A customer with a card, and two products with monthly prices of 10 and 30 dollars.
struct Shop {
    customer: String,
    card: String,
    small: String,
    large: String,
}

async fn shop(sandbox: &Running, card: &str) -> Shop {
    let customer = sandbox.make("/v1/customers", "name=Jenny").await;
    let card = sandbox.make(&format!("/v1/payment_methods/{card}/attach"), &format!("customer={customer}")).await;
    let form = format!("invoice_settings[default_payment_method]={card}");
    sandbox.make(&format!("/v1/customers/{customer}"), &form).await;
    let price = "currency=usd&recurring[interval]=month&unit_amount";
    let small = sandbox.make("/v1/prices", &format!("{price}=1000&product_data[name]=Small")).await;
    let large = sandbox.make("/v1/prices", &format!("{price}=3000&product_data[name]=Large")).await;
    Shop { customer, card, small, large }
}

impl Shop {
    async fn subscribe(&self, sandbox: &Running, more: &str) -> Value {
        let form = format!("customer={}&items[0][price]={}{more}", self.customer, self.small);
        let reply = sandbox.post("/v1/subscriptions", &form).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(i64::MIN)
}

fn path(subscription: &Value) -> String {
    format!("/v1/subscriptions/{}", text(subscription, "/id"))
}

#[tokio::test]
async fn a_subscription_is_paid_at_once_and_its_periods_stand_on_the_items() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "&expand[]=latest_invoice").await;
    assert_eq!(text(&made, "/status"), "active");
    assert_eq!(text(&made, "/billing_mode/type"), "flexible");
    assert!(made.get("current_period_end").is_none());
    let (start, end) =
        (number(&made, "/items/data/0/current_period_start"), number(&made, "/items/data/0/current_period_end"));
    assert!((27 * DAY..=32 * DAY).contains(&(end - start)));
    assert_eq!(text(&made, "/latest_invoice/status"), "paid");
    assert_eq!(number(&made, "/latest_invoice/amount_paid"), 1_000);
    assert_eq!(text(&made, "/latest_invoice/billing_reason"), "subscription_create");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_change_of_plan_is_prorated_as_the_preview_said() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let item = text(&made, "/items/data/0/id").to_owned();
    let whole = number(&made, "/items/data/0/current_period_end") - number(&made, "/items/data/0/current_period_start");
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
    for pointer in
        ["/total", "/amount_due", "/lines/data/0/amount", "/lines/data/1/amount", "/lines/data/1/description"]
    {
        assert_eq!(changed["latest_invoice"].pointer(pointer), preview.pointer(pointer), "{pointer}");
    }
    assert_eq!(text(&changed, "/latest_invoice/billing_reason"), "subscription_update");
    assert_eq!(text(&changed, "/items/data/0/price/id"), shop.large);
    assert_eq!(text(&changed, "/items/data/0/id"), item);
    sandbox.stop().await;
}

#[tokio::test]
async fn prorations_that_are_not_invoiced_wait_for_the_next_period() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let first = text(&made, "/latest_invoice").to_owned();
    let item = text(&made, "/items/data/0/id");
    let changed = sandbox.post(&path(&made), &format!("items[0][id]={item}&items[0][quantity]=3")).await.json();
    assert_eq!(text(&changed, "/latest_invoice"), first);
    let next =
        sandbox.post("/v1/invoices/create_preview", &format!("subscription={}", text(&made, "/id"))).await.json();
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
async fn another_interval_begins_a_new_period_with_the_rest_of_the_old_one_credited() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let yearly = "currency=usd&recurring[interval]=year&unit_amount=500&product_data[name]=Cheap";
    let yearly = sandbox.make("/v1/prices", yearly).await;
    let made = shop.subscribe(&sandbox, "").await;
    let item = text(&made, "/items/data/0/id");
    let form = format!("items[0][id]={item}&items[0][price]={yearly}&expand[]=latest_invoice&expand[]=customer");
    let changed = sandbox.post(&path(&made), &form).await.json();
    assert!(number(&changed, "/items/data/0/current_period_end") > number(&made, "/items/data/0/current_period_end"));
    // 10 dollars unused, 5 dollars due: nothing to pay, and 5 dollars of credit.
    assert_eq!(number(&changed, "/latest_invoice/total"), -500);
    assert_eq!(number(&changed, "/latest_invoice/amount_due"), 0);
    assert_eq!(text(&changed, "/latest_invoice/status"), "paid");
    assert_eq!(number(&changed, "/latest_invoice/ending_balance"), -500);
    assert_eq!(number(&changed, "/customer/balance"), -500);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_cancellation_can_wait_for_the_periods_end_and_be_taken_back() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let end = number(&made, "/items/data/0/current_period_end");
    let flagged = sandbox.post(&path(&made), "cancel_at_period_end=true").await.json();
    assert_eq!((number(&flagged, "/cancel_at"), &flagged["cancel_at_period_end"]), (end, &Value::Bool(true)));
    let back = sandbox.post(&path(&made), "cancel_at_period_end=false").await.json();
    assert_eq!((&back["cancel_at"], &back["canceled_at"]), (&Value::Null, &Value::Null));
    let timed = sandbox.post(&path(&made), "cancel_at=min_period_end").await.json();
    assert_eq!((number(&timed, "/cancel_at"), &timed["cancel_at_period_end"]), (end, &Value::Bool(false)));
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
async fn cancelling_at_once_gives_back_what_was_not_used() {
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
async fn a_trial_costs_nothing_and_ends_as_its_settings_say() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let trial = "&trial_period_days=7&trial_settings[end_behavior][missing_payment_method]";
    let paying = shop.subscribe(&sandbox, &format!("{trial}=pause&expand[]=latest_invoice")).await;
    assert_eq!((text(&paying, "/status"), number(&paying, "/latest_invoice/total")), ("trialing", 0));
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
    let card = sandbox.make("/v1/payment_methods/pm_card_visa/attach", &format!("customer={poor}")).await;
    let form = format!("invoice_settings[default_payment_method]={card}");
    sandbox.make(&format!("/v1/customers/{poor}"), &form).await;
    let resumed = sandbox.post(&resume, "expand[]=latest_invoice").await.json();
    assert_eq!((text(&resumed, "/status"), number(&resumed, "/latest_invoice/amount_paid")), ("active", 1_000));
    assert_eq!(sandbox.post(&resume, "").await.error(), refused(400, "", ""));
    let kinds = event_kinds(&sandbox, "customer.subscription.*").await;
    for kind in ["customer.subscription.paused", "customer.subscription.resumed"] {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} in {kinds:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_first_payment_that_fails_leaves_an_incomplete_subscription_that_can_be_paid() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_chargeCustomerFail").await;
    let made = shop.subscribe(&sandbox, "&expand[]=latest_invoice").await;
    assert_eq!((text(&made, "/status"), text(&made, "/latest_invoice/status")), ("incomplete", "open"));
    let invoice = text(&made, "/latest_invoice/id");
    let declined = sandbox.post(&format!("/v1/invoices/{invoice}/pay"), "").await;
    assert_eq!(declined.error(), refused(402, "card_declined", ""));
    assert_eq!(declined.json()["error"]["type"], "card_error");
    assert_eq!(declined.json()["error"]["decline_code"], "generic_decline");
    // The attempt has left its trace.
    assert_eq!(number(&sandbox.get(&format!("/v1/invoices/{invoice}")).await.json(), "/attempt_count"), 2);
    let good = format!("customer={}", shop.customer);
    let good = sandbox.make("/v1/payment_methods/pm_card_visa/attach", &good).await;
    let paid = sandbox.post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={good}")).await.json();
    assert_eq!(text(&paid, "/status"), "paid");
    assert_eq!(text(&sandbox.get(&path(&made)).await.json(), "/status"), "active");
    let again = sandbox.post(&format!("/v1/invoices/{invoice}/pay"), "").await;
    assert_eq!(again.error(), refused(400, "invoice_already_paid", ""));

    let second = shop.subscribe(&sandbox, "&payment_behavior=default_incomplete&expand[]=latest_invoice").await;
    assert_eq!((text(&second, "/status"), number(&second, "/latest_invoice/attempt_count")), ("incomplete", 0));
    clock.advance(DAY);
    assert_eq!(text(&sandbox.get(&path(&second)).await.json(), "/status"), "incomplete_expired");
    let invoice = format!("/v1/invoices/{}", text(&second, "/latest_invoice/id"));
    assert_eq!(text(&sandbox.get(&invoice).await.json(), "/status"), "void");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_payment_that_must_not_fail_leaves_nothing_behind() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_chargeCustomerFail").await;
    let items = format!("customer={}&items[0][price]={}", shop.customer, shop.small);
    let form = format!("{items}&payment_behavior=error_if_incomplete");
    assert_eq!(sandbox.post("/v1/subscriptions", &form).await.error(), refused(402, "card_declined", ""));
    let list = sandbox.get(&format!("/v1/subscriptions?customer={}&status=all", shop.customer)).await.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(0));
    let authenticating = format!("customer={}", shop.customer);
    let card = sandbox.make("/v1/payment_methods/pm_card_authenticationRequired/attach", &authenticating).await;
    let form = format!("{form}&default_payment_method={card}");
    assert_eq!(sandbox.post("/v1/subscriptions", &form).await.error(), refused(402, "authentication_required", ""));
    let poor = sandbox.make("/v1/customers", "").await;
    let form = format!("customer={poor}&items[0][price]={}", shop.small);
    assert_eq!(sandbox.post("/v1/subscriptions", &form).await.error(), refused(400, "resource_missing", ""));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_by_name() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let (customer, small) = (&shop.customer, &shop.small);
    let once = sandbox.make("/v1/prices", "currency=usd&unit_amount=5&product_data[name]=Once").await;
    let euro = "currency=eur&recurring[interval]=month&unit_amount=5&product_data[name]=Euro";
    let euro = sandbox.make("/v1/prices", euro).await;
    let idle = "currency=usd&recurring[interval]=month&unit_amount=5&active=false&product_data[name]=Idle";
    let idle = sandbox.make("/v1/prices", idle).await;
    let missing = "resource_missing";
    for (form, expected) in [
        (format!("items[0][price]={small}"), refused(400, "parameter_missing", "customer")),
        (format!("customer={customer}"), refused(400, "parameter_missing", "items")),
        (format!("customer=cus_x&items[0][price]={small}"), refused(400, missing, "customer")),
        (format!("customer={customer}&items[0][price]=price_x"), refused(400, missing, "items[0][price]")),
        (format!("customer={customer}&items[0][price]={once}"), refused(400, "", "items[0][price]")),
        (format!("customer={customer}&items[0][price]={idle}"), refused(400, "", "items[0][price]")),
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
        (format!("customer={customer}&items[0][price]={small}&trial_end=1"), refused(400, "", "trial_end")),
    ] {
        assert_eq!(sandbox.post("/v1/subscriptions", &form).await.error(), expected, "{form}");
    }
    assert!(shop.card.starts_with("pm_"));
    sandbox.stop().await;
}

async fn event_kinds(sandbox: &Running, kind: &str) -> Vec<String> {
    let list = sandbox.get(&format!("/v1/events?limit=100&type={kind}")).await.json();
    let data = list["data"].as_array().cloned().unwrap_or_default();
    data.iter().map(|event| text(event, "/type").to_owned()).collect()
}

#[tokio::test]
async fn prorations_of_one_subscription_are_never_billed_with_another() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let first = shop.subscribe(&sandbox, "").await;
    let item = text(&first, "/items/data/0/id");
    sandbox.post(&path(&first), &format!("items[0][id]={item}&items[0][price]={}", shop.large)).await;
    let second = shop.subscribe(&sandbox, "&expand[]=latest_invoice").await;
    assert_eq!(number(&second, "/latest_invoice/total"), 1_000);
    let next =
        sandbox.post("/v1/invoices/create_preview", &format!("subscription={}", text(&first, "/id"))).await.json();
    assert_eq!(number(&next, "/total"), -1_000 + 3_000 + 3_000);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_never_began_is_not_owed_and_gives_back_the_balance_it_took() {
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
async fn a_price_can_be_described_in_a_change_and_a_preview_leaves_none_behind() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let item = text(&made, "/items/data/0/id");
    let product = sandbox.make("/v1/products", "name=Custom").await;
    let data = |prefix: &str| {
        let field = |name: &str| {
            if prefix.is_empty() { format!("items[0][{name}]") } else { format!("{prefix}[items][0][{name}]") }
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
async fn a_cancellation_keeps_what_it_is_told_whatever_the_order() {
    let sandbox = start().await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let made = shop.subscribe(&sandbox, "").await;
    let end = number(&made, "/items/data/0/current_period_end");
    sandbox.post(&path(&made), "cancel_at=min_period_end").await;
    let flagged = sandbox.post(&path(&made), "cancel_at_period_end=true&cancel_at=").await.json();
    assert_eq!((number(&flagged, "/cancel_at"), &flagged["cancel_at_period_end"]), (end, &Value::Bool(true)));
    let ended = sandbox.delete(&path(&made)).await.json();
    assert_eq!((&ended["cancel_at"], &ended["cancel_at_period_end"]), (&Value::Null, &Value::Bool(false)));
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
async fn numbers_and_times_have_limits_and_a_new_period_begins_now() {
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
        (format!("{item}&items[0][quantity]=2&proration_date={far}"), refused(400, "", "proration_date")),
    ] {
        assert_eq!(sandbox.post(&path(&made), &form).await.error(), expected, "{form}");
    }
    let customer = format!("/v1/customers/{}", shop.customer);
    for name in ["balance", "next_invoice_sequence"] {
        assert_eq!(sandbox.post(&customer, &format!("{name}={far}")).await.error(), refused(400, integer, name));
    }
    let reset = format!("billing_cycle_anchor=now&proration_date={end}");
    let reset = sandbox.post(&path(&made), &reset).await.json();
    assert!(number(&reset, "/items/data/0/current_period_start") < end);
    sandbox.stop().await;
}

#[tokio::test]
async fn many_renewals_at_once_are_made_one_after_the_other() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let shop = shop(&sandbox, "pm_card_visa").await;
    let form = format!("customer={}&items[0][price]={}", shop.customer, shop.small);
    for _ in 0..300 {
        assert_eq!(sandbox.post("/v1/subscriptions", &form).await.status, 200);
    }
    clock.advance(32 * DAY);
    let renewed = sandbox.get(&format!("/v1/invoices?customer={}&limit=1", shop.customer)).await.json();
    assert_eq!(text(&renewed, "/data/0/billing_reason"), "subscription_cycle");
    let customer = sandbox.get(&format!("/v1/customers/{}", shop.customer)).await.json();
    assert_eq!(number(&customer, "/next_invoice_sequence"), 601);
    sandbox.stop().await;
}
