//! W1, W2: deliveries of webhooks: signatures, retries and replays.

use serde_json::{Value, json};
use workspace_tests::database::Store;
use workspace_tests::poll;
use workspace_tests::program::Program;
use workspace_tests::response::Response;
use workspace_tests::sandbox_fixture::{SandboxFixture, WEBHOOKS};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::now;
use workspace_tests::stripe_signature::{header as signed, hex};
use workspace_tests::wire::Request;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        signed_delivery_is_stored_once_per_event_id(store),
        "W1.signed",
        "W1.cap",
        "W1.thin",
        "W1.other_mode",
        "W1.several"
    ),
    scenario!(
        delivery_with_an_invalid_signature_is_rejected(store),
        "W1.invalid",
        "W1.several",
        "W1.tolerance",
        "E1.invalid_signature"
    ),
    scenario!(signatures_of_stripes_packages_are_accepted(store), "W1.official_packages"),
    scenario!(
        failed_event_is_retried_dead_lettered_and_replayed(store),
        "W2.failures",
        "W2.replay"
    ),
];

const SECRETS: [&str; 2] = ["whsec_old0000000000000000000001", "whsec_new0000000000000000000002"];

fn start(store: Store) -> SandboxFixture {
    for secret in SECRETS {
        workspace_tests::canary::plant(secret);
    }
    SandboxFixture::start_on(store, &[("BILLING_STRIPE_WEBHOOK_SECRET", &SECRETS.join(","))])
}

fn deliver(fixture: &SandboxFixture, signature: Option<&str>, body: &[u8]) -> Response {
    let mut request =
        Request::new("POST", WEBHOOKS).header("content-type", "application/json; charset=utf-8");
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    fixture.portal.send(&request.body(body))
}

fn event(id: &str, kind: &str, object: Value) -> Vec<u8> {
    let event = json!({ "id": id, "object": "event", "type": kind, "created": now(), "livemode": false,
        "api_version": "2026-05-27.dahlia", "pending_webhooks": 1, "request": null, "data": { "object": object } });
    // Stripe's bodies are pretty-printed, and the signature covers the exact bytes.
    serde_json::to_vec_pretty(&event).unwrap()
}

fn listed(fixture: &SandboxFixture, id: &str) -> Option<Value> {
    let events = fixture.command(&["webhooks", "list", "--limit", "10000", "--json"]).json();
    let mut found = events["events"].as_array().unwrap().iter().filter(|event| event["id"] == id);
    let one = found.next().cloned();
    assert!(found.next().is_none(), "{id} is listed twice");
    one
}

fn signed_delivery_is_stored_once_per_event_id(store: Store) {
    let fixture = start(store);
    let body = event(
        "evt_once",
        "invoice.upcoming",
        json!({ "id": "in_1", "object": "invoice", "customer": "cus_SandboxDemo001" }),
    );
    for secret in SECRETS {
        let answer = deliver(&fixture, Some(&signed(secret, now(), &body)), &body);
        assert_eq!((answer.status, answer.json()), (200, json!({ "received": true })));
    }
    let kept = poll::until("the event to be applied", || {
        listed(&fixture, "evt_once").filter(|event| event["state"] == "applied")
    });
    assert_eq!(
        (&kept["type"], &kept["subject"], &kept["error"]),
        (&json!("invoice.upcoming"), &json!("cus_SandboxDemo001"), &Value::Null)
    );

    let thin = json!({ "id": "evt_thin", "object": "v2.core.event", "type": "v1.customer.updated", "livemode": false,
        "created": "2026-11-25T10:00:00.000Z", "related_object": { "id": "cus_SandboxDemo001", "type": "customer", "url": "/v1/customers/cus_SandboxDemo001" } });
    let thin = thin.to_string().into_bytes();
    assert_eq!(deliver(&fixture, Some(&signed(SECRETS[0], now(), &thin)), &thin).status, 200);
    let kept = poll::until("the thin event", || {
        listed(&fixture, "evt_thin").filter(|event| event["state"] == "applied")
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
    assert_eq!(deliver(&fixture, Some(&signed(SECRETS[0], now(), &other)), &other).status, 200);
    assert_eq!(listed(&fixture, "evt_live"), None);

    let mut large: Value =
        serde_json::from_slice(&event("evt_large", "ping.pong", json!({}))).unwrap();
    large["filling"] = json!("x".repeat(1024 * 1024 - 1024));
    let large = large.to_string().into_bytes();
    assert!(large.len() < 1024 * 1024);
    assert_eq!(deliver(&fixture, Some(&signed(SECRETS[0], now(), &large)), &large).status, 200);
    let too_large = vec![b' '; 1024 * 1024 + 1];
    let answer = deliver(&fixture, Some(&signed(SECRETS[0], now(), &too_large)), &too_large);
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
}

fn delivery_with_an_invalid_signature_is_rejected(store: Store) {
    let fixture = start(store);
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
        let answer = deliver(&fixture, signature.as_deref(), &body);
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
        deliver(&fixture, Some(&signed(SECRETS[0], at, &body)), &changed).code(),
        "invalid_signature"
    );
    let twice =
        Request::new("POST", WEBHOOKS).header("stripe-signature", signed(SECRETS[0], at, &body));
    let twice = twice.header("stripe-signature", signed(SECRETS[0], at, &body)).body(body.clone());
    assert_eq!(fixture.portal.send(&twice).code(), "invalid_signature");
    for bad in ["", "[]", "null", "{", "{\"id\":\"evt_bad\"}", "{\"id\":1,\"object\":\"event\"}"] {
        let answer =
            deliver(&fixture, Some(&signed(SECRETS[0], at, bad.as_bytes())), bad.as_bytes());
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request"),
            "{bad}: {}",
            answer.text()
        );
    }
    assert_eq!(listed(&fixture, "evt_bad"), None);

    // Several signatures with one valid, unknown schemes, and times up to 300 s in both directions.
    let several = format!("v0=x,t={at},v1={foreign},v1={good},v9=y");
    assert_eq!(deliver(&fixture, Some(&several), &body).status, 200);
    for (id, shift) in [("evt_slow", -290), ("evt_fast", 290)] {
        let body = event(
            id,
            "customer.updated",
            json!({ "id": "cus_SandboxDemo001", "object": "customer" }),
        );
        assert_eq!(
            deliver(&fixture, Some(&signed(SECRETS[1], now() + shift, &body)), &body).status,
            200,
            "{id}"
        );
    }
}

