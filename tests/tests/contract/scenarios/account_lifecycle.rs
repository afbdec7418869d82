//! V2, W2 to W4: a billing account follows Stripe when deliveries are on time, late, duplicated,
//! reordered or lost.

use serde_json::json;
use workspace_tests::database::Store;
use workspace_tests::poll;
use workspace_tests::sandbox_fixture::SandboxFixture;
use workspace_tests::scenario::{Scenario, scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        account_exists_from_the_purchase_until_the_customer_is_deleted(store),
        "W3.appears",
        "W3.removed",
        "V2.follows_provider"
    ),
    scenario!(
        mirror_is_correct_when_deliveries_are_late_duplicated_or_reordered(store),
        "W2.any_order"
    ),
    scenario!(
        reconcile_repairs_the_mirror_when_deliveries_are_lost(store),
        "W4.repairs",
        "W4.command"
    ),
    scenario!(mirror_follows_when_the_sandbox_clock_advances(store), "V2.follows_provider"),
];

/// Runs a customer's lifecycle (purchase, change, cancellation, deletion) and checks each state.
/// Calls `after_change` after each change at Stripe.
fn run_lifecycle(fixture: &SandboxFixture, user: &str, after_change: impl Fn()) {
    let token = fixture.token(user);
    fixture.buy(&token, "starter");
    after_change();
    poll::until("the purchase", || {
        (fixture.current(&token)["subscription"]["plan"] == "starter").then_some(())
    });
    let customer = fixture.customer(user);
    let subscriptions = fixture.stripe("GET", "/v1/subscriptions", &[("customer", &customer)]);
    let one = &subscriptions["data"][0];
    let (id, item) = (one["id"].as_str().unwrap(), one["items"]["data"][0]["id"].as_str().unwrap());
    let path = format!("/v1/subscriptions/{id}");
    let _ = fixture.stripe(
        "POST",
        &path,
        &[("items[0][id]", item), ("items[0][price]", "price_1SandboxDemoBizMonthly01")],
    );
    after_change();
    poll::until("the change", || {
        (fixture.current(&token)["subscription"]["plan"] == "business").then_some(())
    });
    let _ = fixture.stripe("POST", &path, &[("cancel_at_period_end", "true")]);
    after_change();
    poll::until("the cancellation", || {
        (fixture.current(&token)["subscription"]["cancelAtPeriodEnd"] == true).then_some(())
    });
    assert_eq!(fixture.open_portal(&token).status, 200);
    let _ = fixture.stripe("DELETE", &format!("/v1/customers/{customer}"), &[]);
    after_change();
    poll::until("the account to disappear", || {
        (fixture.open_portal(&token).code() == "billing_account_not_found").then_some(())
    });
    assert_eq!(fixture.current(&token)["hasSubscription"], false);
    // The next purchase creates another customer.
    fixture.buy(&token, "agency");
    after_change();
    poll::until("the second purchase", || {
        (fixture.current(&token)["subscription"]["plan"] == "agency").then_some(())
    });
    assert_ne!(fixture.customer(user), customer);
}

fn account_exists_from_the_purchase_until_the_customer_is_deleted(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    run_lifecycle(&fixture, "punctual", || {});
    let applied = fixture
        .command(&["webhooks", "list", "--state", "applied", "--limit", "1000", "--json"])
        .json();
    let applied = applied["events"].as_array().unwrap();
    assert!(applied.len() > 10, "{applied:?}");
}

fn mirror_is_correct_when_deliveries_are_late_duplicated_or_reordered(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    for (user, fault) in [("doubled", "double"), ("late", "late"), ("reordered", "reorder")] {
        let more: &[(&str, &str)] = if fault == "late" { &[("seconds", "1")] } else { &[] };
        let form = [&[("fault", fault), ("times", "500")], more].concat();
        let _ = fixture.stripe("POST", "/sandbox/deliveries", &form);
        run_lifecycle(&fixture, user, || {});
        let _ = fixture.stripe("DELETE", "/sandbox/deliveries", &[]);
    }
}

fn reconcile_repairs_the_mirror_when_deliveries_are_lost(store: Store) {
    // First the command repairs the mirror, then the replica that reconciles.
    let fixture = SandboxFixture::start_on(
        store,
        &[("BILLING_RATE_LIMIT_PER_MINUTE", "0"), ("BILLING_RECONCILE_INTERVAL_SECONDS", "0")],
    );
    let _ = fixture.stripe("POST", "/sandbox/deliveries", &[("fault", "lose"), ("times", "5000")]);
    let reconcile = |more: &[&str]| {
        fixture.command(&[&["customers", "reconcile", "--json"], more].concat()).json()
    };
    // The demo's customer is linked but may not be in the mirror yet.
    let _ = reconcile(&[]);
    run_lifecycle(&fixture, "lost-1", || {
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
    let events = fixture.command(&["webhooks", "list", "--limit", "10000", "--json"]).json();
    let known = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["subject"] != "cus_SandboxDemo001");
    assert!(
        known.filter(|event| !event["subject"].is_null()).count() == 0,
        "an event was delivered: {events}"
    );
    drop(fixture);

    let fixture = SandboxFixture::start_on(
        store,
        &[("BILLING_RATE_LIMIT_PER_MINUTE", "0"), ("BILLING_RECONCILE_INTERVAL_SECONDS", "1")],
    );
    let _ = fixture.stripe("POST", "/sandbox/deliveries", &[("fault", "lose"), ("times", "5000")]);
    run_lifecycle(&fixture, "lost-2", || {});
}

fn mirror_follows_when_the_sandbox_clock_advances(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    let token = fixture.token("patient");
    fixture.buy(&token, "starter");
    let first = poll::until("the purchase", || {
        Some(fixture.current(&token)).filter(|current| current["hasSubscription"] == true)
    });
    let _ = fixture.stripe("POST", "/sandbox/clock", &[("advance", "2764800")]);
    poll::until("the renewal", || {
        let current = fixture.current(&token);
        (current["subscription"]["currentPeriodStart"] == first["subscription"]["currentPeriodEnd"])
            .then_some(())
    });
    let customer = fixture.customer("patient");
    let subscriptions = fixture.stripe("GET", "/v1/subscriptions", &[("customer", &customer)]);
    let id = subscriptions["data"][0]["id"].as_str().unwrap().to_owned();
    let _ = fixture.stripe(
        "POST",
        &format!("/v1/subscriptions/{id}"),
        &[("cancel_at_period_end", "true")],
    );
    let _ = fixture.stripe("POST", "/sandbox/clock", &[("advance", "2764800")]);
    poll::until("the subscription to end", || {
        (fixture.current(&token)["hasSubscription"] == false).then_some(())
    });
    // The billing account stays, because it has invoices.
    assert_eq!(fixture.open_portal(&token).status, 200);
}
