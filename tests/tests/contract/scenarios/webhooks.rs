//! W1 to W4: what the provider tells, and what comes of it.

use serde_json::{Value, json};
use workspace_tests::database::Store;
use workspace_tests::poll;
use workspace_tests::program::Program;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shop::{Shop, WEBHOOKS};
use workspace_tests::stripe_signature::{header as signed, hex};
use workspace_tests::wire::{Request, Response};
use workspace_tests::world::now;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        a_signed_delivery_is_taken_in_once(store),
        "W1.signed",
        "W1.cap",
        "W1.thin",
        "W1.other_mode",
        "W1.several"
    ),
    scenario!(
        a_signature_that_does_not_hold_is_refused(store),
        "W1.refused",
        "W1.several",
        "W1.tolerance",
        "E1.invalid_signature"
    ),
    scenario!(signatures_of_the_official_packages_hold(store), "W1.official"),
    scenario!(an_account_comes_and_goes(store), "W3.appears", "W3.goes", "V2.follows"),
    scenario!(deliveries_may_be_late_doubled_or_in_any_order(store), "W2.any_order"),
    scenario!(lost_deliveries_are_made_good(store), "W4.repairs", "W4.command"),
    scenario!(what_fails_is_tried_again_and_replayed(store), "W2.failures", "W2.replay"),
    scenario!(time_moves_on_at_the_provider(store), "V2.follows"),
    scenario!(customers_are_imported_and_nothing_is_guessed(store), "W4.import"),
    scenario!(several_names_are_no_name(store), "W3.ambiguous"),
];

const SECRETS: [&str; 2] = ["whsec_old0000000000000000000001", "whsec_new0000000000000000000002"];

fn open(store: Store) -> Shop {
    for secret in SECRETS {
        workspace_tests::canary::plant(secret);
    }
    Shop::open_on(store, &[("BILLING_STRIPE_WEBHOOK_SECRET", &SECRETS.join(","))])
}

fn deliver(shop: &Shop, signature: Option<&str>, body: &[u8]) -> Response {
    let mut request =
        Request::new("POST", WEBHOOKS).header("content-type", "application/json; charset=utf-8");
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    shop.portal.send(&request.body(body))
}

fn event(id: &str, kind: &str, object: Value) -> Vec<u8> {
    let event = json!({ "id": id, "object": "event", "type": kind, "created": now(), "livemode": false,
        "api_version": "2026-05-27.dahlia", "pending_webhooks": 1, "request": null, "data": { "object": object } });
    // Stripe's bodies are not compact: what is signed are the very bytes.
    serde_json::to_vec_pretty(&event).unwrap()
}

fn listed(shop: &Shop, id: &str) -> Option<Value> {
    let events = shop.command(&["webhooks", "list", "--limit", "10000", "--json"]).json();
    let mut found = events["events"].as_array().unwrap().iter().filter(|event| event["id"] == id);
    let one = found.next().cloned();
    assert!(found.next().is_none(), "{id} is there twice");
    one
}