fn signatures_of_stripes_packages_are_accepted(store: Store) {
    let fixture = start(store);
    let node = (Program::node("clients/node", "signatures.mjs"), "evt_official_node", 13);
    let python = (Program::python("clients/python", "signatures.py"), "evt_official_python", 9);
    // Each package signs with one of the two secrets.
    for ((program, id, facts), secret) in [node, python].into_iter().zip(SECRETS) {
        let program = program.env("SERVICE_URL", format!("http://{}", fixture.portal.public));
        program.env("SIGNING_SECRET", secret).env("EVENT", id).run(&[]).expect(facts);
        poll::until("the event to be applied", || {
            listed(&fixture, id).filter(|event| event["state"] == "applied")
        });
    }
    assert_eq!(listed(&fixture, "evt_never_taken"), None);
}

fn failed_event_is_retried_dead_lettered_and_replayed(store: Store) {
    let fixture = start(store);
    // Reads of customers fail.
    let _ = fixture.stripe(
        "POST",
        "/sandbox/faults",
        &[("fault", "status=500"), ("times", "1000"), ("path", "/v1/customers/{customer}")],
    );
    let body = event(
        "evt_hard",
        "customer.updated",
        json!({ "id": "cus_SandboxDemo001", "object": "customer" }),
    );
    assert_eq!(deliver(&fixture, Some(&signed(SECRETS[0], now(), &body)), &body).status, 200);
    let tried = poll::until("two attempts", || {
        listed(&fixture, "evt_hard").filter(|event| event["attempts"].as_u64() >= Some(2))
    });
    assert_eq!(tried["state"], "pending");
    assert!(tried["error"].as_str().is_some_and(|error| error.contains("unavailable")), "{tried}");
    let _ = fixture.stripe("DELETE", "/sandbox/faults", &[]);
    let first = poll::until("the event to be applied", || {
        listed(&fixture, "evt_hard").filter(|event| event["state"] == "applied")
    });
    assert_eq!(
        fixture.command(&["webhooks", "replay", "evt_hard", "--json"]).json(),
        json!({ "replayed": 1 })
    );
    poll::until("the event to be applied again", || {
        listed(&fixture, "evt_hard")
            .filter(|event| event["state"] == "applied" && event["at"] != first["at"])
    });
    let _ = fixture.command(&["webhooks", "replay", "evt_unknown"]).expect_code(1);
    assert_eq!(
        fixture.command(&["webhooks", "replay", "--dead", "--json"]).json(),
        json!({ "replayed": 0 })
    );
    let _ = fixture.command(&["webhooks", "replay"]).expect_code(2);
}
