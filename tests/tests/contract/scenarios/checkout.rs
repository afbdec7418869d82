//! V1 to V3: buying a plan, and the current subscription afterwards.

use serde_json::{Value, json};
use workspace_tests::database::Store;
use workspace_tests::poll;
use workspace_tests::sandbox_fixture::{
    CHECKOUT, CURRENT, DECLINED_CARD, GOOD_CARD, SandboxFixture,
};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::wire::Request;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        new_user_buys_a_plan_and_current_returns_it(store),
        "V1.token_route",
        "V1.key_route",
        "V2.shape",
        "V2.routes",
        "W3.appears",
        "E1.already_subscribed"
    ),
    scenario!(api_key_without_the_route_permission_returns_403(store), "V1.key_route", "V2.routes"),
    scenario!(
        checkout_rejects_unknown_plans_and_invalid_bodies(store),
        "V1.body",
        "V1.unknown_plan",
        "V1.url_defaults",
        "V1.urls",
        "V1.session_id",
        "E1.unknown_plan"
    ),
    scenario!(concurrent_checkouts_create_one_customer(store), "V1.one_customer", "V1.reused"),
    scenario!(
        repeated_idempotency_key_returns_the_same_session(store),
        "V1.idempotency",
        "E1.idempotency_conflict"
    ),
    scenario!(
        checkout_returns_already_subscribed_when_the_event_was_lost(store),
        "V1.already_subscribed"
    ),
    scenario!(checkout_returns_provider_error_when_the_price_differs(store), "V1.price"),
    scenario!(plans_are_listed_without_a_credential(store), "V3.plans"),
];

/// A plan's monthly price at the sandbox.
const STARTER: &str = "price_1SandboxDemoStartMonthly1";

fn new_user_buys_a_plan_and_current_returns_it(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[]);
    let token = fixture.token("newcomer-1");
    let none = json!({ "hasSubscription": false, "subscription": null, "planDetails": null });
    assert_eq!(fixture.current(&token), none);
    assert_eq!(fixture.open_portal(&token).code(), "billing_account_not_found");

    let answer = fixture.checkout(&token, &json!({ "planId": "starter" }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let started = answer.json();
    let plan =
        json!({ "id": "starter", "name": "Starter", "monthlyCredits": 1000, "priceCents": 900 });
    assert_eq!(started["plan"], plan);
    let session = started["sessionId"].as_str().unwrap();
    let page = started["url"].as_str().unwrap();
    assert_eq!(started.as_object().unwrap().len(), 3);

    // An unpaid checkout and a declined card create no billing account.
    let declined = fixture.pay(page, DECLINED_CARD);
    assert_eq!(declined.status, 422, "{}", declined.text());
    assert_eq!(fixture.open_portal(&token).code(), "billing_account_not_found");
    assert_eq!(fixture.current(&token), none);

    let paid = fixture.pay(page, GOOD_CARD);
    assert_eq!(
        (paid.status, paid.header("location")),
        (303, Some(format!("http://{}/", fixture.portal.public).as_str()))
    );
    // tests/browser/account-lifecycle.mjs checks that this takes at most 2 s.
    let current = poll::until("the purchase", || {
        let current = fixture.current(&token);
        (current["hasSubscription"] == true).then_some(current)
    });
    let subscription = &current["subscription"];
    assert_eq!(
        (&subscription["plan"], &subscription["status"]),
        (&json!("starter"), &json!("active"))
    );
    assert_eq!(
        (&subscription["billingCycle"], &subscription["cancelAtPeriodEnd"]),
        (&json!("monthly"), &json!(false))
    );
    for moment in ["currentPeriodStart", "currentPeriodEnd"] {
        assert!(subscription[moment].as_str().is_some_and(|text| text.ends_with('Z')), "{current}");
    }
    let details = &current["planDetails"];
    assert_eq!(
        (&details["id"], &details["monthlyCredits"], &details["price"]),
        (&json!("starter"), &json!(1000), &json!(9))
    );
    assert!(details["features"].as_array().is_some_and(|features| !features.is_empty()));
    assert_eq!(fixture.open_portal(&token).status, 200);

    let at_stripe = fixture.stripe("GET", &format!("/v1/checkout/sessions/{session}"), &[]);
    assert_eq!(
        (&at_stripe["client_reference_id"], &at_stripe["status"]),
        (&json!("newcomer-1"), &json!("complete"))
    );
    assert_eq!(at_stripe["metadata"]["user_id"], "newcomer-1");

    // An API key with the permission of each route can do the same.
    let key = fixture
        .command(&["keys", "create", "--user", "newcomer-1", "--name", "k", "--json"])
        .json();
    let key = key["key"].as_str().unwrap().to_owned();
    workspace_tests::shared_fixture::plant_key(&key);
    let by_key = fixture.portal.send(&Request::get(format!("{CURRENT}/api")).bearer(&key));
    assert_eq!((by_key.status, by_key.json()), (200, fixture.current(&token)));
    let again = fixture.portal.send(
        &Request::post_json(format!("{CHECKOUT}/api"), &json!({ "planId": "agency" })).bearer(&key),
    );
    assert_eq!((again.status, again.code().as_str()), (400, "already_subscribed"));
}

fn api_key_without_the_route_permission_returns_403(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[]);
    let make = |more: &[&str]| {
        let mut arguments = vec!["keys", "create", "--user", "newcomer-2", "--name", "k", "--json"];
        arguments.extend(more);
        let key = fixture.command(&arguments).json()["key"].as_str().unwrap().to_owned();
        workspace_tests::shared_fixture::plant_key(&key);
        key
    };
    let (portal_only, buyer) = (
        make(&["--permission", "subscriptions:portal"]),
        make(&["--permission", "subscriptions:checkout"]),
    );
    let checkout = |key: &str| {
        fixture.portal.send(
            &Request::post_json(format!("{CHECKOUT}/api"), &json!({ "planId": "starter" }))
                .bearer(key),
        )
    };
    let current =
        |key: &str| fixture.portal.send(&Request::get(format!("{CURRENT}/api")).bearer(key));
    assert_eq!(checkout(&portal_only).code(), "insufficient_permission");
    assert_eq!(current(&portal_only).code(), "insufficient_permission");
    assert_eq!(current(&buyer).code(), "insufficient_permission");
    let started = checkout(&buyer);
    assert_eq!(started.status, 200, "{}", started.text());
    assert_eq!(started.json()["plan"]["id"], "starter");
}

