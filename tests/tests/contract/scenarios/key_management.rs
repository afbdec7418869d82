//! Key management over HTTP and on the command line: made, listed, revoked, rotated.

use std::time::Duration;

use serde_json::{Value, json};
use workspace_tests::portal::Portal;
use workspace_tests::runner::KEY_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::wire::{Request, Response};
use workspace_tests::world::{World, now, plant_key, timestamp};
use workspace_tests::{canary, invariants, poll};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        a_key_made_over_http_opens_the_portal(world),
        "K1.create",
        "K1.list",
        "K1.revoke",
        "C7.shown_once"
    ),
    scenario!(a_created_key_is_described(world), "K1.create", "K1.body"),
    scenario!(a_list_shows_previews_and_a_total(world), "K1.list", "K3.last_used"),
    scenario!(another_user_s_key_is_not_found(world), "K2.foreign"),
    scenario!(
        a_rotated_key_and_its_successor_overlap(world),
        "K1.rotate",
        "K3.overlap",
        "K3.inherits"
    ),
    scenario!(
        a_rotation_without_overlap_ends_the_old_key(world),
        "K3.overlap",
        "C7.seen_within_5s"
    ),
    scenario!(a_revoked_or_expired_key_has_no_successor(world), "K1.rotate"),
    scenario!(
        no_more_keys_than_allowed_however_many_at_once(world),
        "K2.most_active",
        "E1.too_many_api_keys"
    ),
    scenario!(twenty_keys_by_default(world), "K2.most_active"),
    scenario!(own_origins_lie_within_those_for_keys(world), "K2.origins", "C8.own_origins"),
    scenario!(
        the_command_line_rotates_and_revokes_all(world),
        "K3.revoke_all",
        "K3.overlap",
        "K3.inherits",
        "L1.commands",
        "L1.json"
    ),
    scenario!(a_last_use_is_noted(world), "K3.last_used"),
    scenario!(
        a_revocation_over_http_ends_on_every_replica(world),
        "C7.seen_within_5s",
        "K1.revoke"
    ),
];

const KEYS: &str = "/api/v1/api-keys";
/// How fast a change must be seen.
const SEEN: Duration = Duration::from_secs(5);

/// A user's client of the key routes of one profile.
struct Client<'a> {
    world: &'a World,
    profile: &'a str,
    user: &'a str,
}

impl Client<'_> {
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let request = body.map_or_else(
            || Request::new(method, path),
            |body| Request { method: method.to_owned(), ..Request::post_json(path, body) },
        );
        let request = request.bearer(&self.world.token(self.profile, self.user));
        let answer = self.world.portal(self.profile, |portal| portal.send(&request));
        invariants::check(method, path, &answer).unwrap();
        if let Some(key) = answer.json()["apiKey"]["key"].as_str() {
            plant_key(key);
        }
        answer
    }

    fn try_create(&self, body: &Value) -> Response {
        self.send("POST", KEYS, Some(body))
    }

    fn create(&self, body: &Value) -> Value {
        created(&self.try_create(body))
    }

    fn rotate(&self, id: &str, body: Option<&Value>) -> Response {
        self.send("POST", &format!("{KEYS}/{id}/rotate"), body)
    }

    fn revoke(&self, id: &str) -> Response {
        self.send("DELETE", &format!("{KEYS}/{id}"), None)
    }

    fn list(&self) -> Vec<Value> {
        let answer = self.send("GET", KEYS, None);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let shown = answer.json();
        let keys = shown["apiKeys"].as_array().expect("`apiKeys` is a list").clone();
        assert_eq!(shown["total"], keys.len(), "{shown}");
        keys
    }

    fn listed(&self, id: &str) -> Value {
        let mut keys = self.list();
        keys.retain(|key| key["id"] == id);
        assert_eq!(keys.len(), 1, "the key is listed {} times", keys.len());
        keys.remove(0)
    }

    fn use_key(&self, key: &str, body: &Value) -> Response {
        let request = Request::post_json(KEY_ROUTE, body).bearer(key);
        let answer = self.world.portal(self.profile, |portal| portal.send(&request));
        canary::plant_url(&answer.portal_url());
        answer
    }

    fn status(&self, key: &str) -> u16 {
        self.use_key(key, &json!({})).status
    }

    fn ends_in_time(&self, key: &str) {
        for profile in [self.profile, "impatient"] {
            let client = Client { profile, ..*self };
            let ended = poll::within(SEEN, || (client.status(key) == 401).then_some(()));
            assert!(ended.is_some(), "the key still holds after 5 s on {profile}");
        }
    }
}

