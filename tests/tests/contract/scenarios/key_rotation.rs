//! K3: rotation of keys over HTTP and on the command line.

use serde_json::json;
use workspace_tests::poll;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{SharedFixture, now, plant_key, timestamp};

use super::key_client::{client, created, text};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        rotated_key_and_its_successor_are_accepted_during_the_overlap(shared),
        "K1.rotate",
        "K3.overlap",
        "K3.inherits"
    ),
    scenario!(
        rotation_without_overlap_revokes_the_old_key(shared),
        "K3.overlap",
        "C7.seen_within_5s"
    ),
    scenario!(revoked_or_expired_key_cannot_be_rotated(shared), "K1.rotate"),
    scenario!(
        commands_rotate_one_key_and_revoke_all_keys(shared),
        "K3.revoke_all",
        "K3.overlap",
        "K3.inherits",
        "L1.commands",
        "L1.json"
    ),
];

fn rotated_key_and_its_successor_are_accepted_during_the_overlap(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
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
    assert_eq!(shortened["expiresAt"], old["expiresAt"], "a rotation must not change the expiry");
    assert_eq!(shortened["isActive"], true);
    let ends = text(&shortened, "revokedAt").to_owned();
    assert!(
        ends > earliest && ends[..19] <= latest[..19],
        "the old key is valid until {ends}, not for 24 h"
    );
    let again = client.rotate(text(&old, "id"), None);
    assert_eq!(
        (again.status, again.code().as_str()),
        (400, "invalid_request"),
        "a key may have one successor only"
    );
}

fn rotation_without_overlap_revokes_the_old_key(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    let old = client.create(&json!({"name": "leaked"}));
    assert_eq!(client.status(text(&old, "key")), 200);
    let new = created(&client.rotate(text(&old, "id"), Some(&json!({"overlapSeconds": 0}))));
    client.wait_until_rejected(text(&old, "key"));
    assert_eq!(client.status(text(&new, "key")), 200);
}

fn revoked_or_expired_key_cannot_be_rotated(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
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
    assert_eq!(client.list().len(), 2, "a successor was created");
}

fn commands_rotate_one_key_and_revoke_all_keys(shared: &SharedFixture) {
    let user = shared.new_user();
    let client = client(shared, "default", &user.id);
    let old = shared.create_key(
        "default",
        &user.id,
        &["--permission", "subscriptions:portal", "--description", "d"],
    );
    let rotate = ["keys", "rotate", text(&old, "id"), "--overlap", "1h", "--json"];
    let new = shared.launch("default", &rotate).secrets_on_stdout().run().json();
    plant_key(text(&new, "key"));
    assert!(
        text(&new, "key").contains(text(&new, "id")) && old["id"] != new["id"],
        "the successor's id is wrong"
    );
    assert_eq!((&old["permissions"], &old["name"]), (&new["permissions"], &new["name"]));
    assert_eq!(client.listed(text(&new, "id"))["description"], "d");
    for key in [&old, &new] {
        assert_eq!(client.status(text(key, "key")), 200);
    }
    let revoke = ["keys", "revoke", "--user", &user.id, "--all", "--json"];
    let revoked = shared.launch("default", &revoke).run().json().to_string();
    for key in [&old, &new] {
        assert!(revoked.contains(text(key, "id")), "{revoked}");
        client.wait_until_rejected(text(key, "key"));
    }
    assert!(client.list().iter().all(|key| key["isActive"] == false));
    let again = shared.launch("default", &revoke).run().json().to_string();
    assert!(!again.contains(text(&old, "id")), "it was revoked twice: {again}");
}