fn a_signed_delivery_is_taken_in_once(store: Store) {
    let shop = open(store);
    let body = event(
        "evt_once",
        "invoice.upcoming",
        json!({ "id": "in_1", "object": "invoice", "customer": "cus_SandboxDemo001" }),
    );
    for secret in SECRETS {
        let answer = deliver(&shop, Some(&signed(secret, now(), &body)), &body);
        assert_eq!((answer.status, answer.json()), (200, json!({ "received": true })));
    }
    let kept = poll::until("the event to be applied", || {
        listed(&shop, "evt_once").filter(|event| event["state"] == "applied")
    });
    assert_eq!(
        (&kept["type"], &kept["subject"], &kept["error"]),
        (&json!("invoice.upcoming"), &json!("cus_SandboxDemo001"), &Value::Null)
    );

    let thin = json!({ "id": "evt_thin", "object": "v2.core.event", "type": "v1.customer.updated", "livemode": false,
        "created": "2026-11-25T10:00:00.000Z", "related_object": { "id": "cus_SandboxDemo001", "type": "customer", "url": "/v1/customers/cus_SandboxDemo001" } });
    let thin = thin.to_string().into_bytes();
    assert_eq!(deliver(&shop, Some(&signed(SECRETS[0], now(), &thin)), &thin).status, 200);
    let kept = poll::until("the thin event", || {
        listed(&shop, "evt_thin").filter(|event| event["state"] == "applied")
    });
    assert_eq!(kept["subject"], "cus_SandboxDemo001");

    let mut other: Value = serde_json::from_slice(&event(
        "evt_live",
        "customer.updated",
        json!({ "id": "cus_1", "object": "customer" }),
    ))
    .unwrap();
    other["livemode"] = json!(true);
    let other = other.to_string().into_bytes();
    assert_eq!(deliver(&shop, Some(&signed(SECRETS[0], now(), &other)), &other).status, 200);
    assert_eq!(listed(&shop, "evt_live"), None);

    let mut large: Value =
        serde_json::from_slice(&event("evt_large", "ping.pong", json!({}))).unwrap();
    large["filling"] = json!("x".repeat(1024 * 1024 - 1024));
    let large = large.to_string().into_bytes();
    assert!(large.len() < 1024 * 1024);
    assert_eq!(deliver(&shop, Some(&signed(SECRETS[0], now(), &large)), &large).status, 200);
    let too_large = vec![b' '; 1024 * 1024 + 1];
    let answer = deliver(&shop, Some(&signed(SECRETS[0], now(), &too_large)), &too_large);
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
}

fn a_signature_that_does_not_hold_is_refused(store: Store) {
    let shop = open(store);
    let body = event(
        "evt_bad",
        "customer.updated",
        json!({ "id": "cus_SandboxDemo001", "object": "customer" }),
    );
    let at = now();
    let good = hex(SECRETS[0], &at.to_string(), &body);
    let foreign = hex("whsec_foreign00000000000000000003", &at.to_string(), &body);
    let flipped = format!("{}{}", if good.starts_with('0') { '1' } else { '0' }, &good[1..]);
    let old = now() - 302;
    let cases: Vec<(&str, Option<String>)> = vec![
        ("none", None),
        ("empty", Some(String::new())),
        ("no time", Some(format!("v1={good}"))),
        ("no signature", Some(format!("t={at}"))),
        ("empty signature", Some(format!("t={at},v1="))),
        ("flipped", Some(format!("t={at},v1={flipped}"))),
        ("cut", Some(format!("t={at},v1={}", &good[..63]))),
        ("longer", Some(format!("t={at},v1={good}0"))),
        ("upper case", Some(format!("t={at},v1={}", good.to_uppercase()))),
        ("another scheme", Some(format!("t={at},v0={good}"))),
        ("another secret", Some(format!("t={at},v1={foreign}"))),
        ("another time", Some(format!("t={},v1={good}", at + 1))),
        ("two times", Some(format!("t={at},t={at},v1={good}"))),
        ("a time with a sign", Some(format!("t=+{at},v1={good}"))),
        ("a time with a zero", Some(format!("t=0{at},v1={good}"))),
        ("too old", Some(signed(SECRETS[0], old, &body))),
        ("too new", Some(signed(SECRETS[0], now() + 330, &body))),
        ("garbage", Some("=,=,v1,t,,".to_owned())),
    ];
    for (name, signature) in cases {
        let answer = deliver(&shop, signature.as_deref(), &body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_signature"),
            "{name}: {}",
            answer.text()
        );
    }
    let mut changed = body.clone();
    changed.push(b' ');
    assert_eq!(
        deliver(&shop, Some(&signed(SECRETS[0], at, &body)), &changed).code(),
        "invalid_signature"
    );
    let twice =
        Request::new("POST", WEBHOOKS).header("stripe-signature", signed(SECRETS[0], at, &body));
    let twice = twice.header("stripe-signature", signed(SECRETS[0], at, &body)).body(body.clone());
    assert_eq!(shop.portal.send(&twice).code(), "invalid_signature");
    for bad in ["", "[]", "null", "{", "{\"id\":\"evt_bad\"}", "{\"id\":1,\"object\":\"event\"}"] {
        let answer = deliver(&shop, Some(&signed(SECRETS[0], at, bad.as_bytes())), bad.as_bytes());
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request"),
            "{bad}: {}",
            answer.text()
        );
    }
    assert_eq!(listed(&shop, "evt_bad"), None);

    // Several signatures, of which one holds, beside schemes that nobody knows; up to 300 s in both directions.
    let several = format!("v0=x,t={at},v1={foreign},v1={good},v9=y");
    assert_eq!(deliver(&shop, Some(&several), &body).status, 200);
    for (id, shift) in [("evt_slow", -290), ("evt_fast", 290)] {
        let body = event(
            id,
            "customer.updated",
            json!({ "id": "cus_SandboxDemo001", "object": "customer" }),
        );
        assert_eq!(
            deliver(&shop, Some(&signed(SECRETS[1], now() + shift, &body)), &body).status,
            200,
            "{id}"
        );
    }
}

