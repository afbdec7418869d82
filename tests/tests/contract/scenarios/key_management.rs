//! Keys over HTTP: created, listed, limited, revoked.

use serde_json::{Value, json};
use workspace_tests::portal::Portal;
use workspace_tests::response::Response;
use workspace_tests::runner::KEY_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{SharedFixture, now, timestamp};
use workspace_tests::wire::Request;
use workspace_tests::{canary, poll};

use super::key_client::{client, created, text};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        key_created_over_http_opens_the_portal(shared),
        "K1.create",
        "K1.list",
        "K1.revoke",
        "C7.shown_once"
    ),
    scenario!(created_key_is_returned_with_all_its_fields(shared), "K1.create", "K1.body"),
    scenario!(key_list_shows_previews_and_a_total(shared), "K1.list", "K3.last_used"),
    scenario!(key_of_another_user_is_not_found(shared), "K2.foreign"),
    scenario!(
        concurrent_key_creations_stop_at_the_limit(shared),
        "K2.most_active",
        "E1.too_many_api_keys"
    ),
    scenario!(key_limit_is_twenty_by_default(shared), "K2.most_active"),
    scenario!(
        return_origins_of_a_key_must_be_within_the_allowed_origins(shared),
        "K2.origins",
        "C8.own_origins"
    ),
    scenario!(last_use_of_a_key_is_recorded(shared), "K3.last_used"),
    scenario!(
        key_revoked_over_http_is_rejected_on_every_replica(shared),
        "C7.seen_within_5s",
        "K1.revoke"
    ),
];

fn key_created_over_http_opens_the_portal(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    let key = client.create(&json!({"name": "laptop"}));
    let opened = client.use_key(text(&key, "key"), &json!({}));
    assert_eq!(opened.status, 200, "{}", opened.text());
    assert_eq!(text(&key, "key").split('_').nth(1), Some(text(&key, "id")));
    assert_eq!(key["isActive"], true);
    assert!(
        key.to_string().contains("subscriptions:portal"),
        "a key without a list has the default permissions: {key}"
    );
    assert_eq!(client.listed(text(&key, "id"))["isActive"], true);
    for _ in 0..2 {
        let revoked = client.revoke(text(&key, "id"));
        assert_eq!(
            (revoked.status, &revoked.json()["success"]),
            (200, &json!(true)),
            "{}",
            revoked.text()
        );
    }
    assert_eq!(client.listed(text(&key, "id"))["isActive"], false);
}

fn created_key_is_returned_with_all_its_fields(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    let expiry = timestamp(now() + 3600);
    let wanted = json!({"name": "n".repeat(100), "description": "d".repeat(500), "expiresAt": expiry,
        "permissions": ["reports:read", "subscriptions:portal"], "returnOrigins": ["https://app.example.com"]});
    let key = client.create(&wanted);
    for name in ["name", "description", "permissions", "expiresAt", "returnOrigins"] {
        assert_eq!(key[name], wanted[name], "{name}");
    }
    assert!(text(&key, "createdAt").ends_with('Z') && key["isActive"] == true, "{key}");
    let nothing = client
        .create(&json!({"name": "null is absent", "description": null, "expiresAt": null,
        "permissions": null, "returnOrigins": null}));
    assert_eq!((&nothing["description"], &nothing["expiresAt"]), (&Value::Null, &Value::Null));
    let other = json!({"name": "does not open the portal", "permissions": ["reports:read"]});
    assert_eq!(
        client.status(text(&client.create(&other), "key")),
        403,
        "the default permissions were added to the list"
    );
}

fn key_list_shows_previews_and_a_total(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    assert_eq!(client.list(), Vec::<Value>::new());
    let keys: Vec<Value> =
        (0..3).map(|n| client.create(&json!({"name": format!("key {n}")}))).collect();
    let listed = client.list();
    assert_eq!(listed.len(), 3);
    for (key, shown) in keys.iter().zip(&listed) {
        assert_eq!((&key["id"], &key["name"]), (&shown["id"], &shown["name"]));
        assert!(shown.get("key").is_none(), "the list shows a key");
        let preview = text(shown, "keyPreview");
        let secret = text(key, "key").rsplit_once('_').unwrap().1;
        assert!(
            preview.starts_with("llmgen_") && preview.len() < text(key, "key").len(),
            "{preview}"
        );
        let leaks = (8..=secret.len()).any(|end| preview.contains(&secret[end - 8..end]));
        assert!(!leaks, "the preview contains a part of the secret");
        assert!(shown["lastUsedAt"].is_null() && shown["createdAt"].is_string(), "{shown}");
    }
}