fn client<'a>(world: &'a World, profile: &'a str, user: &'a str) -> Client<'a> {
    Client { world, profile, user }
}

fn created(answer: &Response) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["success"], true);
    for name in ["message", "warning"] {
        assert!(
            body[name].as_str().is_some_and(|text| !text.is_empty()),
            "`{name}` is missing in {body}"
        );
    }
    body["apiKey"].clone()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("`{name}` is no text in {value}"))
}

fn a_key_made_over_http_opens_the_portal(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let key = client.create(&json!({"name": "laptop"}));
    let opened = client.use_key(text(&key, "key"), &json!({}));
    assert_eq!(opened.status, 200, "{}", opened.text());
    assert_eq!(text(&key, "key").split('_').nth(1), Some(text(&key, "id")));
    assert_eq!(key["isActive"], true);
    assert!(
        key.to_string().contains("subscriptions:portal"),
        "a key without a list gets all: {key}"
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

fn a_created_key_is_described(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
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
    let powerless = client.create(&json!({"name": "may do nothing", "permissions": []}));
    assert_eq!(client.status(text(&powerless, "key")), 403, "an empty list is not all");
}

fn a_list_shows_previews_and_a_total(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
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
        let told = (8..=secret.len()).any(|end| preview.contains(&secret[end - 8..end]));
        assert!(!told, "the preview tells of the secret");
        assert!(shown["lastUsedAt"].is_null() && shown["createdAt"].is_string(), "{shown}");
    }
}

fn another_user_s_key_is_not_found(world: &World) {
    let (owner, other) = (world.new_user(), world.new_user());
    let (owner, other) = (client(world, "default", &owner.id), client(world, "default", &other.id));
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
            "it tells that the key exists"
        );
    }
    assert_eq!(other.list(), Vec::<Value>::new());
    assert_eq!(owner.status(text(&key, "key")), 200, "somebody else ended it");
}

fn a_rotated_key_and_its_successor_overlap(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let wanted = json!({"name": "robot", "description": "nightly", "permissions": ["subscriptions:portal"],
        "returnOrigins": ["https://app.example.com"], "expiresAt": timestamp(now() + 90 * 86_400)});
    let old = client.create(&wanted);
    let new = created(&client.rotate(text(&old, "id"), None));
    assert_ne!(old["id"], new["id"]);
    for name in ["name", "description", "permissions", "returnOrigins", "expiresAt"] {
        assert_eq!(old[name], new[name], "the successor does not inherit {name}");
    }
    for key in [&old, &new] {
        assert_eq!(client.status(text(key, "key")), 200);
    }
    let shortened = client.listed(text(&old, "id"));
    let (earliest, latest) = (timestamp(now() + 86_400 - 600), timestamp(now() + 86_400));
    assert_eq!(
        shortened["expiresAt"], old["expiresAt"],
        "a rotation is a revocation to come, not another expiry"
    );
    assert_eq!(shortened["isActive"], true);
    let ends = text(&shortened, "revokedAt").to_owned();
    assert!(
        ends > earliest && ends[..19] <= latest[..19],
        "the old key holds until {ends}, not for 24 h"
    );
    let again = client.rotate(text(&old, "id"), None);
    assert_eq!(
        (again.status, again.code().as_str()),
        (400, "invalid_request"),
        "a key has one successor"
    );
}

fn a_rotation_without_overlap_ends_the_old_key(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let old = client.create(&json!({"name": "leaked"}));
    assert_eq!(client.status(text(&old, "key")), 200);
    let new = created(&client.rotate(text(&old, "id"), Some(&json!({"overlapSeconds": 0}))));
    client.ends_in_time(text(&old, "key"));
    assert_eq!(client.status(text(&new, "key")), 200);
}

