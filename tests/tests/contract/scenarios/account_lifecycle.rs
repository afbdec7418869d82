//! V2, W2 to W4: a billing account follows Stripe, with deliveries on time, late, doubled, reordered or lost.

use serde_json::json;
use workspace_tests::database::Store;
use workspace_tests::poll;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shop::Shop;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(an_account_comes_and_goes(store), "W3.appears", "W3.goes", "V2.follows"),
    scenario!(deliveries_may_be_late_doubled_or_in_any_order(store), "W2.any_order"),
    scenario!(lost_deliveries_are_made_good(store), "W4.repairs", "W4.command"),
    scenario!(time_moves_on_at_the_provider(store), "V2.follows"),
];

/// What a customer's life leaves behind, whatever the deliveries did: bought, changed, cancelled, deleted.
fn live(shop: &Shop, user: &str, told: impl Fn()) {
    let token = shop.token(user);
    shop.buy(&token, "starter");
    told();
    poll::until("the purchase", || {
        (shop.current(&token)["subscription"]["plan"] == "starter").then_some(())
    });
    let customer = shop.customer(user);
    let subscriptions = shop.stripe("GET", "/v1/subscriptions", &[("customer", &customer)]);
    let one = &subscriptions["data"][0];
    let (id, item) = (one["id"].as_str().unwrap(), one["items"]["data"][0]["id"].as_str().unwrap());
    let path = format!("/v1/subscriptions/{id}");
    let _ = shop.stripe(
        "POST",
        &path,
        &[("items[0][id]", item), ("items[0][price]", "price_1SandboxDemoBizMonthly01")],
    );
    told();
    poll::until("the change", || {
        (shop.current(&token)["subscription"]["plan"] == "business").then_some(())
    });
    let _ = shop.stripe("POST", &path, &[("cancel_at_period_end", "true")]);
    told();
    poll::until("the cancellation", || {
        (shop.current(&token)["subscription"]["cancelAtPeriodEnd"] == true).then_some(())
    });
    assert_eq!(shop.open_portal(&token).status, 200);
    let _ = shop.stripe("DELETE", &format!("/v1/customers/{customer}"), &[]);
    told();
    poll::until("the account's end", || {
        (shop.open_portal(&token).code() == "billing_account_not_found").then_some(())
    });
    assert_eq!(shop.current(&token)["hasSubscription"], false);
    // The next purchase makes another customer.
    shop.buy(&token, "agency");
    told();
    poll::until("the second purchase", || {
        (shop.current(&token)["subscription"]["plan"] == "agency").then_some(())
    });
    assert_ne!(shop.customer(user), customer);
}

fn an_account_comes_and_goes(store: Store) {
    let shop = Shop::open_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    live(&shop, "punctual", || {});
    let applied = shop
        .command(&["webhooks", "list", "--state", "applied", "--limit", "1000", "--json"])
        .json();
    let applied = applied["events"].as_array().unwrap();
    assert!(applied.len() > 10, "{applied:?}");
}

fn deliveries_may_be_late_doubled_or_in_any_order(store: Store) {
    let shop = Shop::open_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    for (user, fault) in [("doubled", "double"), ("late", "late"), ("reordered", "reorder")] {
        let more: &[(&str, &str)] = if fault == "late" { &[("seconds", "1")] } else { &[] };
        let form = [&[("fault", fault), ("times", "500")], more].concat();
        let _ = shop.stripe("POST", "/sandbox/deliveries", &form);
        live(&shop, user, || {});
        let _ = shop.stripe("DELETE", "/sandbox/deliveries", &[]);
    }
}

fn lost_deliveries_are_made_good(store: Store) {
    // Once by the command, once by the replica that leads.
    let shop = Shop::open_on(
        store,
        &[("BILLING_RATE_LIMIT_PER_MINUTE", "0"), ("BILLING_RECONCILE_INTERVAL_SECONDS", "0")],
    );
    let _ = shop.stripe("POST", "/sandbox/deliveries", &[("fault", "lose"), ("times", "5000")]);
    let reconcile = |more: &[&str]| {
        shop.command(&[&["customers", "reconcile", "--json"], more].concat()).json()
    };
    // The demo's customer was linked, and perhaps never read.
    let _ = reconcile(&[]);
    live(&shop, "lost-1", || {
        let dry = reconcile(&["--dry-run"]);
        assert_eq!(
            (&dry["dryRun"], dry["differed"].as_array().unwrap().len()),
            (&json!(true), 1),
            "{dry}"
        );
        let repaired = reconcile(&[]);
        assert_eq!(repaired["differed"], dry["differed"], "{repaired}");
        assert_eq!(reconcile(&[])["differed"], json!([]));
    });
    let events = shop.command(&["webhooks", "list", "--limit", "10000", "--json"]).json();
    let known = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["subject"] != "cus_SandboxDemo001");
    assert!(
        known.filter(|event| !event["subject"].is_null()).count() == 0,
        "an event was delivered: {events}"
    );
    drop(shop);

    let shop = Shop::open_on(
        store,
        &[("BILLING_RATE_LIMIT_PER_MINUTE", "0"), ("BILLING_RECONCILE_INTERVAL_SECONDS", "1")],
    );
    let _ = shop.stripe("POST", "/sandbox/deliveries", &[("fault", "lose"), ("times", "5000")]);
    live(&shop, "lost-2", || {});
}

fn time_moves_on_at_the_provider(store: Store) {
    let shop = Shop::open_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    let token = shop.token("patient");
    shop.buy(&token, "starter");
    let first = poll::until("the purchase", || {
        Some(shop.current(&token)).filter(|told| told["hasSubscription"] == true)
    });
    let _ = shop.stripe("POST", "/sandbox/clock", &[("advance", "2764800")]);
    poll::until("the renewal", || {
        let told = shop.current(&token);
        (told["subscription"]["currentPeriodStart"] == first["subscription"]["currentPeriodEnd"])
            .then_some(())
    });
    let customer = shop.customer("patient");
    let subscriptions = shop.stripe("GET", "/v1/subscriptions", &[("customer", &customer)]);
    let id = subscriptions["data"][0]["id"].as_str().unwrap().to_owned();
    let _ = shop.stripe(
        "POST",
        &format!("/v1/subscriptions/{id}"),
        &[("cancel_at_period_end", "true")],
    );
    let _ = shop.stripe("POST", "/sandbox/clock", &[("advance", "2764800")]);
    poll::until("the end", || (shop.current(&token)["hasSubscription"] == false).then_some(()));
    // A billing account stays: its invoices are there.
    assert_eq!(shop.open_portal(&token).status, 200);
}