fn checkout_rejects_unknown_plans_and_invalid_bodies(store: Store) {
    let fixture = SandboxFixture::start_on(
        store,
        &[
            ("BILLING_DASHBOARD_URL", "https://dash.example.com/home"),
            ("BILLING_PRICING_URL", "https://www.example.com/pricing"),
            ("BILLING_RETURN_URL_ORIGINS", "https://app.example.com"),
            ("BILLING_RATE_LIMIT_PER_MINUTE", "0"),
        ],
    );
    let token = fixture.token("newcomer-3");
    let rejected = |body: Value, code: &str| {
        let answer = fixture.checkout(&token, &body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, code),
            "{body}: {}",
            answer.text()
        );
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    assert!(rejected(json!({}), "invalid_request").contains("planId"));
    assert!(rejected(json!({ "planId": null }), "invalid_request").contains("planId"));
    assert!(rejected(json!({ "planId": 1 }), "invalid_request").contains("planId"));
    assert!(
        rejected(json!({ "planId": "starter", "plan": "x" }), "invalid_request").contains("plan")
    );
    assert!(
        rejected(json!({ "planId": "starter", "billingCycle": "weekly" }), "invalid_request")
            .contains("billingCycle")
    );
    for unknown in ["", "Starter", "enterprise", "starter ", STARTER] {
        let _ = rejected(json!({ "planId": unknown }), "unknown_plan");
    }
    for (field, bad) in [
        ("successUrl", "https://evil.example.com/"),
        ("successUrl", "http://app.example.com/"),
        ("cancelUrl", "javascript:alert(1)"),
        ("cancelUrl", "https://app.example.com@evil.example.com/"),
    ] {
        assert!(
            rejected(json!({ "planId": "starter", field: bad }), "invalid_return_url")
                .contains(field),
            "{field} {bad}"
        );
    }
    // No rejected request reached the provider.
    let customers = fixture.stripe("GET", "/v1/customers", &[("limit", "100")]);
    assert_eq!(customers["data"].as_array().unwrap().len(), 1, "only the demo's: {customers}");

    let session = |body: Value| {
        let answer = fixture.checkout(&token, &body);
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        fixture.stripe(
            "GET",
            &format!("/v1/checkout/sessions/{}", answer.json()["sessionId"].as_str().unwrap()),
            &[],
        )
    };
    let by_default = session(json!({ "planId": "professional" }));
    assert_eq!(by_default["success_url"], "https://dash.example.com/home");
    assert_eq!(by_default["cancel_url"], "https://www.example.com/pricing");
    let session_object = session(json!({
        "planId": "professional",
        "billingCycle": "yearly",
        "successUrl": "HTTPS://app.example.com:443/done/{CHECKOUT_SESSION_ID}?s={CHECKOUT_SESSION_ID}",
        "cancelUrl": "https://app.example.com/back",
    }));
    assert_eq!(
        session_object["success_url"],
        "https://app.example.com/done/{CHECKOUT_SESSION_ID}?s={CHECKOUT_SESSION_ID}"
    );
    assert_eq!(
        (&session_object["cancel_url"], &session_object["amount_total"]),
        (&json!("https://app.example.com/back"), &json!(20_000))
    );
    let paid = fixture.pay(session_object["url"].as_str().unwrap(), GOOD_CARD);
    let id = session_object["id"].as_str().unwrap();
    assert_eq!(
        paid.header("location"),
        Some(format!("https://app.example.com/done/{id}?s={id}").as_str())
    );
}