fn a_revoked_or_expired_key_has_no_successor(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let revoked = client.create(&json!({"name": "revoked"}));
    assert_eq!(client.revoke(text(&revoked, "id")).status, 200);
    let expiry = now() + 2;
    let expired = client.create(&json!({"name": "expired", "expiresAt": timestamp(expiry)}));
    poll::until("the key to expire", || (now() > expiry).then_some(()));
    for key in [revoked, expired] {
        let answer = client.rotate(text(&key, "id"), None);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(client.list().len(), 2, "a successor was made all the same");
}

fn no_more_keys_than_allowed_however_many_at_once(world: &World) {
    const AT_MOST: usize = 4;
    let user = world.new_user();
    let client = client(world, "frugal", &user.id);
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let ask = || client.try_create(&json!({"name": "at once"}));
        let asked: Vec<_> = (0..12).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
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
    // The command line is free, and what is revoked leaves room.
    let _ = world.create_key("frugal", &user.id, &[]);
    assert_eq!(client.try_create(&json!({"name": "one more"})).status, 409);
    for key in &made[..2] {
        assert_eq!(client.revoke(text(key, "id")).status, 200);
    }
    assert_eq!(client.try_create(&json!({"name": "one more"})).status, 201);
}

fn twenty_keys_by_default(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let keys: Vec<Value> = (0..20).map(|_| client.create(&json!({"name": "of twenty"}))).collect();
    let answer = client.try_create(&json!({"name": "the 21st"}));
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "too_many_api_keys"),
        "{}",
        answer.text()
    );
    assert_eq!(client.rotate(text(&keys[0], "id"), None).status, 201, "a rotation is not one more");
}

fn own_origins_lie_within_those_for_keys(world: &World) {
    let user = world.new_user();
    let client = client(world, "frugal", &user.id);
    let key = client.create(&json!({"name": "partner",
        "returnOrigins": ["https://shop.partners.example.net", "https://*.eu.partners.example.net"]}));
    let back = |url: &str| client.use_key(text(&key, "key"), &json!({"returnUrl": url})).status;
    assert_eq!(back("https://shop.partners.example.net/done"), 200);
    assert_eq!(back("https://x.eu.partners.example.net/done"), 200);
    assert_eq!(back("https://app.example.com/done"), 200, "the global ones stay");
    assert_eq!(back("https://other.partners.example.net/done"), 400);
    // The deployment's own are not in the list for keys here, and patterns must lie within as a whole.
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
    let _ = world.create_key("frugal", &user.id, &["--return-origin", "https://elsewhere.example"]);
}

fn the_command_line_rotates_and_revokes_all(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let old = world.create_key(
        "default",
        &user.id,
        &["--permission", "subscriptions:portal", "--description", "d"],
    );
    let rotate = ["keys", "rotate", text(&old, "id"), "--overlap", "1h", "--json"];
    let new = world.launch("default", &rotate).secrets_on_stdout().run().json();
    plant_key(text(&new, "key"));
    assert!(text(&new, "key").contains(text(&new, "id")) && old["id"] != new["id"], "another id");
    assert_eq!((&old["permissions"], &old["name"]), (&new["permissions"], &new["name"]));
    assert_eq!(client.listed(text(&new, "id"))["description"], "d");
    for key in [&old, &new] {
        assert_eq!(client.status(text(key, "key")), 200);
    }
    let revoke = ["keys", "revoke", "--user", &user.id, "--all", "--json"];
    let revoked = world.launch("default", &revoke).run().json().to_string();
    for key in [&old, &new] {
        assert!(revoked.contains(text(key, "id")), "{revoked}");
        client.ends_in_time(text(key, "key"));
    }
    assert!(client.list().iter().all(|key| key["isActive"] == false));
    let again = world.launch("default", &revoke).run().json().to_string();
    assert!(!again.contains(text(&old, "id")), "it was revoked twice: {again}");
}

fn a_last_use_is_noted(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let key = client.create(&json!({"name": "used"}));
    let before = timestamp(now() - 1);
    assert_eq!(client.status(text(&key, "key")), 200);
    let noted = poll::until("the last use to be noted", || {
        client.listed(text(&key, "id"))["lastUsedAt"].as_str().map(str::to_owned)
    });
    assert!(
        noted[..19] >= before[..19] && noted[..19] <= timestamp(now())[..19],
        "used at {noted}"
    );
}

fn a_revocation_over_http_ends_on_every_replica(world: &World) {
    let user = world.new_user();
    let client = client(world, "default", &user.id);
    let key = client.create(&json!({"name": "on two replicas"}));
    let ask = |portal: &Portal| {
        let answer = portal.send(&Request::new("POST", KEY_ROUTE).bearer(text(&key, "key")));
        canary::plant_url(&answer.portal_url());
        answer.status
    };
    for profile in ["default", "impatient"] {
        assert_eq!(world.portal(profile, ask), 200);
        assert_eq!(world.portal(profile, ask), 200);
    }
    assert_eq!(client.revoke(text(&key, "id")).status, 200);
    client.ends_in_time(text(&key, "key"));
}