fn key_of_another_user_is_not_found(shared: &SharedFixture) {
    let (owner, other) = (shared.new_user(), shared.new_user());
    let (owner, other) =
        (client(shared, "default", &owner.id), client(shared, "default", &other.id));
    let key = owner.create(&json!({"name": "mine"}));
    let id = text(&key, "id");
    let missing = other.revoke("ABCDEFGHIJKLMNOP");
    for answer in [other.revoke(id), other.rotate(id, None)] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{}",
            answer.text()
        );
        assert_eq!(
            answer.json()["detail"],
            missing.json()["detail"],
            "the response reveals that the key exists"
        );
    }
    assert_eq!(other.list(), Vec::<Value>::new());
    assert_eq!(owner.status(text(&key, "key")), 200, "another user revoked the key");
}

fn concurrent_key_creations_stop_at_the_limit(shared: &SharedFixture) {
    const AT_MOST: usize = 4;
    let user = shared.new_user();
    let client = client(shared, "frugal", &user.id);
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let create = || client.try_create(&json!({"name": "at once"}));
        let threads: Vec<_> = (0..12).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "too_many_api_keys"),
            "{}",
            answer.text()
        );
        assert!(text(&answer.json(), "detail").contains('4'), "{}", answer.text());
    }
    let made: Vec<Value> =
        answers.iter().filter(|answer| answer.status == 201).map(created).collect();
    assert_eq!((made.len(), client.list().len()), (AT_MOST, AT_MOST));
    // The command line has no limit, and a revoked key does not count.
    let _ = shared.create_key("frugal", &user.id, &[]);
    assert_eq!(client.try_create(&json!({"name": "one more"})).status, 409);
    for key in &made[..2] {
        assert_eq!(client.revoke(text(key, "id")).status, 200);
    }
    assert_eq!(client.try_create(&json!({"name": "one more"})).status, 201);
}

fn key_limit_is_twenty_by_default(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    let keys: Vec<Value> = (0..20).map(|_| client.create(&json!({"name": "of twenty"}))).collect();
    let answer = client.try_create(&json!({"name": "the 21st"}));
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "too_many_api_keys"),
        "{}",
        answer.text()
    );
    assert_eq!(
        client.rotate(text(&keys[0], "id"), None).status,
        201,
        "a rotation counts as an additional key"
    );
}

fn return_origins_of_a_key_must_be_within_the_allowed_origins(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "frugal", &user.id);
    let key = client.create(&json!({"name": "partner",
        "returnOrigins": ["https://shop.partners.example.net", "https://*.eu.partners.example.net"]}));
    let back = |url: &str| client.use_key(text(&key, "key"), &json!({"returnUrl": url})).status;
    assert_eq!(back("https://shop.partners.example.net/done"), 200);
    assert_eq!(back("https://x.eu.partners.example.net/done"), 200);
    assert_eq!(back("https://app.example.com/done"), 200, "the global origins are still allowed");
    assert_eq!(back("https://other.partners.example.net/done"), 400);
    // The global origins are not in the list for keys, and a pattern must be within it as a whole.
    for outside in [
        "https://app.example.com",
        "https://partners.example.net",
        "https://*.example.net",
        "https://shop.partners.example.net:8443",
        "http://localhost:3000",
        "*",
    ] {
        let answer = client.try_create(&json!({"name": "outside", "returnOrigins": [outside]}));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_return_url"),
            "{outside}: {}",
            answer.text()
        );
    }
    let _ =
        shared.create_key("frugal", &user.id, &["--return-origin", "https://elsewhere.example"]);
}

fn last_use_of_a_key_is_recorded(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    let key = client.create(&json!({"name": "used"}));
    let before = timestamp(now() - 1);
    assert_eq!(client.status(text(&key, "key")), 200);
    let recorded = poll::until("the last use to be recorded", || {
        client.listed(text(&key, "id"))["lastUsedAt"].as_str().map(str::to_owned)
    });
    assert!(
        recorded[..19] >= before[..19] && recorded[..19] <= timestamp(now())[..19],
        "used at {recorded}"
    );
}

fn key_revoked_over_http_is_rejected_on_every_replica(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    let key = client.create(&json!({"name": "on two replicas"}));
    let use_key = |portal: &Portal| {
        let answer = portal.send(&Request::new("POST", KEY_ROUTE).bearer(text(&key, "key")));
        canary::plant_url(&answer.portal_url());
        answer.status
    };
    for profile in ["default", "impatient"] {
        assert_eq!(shared.portal(profile, use_key), 200);
        assert_eq!(shared.portal(profile, use_key), 200);
    }
    assert_eq!(client.revoke(text(&key, "id")).status, 200);
    client.wait_until_rejected(text(&key, "key"));
}