fn concurrent_checkouts_create_one_customer(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    // The provider is slow, rejects some requests and closes some connections. Lost responses must
    // not create further customers.
    for fault in ["delay=300", "drop=after", "status=429", "drop"] {
        let _ = fixture.stripe("POST", "/sandbox/faults", &[("fault", fault), ("times", "2")]);
    }
    let token = fixture.token("newcomer-4");
    let pages: Vec<String> = std::thread::scope(|scope| {
        let start_checkout = || fixture.checkout(&token, &json!({ "planId": "starter" }));
        let asking: Vec<_> = (0..24).map(|_| scope.spawn(start_checkout)).collect();
        let answers: Vec<_> = asking.into_iter().map(|one| one.join().unwrap()).collect();
        let good = answers.iter().filter(|answer| answer.status == 200);
        good.map(|answer| answer.json()["url"].as_str().unwrap().to_owned()).collect()
    });
    assert!(!pages.is_empty(), "all of the 24 checkouts failed");
    let mine = || {
        let customers = fixture.stripe("GET", "/v1/customers", &[("limit", "100")]);
        let mine = customers["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["metadata"]["user_id"] == "newcomer-4");
        mine.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(mine().len(), 1);
    fixture.buy(&token, "starter");
    poll::until("the purchase", || {
        (fixture.current(&token)["hasSubscription"] == true).then_some(())
    });
    assert_eq!(vec![fixture.customer("newcomer-4")], mine());

    // After a cancellation and a second purchase the customer is the same.
    let subscriptions = fixture.stripe("GET", "/v1/subscriptions", &[("customer", &mine()[0])]);
    let subscription = subscriptions["data"][0]["id"].as_str().unwrap().to_owned();
    let _ = fixture.stripe("DELETE", &format!("/v1/subscriptions/{subscription}"), &[]);
    poll::until("the subscription to end", || {
        (fixture.current(&token)["hasSubscription"] == false).then_some(())
    });
    fixture.buy(&token, "business");
    poll::until("the second purchase", || {
        (fixture.current(&token)["subscription"]["plan"] == "business").then_some(())
    });
    assert_eq!(mine().len(), 1);
}

fn repeated_idempotency_key_returns_the_same_session(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[("BILLING_RATE_LIMIT_PER_MINUTE", "0")]);
    let (token, other) = (fixture.token("newcomer-5"), fixture.token("newcomer-6"));
    let start_checkout = |token: &str, key: &str, body: Value| {
        fixture
            .portal
            .send(&Request::post_json(CHECKOUT, &body).bearer(token).header("idempotency-key", key))
    };
    let starter = || json!({ "planId": "starter" });
    let first = start_checkout(&token, "order-1", starter());
    assert_eq!(first.status, 200, "{}", first.text());
    // An equal body in another notation is the same request.
    let same = json!({ "billingCycle": "monthly", "planId": "starter", "successUrl": null });
    for again in
        [start_checkout(&token, "order-1", starter()), start_checkout(&token, "order-1", same)]
    {
        assert_eq!((again.status, again.json()), (200, first.json()));
    }
    let conflict = start_checkout(&token, "order-1", json!({ "planId": "agency" }));
    assert_eq!((conflict.status, conflict.code().as_str()), (409, "idempotency_conflict"));
    assert_ne!(
        start_checkout(&token, "order-2", starter()).json()["sessionId"],
        first.json()["sessionId"]
    );
    assert_ne!(
        start_checkout(&other, "order-1", starter()).json()["sessionId"],
        first.json()["sessionId"]
    );
    for bad in ["", "two parts", &"x".repeat(256)] {
        assert_eq!(start_checkout(&token, bad, starter()).code(), "invalid_request", "{bad:?}");
    }
    let twice = Request::post_json(CHECKOUT, &starter())
        .bearer(&token)
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    assert_eq!(fixture.portal.send(&twice).code(), "invalid_request");
    // Concurrent requests with one key create one session.
    let sessions: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let one = || start_checkout(&other, "order-7", starter());
        let asking: Vec<_> = (0..12).map(|_| scope.spawn(one)).collect();
        let answers = asking.into_iter().map(|one| one.join().unwrap());
        answers
            .filter(|one| one.status == 200)
            .map(|one| one.json()["sessionId"].as_str().unwrap().to_owned())
            .collect()
    });
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    // After the payment the key still returns the same session.
    let paid = fixture.pay(first.json()["url"].as_str().unwrap(), GOOD_CARD);
    assert_eq!(paid.status, 303);
    assert_eq!(start_checkout(&token, "order-1", starter()).json(), first.json());
    assert_eq!(fixture.checkout(&token, &starter()).code(), "already_subscribed");
}