fn signatures_of_the_official_packages_hold(store: Store) {
    let shop = open(store);
    let node = (Program::node("clients/node", "signatures.mjs"), "evt_official_node", 13);
    let python = (Program::python("clients/python", "signatures.py"), "evt_official_python", 9);
    // Each with one of the two secrets.
    for ((program, id, facts), secret) in [node, python].into_iter().zip(SECRETS) {
        let program = program.env("SERVICE_URL", format!("http://{}", shop.portal.public));
        program.env("SIGNING_SECRET", secret).env("EVENT", id).run(&[]).expect(facts);
        poll::until("the event to be applied", || {
            listed(&shop, id).filter(|event| event["state"] == "applied")
        });
    }
    assert_eq!(listed(&shop, "evt_never_taken"), None);
}

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

fn what_fails_is_tried_again_and_replayed(store: Store) {
    let shop = open(store);
    // The provider is out of reach for everything that reads a customer.
    let _ = shop.stripe(
        "POST",
        "/sandbox/faults",
        &[("fault", "status=500"), ("times", "1000"), ("path", "/v1/customers/{customer}")],
    );
    let body = event(
        "evt_hard",
        "customer.updated",
        json!({ "id": "cus_SandboxDemo001", "object": "customer" }),
    );
    assert_eq!(deliver(&shop, Some(&signed(SECRETS[0], now(), &body)), &body).status, 200);
    let tried = poll::until("two attempts", || {
        listed(&shop, "evt_hard").filter(|event| event["attempts"].as_u64() >= Some(2))
    });
    assert_eq!(tried["state"], "pending");
    assert!(tried["error"].as_str().is_some_and(|error| error.contains("unavailable")), "{tried}");
    let _ = shop.stripe("DELETE", "/sandbox/faults", &[]);
    let first = poll::until("it to be applied", || {
        listed(&shop, "evt_hard").filter(|event| event["state"] == "applied")
    });
    assert_eq!(
        shop.command(&["webhooks", "replay", "evt_hard", "--json"]).json(),
        json!({ "replayed": 1 })
    );
    poll::until("it to be applied again", || {
        listed(&shop, "evt_hard")
            .filter(|event| event["state"] == "applied" && event["at"] != first["at"])
    });
    let _ = shop.command(&["webhooks", "replay", "evt_unknown"]).expect_code(1);
    assert_eq!(
        shop.command(&["webhooks", "replay", "--dead", "--json"]).json(),
        json!({ "replayed": 0 })
    );
    let _ = shop.command(&["webhooks", "replay"]).expect_code(2);
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

fn customers_are_imported_and_nothing_is_guessed(store: Store) {
    let shop = Shop::open_on(store, &[("BILLING_RECONCILE_INTERVAL_SECONDS", "0")]);
    let _ = shop.stripe("POST", "/sandbox/deliveries", &[("fault", "lose"), ("times", "5000")]);
    let customer = |form: &[(&str, &str)]| {
        shop.stripe("POST", "/v1/customers", form)["id"].as_str().unwrap().to_owned()
    };
    let ann = customer(&[("metadata[user_id]", "ann"), ("email", "ann@example.com")]);
    let (bob1, bob2) =
        (customer(&[("metadata[user_id]", "bob")]), customer(&[("metadata[user_id]", "bob")]));
    let carl = customer(&[("email", "Carl@Example.com")]);
    let (twin1, twin2) =
        (customer(&[("email", "twin@example.com")]), customer(&[("email", "twin@example.com")]));
    let import =
        |more: &[&str]| shop.command(&[&["customers", "import", "--json"], more].concat()).json();
    let reasons = |plan: &Value| {
        let left = plan["left"].as_array().unwrap().iter();
        left.map(|left| {
            (
                left["user"].as_str().unwrap_or("-").to_owned(),
                left["reason"].as_str().unwrap().to_owned(),
            )
        })
        .collect::<Vec<_>>()
    };
    let dry = import(&[]);
    assert_eq!(
        (&dry["applied"], &dry["links"]),
        (&json!(false), &json!([{ "user": "ann", "customer": ann }])),
        "{dry}"
    );
    assert_eq!(reasons(&dry), [("bob".to_owned(), "several_customers".to_owned())]);
    assert_eq!(
        dry["left"][0]["customers"],
        json!([bob1, bob2])
            .as_array()
            .map(|both| {
                let mut both = both.clone();
                if dry["left"][0]["customers"][0] != both[0] {
                    both.reverse();
                }
                json!(both)
            })
            .unwrap()
    );
    let _ = shop.command(&["customers", "show", "--user", "ann"]).expect_code(1);
    assert_eq!(import(&["--apply"])["links"], dry["links"]);
    assert_eq!(shop.customer("ann"), ann);
    assert_eq!(import(&["--apply"])["unchanged"], 1);

    let file = |name: &str, text: &str| {
        let path = shop.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let csv =
        file("pairs.csv", &format!("user,customer\nbob,{bob1}\nann,{bob2}\ndora,cus_unknown\n"));
    let plan = import(&["--csv", &csv, "--apply"]);
    assert_eq!(plan["links"], json!([{ "user": "bob", "customer": bob1 }]));
    let expected = [("dora", "unknown_customer"), ("ann", "linked_elsewhere")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(reasons(&plan), expected);

    let emails = file(
        "emails.csv",
        "user,email,email_verified\ncarl,carl@example.com,true\ntwin,twin@example.com,true\nmallory,carl@example.com,false\neve,ann@example.com,true\nnobody,no@example.com,true\n",
    );
    let plan = import(&["--verified-emails", &emails]);
    assert_eq!(plan["links"], json!([{ "user": "carl", "customer": carl }]), "{plan}");
    let mut expected: Vec<_> =
        [("eve", "other_owner"), ("nobody", "no_such_email"), ("twin", "several_customers")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into();
    let mut found = reasons(&plan);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(plan.to_string().contains(&twin1) && plan.to_string().contains(&twin2));
    let _ = shop
        .command(&["customers", "import", "--csv", &file("bad.csv", "user,customer\nx,\n")])
        .expect_code(1);
    let _ = shop
        .command(&["customers", "import", "--csv", &csv, "--verified-emails", &emails])
        .expect_code(2);
}

fn several_names_are_no_name(store: Store) {
    let shop = Shop::open_on(store, &[("BILLING_RECONCILE_INTERVAL_SECONDS", "0")]);
    let token = shop.token("fay");
    shop.buy(&token, "starter");
    poll::until("the purchase", || (shop.current(&token)["hasSubscription"] == true).then_some(()));
    // Another customer that says it is hers, and has bought: the link that stands is not replaced.
    let card = [
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
        ("metadata[user_id]", "fay"),
    ];
    let second = shop.stripe("POST", "/v1/customers", &card)["id"].as_str().unwrap().to_owned();
    let form =
        [("customer", second.as_str()), ("items[0][price]", "price_1SandboxDemoStartMonthly1")];
    let _ = shop.stripe("POST", "/v1/subscriptions", &form);
    let report = poll::until("the second customer in the mirror", || {
        let report = shop.command(&["customers", "reconcile", "--json"]).json();
        report["conflicts"]
            .as_array()
            .is_some_and(|conflicts| !conflicts.is_empty())
            .then_some(report)
    });
    let first = shop.customer("fay");
    assert_ne!(first, second);
    assert_eq!(report["conflicts"], json!([{ "customer": second, "linked": first }]));
}