fn checkout_returns_already_subscribed_when_the_event_was_lost(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[]);
    let token = fixture.token("newcomer-7");
    let _ = fixture.checkout_url(&token, "starter");
    let customers = fixture.stripe("GET", "/v1/customers", &[("limit", "100")]);
    let mine = customers["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["metadata"]["user_id"] == "newcomer-7");
    let customer = mine.unwrap()["id"].as_str().unwrap().to_owned();
    // The service receives no event, because the sandbox loses the deliveries.
    let _ = fixture.stripe("POST", "/sandbox/deliveries", &[("fault", "lose"), ("times", "1000")]);
    let _ = fixture.stripe(
        "POST",
        "/v1/subscriptions",
        &[("customer", &customer), ("items[0][price]", STARTER), ("trial_period_days", "7")],
    );
    assert_eq!(
        fixture.checkout(&token, &json!({ "planId": "agency" })).code(),
        "already_subscribed"
    );
    assert_eq!(fixture.current(&token)["subscription"]["status"], "trialing");
}

fn checkout_returns_provider_error_when_the_price_differs(store: Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    let catalogue = format!(
        "[[plans]]\nid = \"cheap\"\nname = \"Cheap\"\nmonthly_credits = 1\nmonthly = {{ price_cents = 899, test = \"{STARTER}\" }}\n\
         [[plans]]\nid = \"gone\"\nname = \"Gone\"\nmonthly_credits = 1\nmonthly = {{ price_cents = 1, test = \"price_gone\" }}\n\
         [[plans]]\nid = \"yearly\"\nname = \"Yearly\"\nmonthly_credits = 1\nyearly = {{ price_cents = 9000, test = \"price_1SandboxDemoStartYearly01\" }}\n"
    );
    std::fs::write(&file, catalogue).unwrap();
    let fixture = SandboxFixture::start_on(store, &[("BILLING_CATALOGUE", file.to_str().unwrap())]);
    let token = fixture.token("newcomer-8");
    for plan in ["cheap", "gone"] {
        let answer = fixture.checkout(&token, &json!({ "planId": plan }));
        assert_eq!((answer.status, answer.code().as_str()), (502, "provider_error"), "{plan}");
    }
    assert_eq!(fixture.checkout(&token, &json!({ "planId": "yearly" })).code(), "unknown_plan");
    let yearly = fixture.checkout(&token, &json!({ "planId": "yearly", "billingCycle": "yearly" }));
    assert_eq!(yearly.status, 200, "{}", yearly.text());
    poll::until("the catalogue's check", || {
        let log = fixture.portal.process.stderr();
        (log.contains("the catalogue says 899 usd, the provider 900 usd")
            && log.contains("no such price"))
        .then_some(())
    });
}

fn plans_are_listed_without_a_credential(store: Store) {
    let fixture = SandboxFixture::start_on(store, &[]);
    let answer = fixture.portal.get("/api/v1/subscriptions/plans").unwrap();
    assert_eq!(answer.status, 200);
    let plans = answer.json()["plans"].as_array().unwrap().clone();
    let ids: Vec<&str> = plans.iter().map(|plan| plan["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["starter", "professional", "business", "agency"]);
    assert_eq!(plans[0]["monthly"], json!({ "priceCents": 900 }));
    assert_eq!(
        (&plans[3]["yearly"], &plans[3]["currency"]),
        (&json!({ "priceCents": 150_000 }), &json!("usd"))
    );
}
