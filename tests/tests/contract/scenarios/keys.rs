//! API keys beyond single requests: creation, storage, rejection and revocation.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use workspace_tests::portal::Portal;
use workspace_tests::response::Response;
use workspace_tests::runner::KEY_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{PEPPER, SharedFixture, checksum, now, timestamp};
use workspace_tests::user::User;
use workspace_tests::wire::Request;
use workspace_tests::{canary, poll};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(created_key_has_the_documented_form(shared), "C6.form", "C6.checksum", "L1.json"),
    scenario!(
        database_contains_only_hashes_of_keys(shared),
        "C7.argon2id",
        "C7.gate",
        "L1.key_printed_once"
    ),
    scenario!(key_is_shown_only_at_creation(shared), "C7.shown_once", "L1.key_printed_once"),
    scenario!(key_created_under_an_older_pepper_is_accepted(shared), "C7.gate"),
    scenario!(rejections_of_all_bad_keys_are_byte_for_byte_equal(shared), "C7.equal"),
    scenario!(log_contains_the_reason_of_each_rejected_key(shared), "C7.reason_in_log"),
    scenario!(revoked_key_is_rejected_on_every_replica_within_5_s(shared), "C7.seen_within_5s"),
    scenario!(expired_key_is_rejected_within_5_s(shared), "C7.seen_within_5s"),
    scenario!(changed_permissions_apply_within_5_s(shared), "C7.seen_within_5s"),
    scenario!(valid_key_is_accepted_during_a_flood_of_wrong_secrets(shared), "C7.other_failures"),
    scenario!(any_permission_name_is_stored(shared), "C8.any_permission", "C8.default_all"),
];

fn request_portal(portal: &Portal, key: &str) -> Response {
    let answer = portal.send(&Request::new("POST", KEY_ROUTE).bearer(key));
    plant_session_url(&answer);
    answer
}

fn plant_session_url(answer: &Response) {
    if answer.status == 200 {
        canary::plant_url(&answer.portal_url());
    }
}

fn text<'a>(created: &'a Value, name: &str) -> &'a str {
    created[name].as_str().unwrap_or_else(|| panic!("`{name}` is not a string"))
}

fn created_key_has_the_documented_form(shared: &SharedFixture) {
    shared.with_user(|user| {
        for (profile, prefix) in [("default", "llmgen"), ("tuned", "acme2")] {
            let created = shared.create_key(profile, &user.id, &[]);
            let key = text(&created, "key");
            let parts: Vec<&str> = key.split('_').collect();
            let [start, id, rest] = parts.as_slice() else {
                panic!("a key of {} parts", parts.len())
            };
            assert_eq!(*start, prefix);
            assert_eq!(*id, text(&created, "id"));
            let base62 = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
            assert!(id.len() >= 12 && base62(id), "the id is {id}");
            assert!(
                rest.len() >= 43 + 6 && base62(rest),
                "secret and checksum have {} characters",
                rest.len()
            );
            let (before, sum) = key.split_at(key.len() - 6);
            assert_eq!(checksum(before), sum);
        }
    });
}

fn database_contains_only_hashes_of_keys(shared: &SharedFixture) {
    let user = shared.new_user();
    let created = shared.create_key("default", &user.id, &[]);
    let (id, key) = (text(&created, "id"), text(&created, "key"));
    let secret = key.rsplit_once('_').unwrap().1;
    let secret = &secret[..secret.len() - 6];
    let cells = shared.database().cells();
    assert!(
        cells.iter().any(|cell| cell.value == id),
        "the database does not contain the key's id"
    );
    for cell in &cells {
        let place = format!("{}.{}", cell.table, cell.column);
        assert!(!cell.value.contains(secret), "{place} contains a plaintext secret");
        assert!(!cell.value.contains(PEPPER), "{place} contains the pepper");
    }
    let hashes: Vec<_> = cells.iter().filter(|cell| cell.value.starts_with("$argon2")).collect();
    assert!(!hashes.is_empty(), "no argon2 hash is stored");
    for cell in hashes {
        assert!(
            cell.kind.contains("text") || cell.kind.contains("char"),
            "the hash's column is {}",
            cell.kind
        );
        // `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`
        let parts: Vec<&str> = cell.value.split('$').collect();
        assert_eq!((parts[1], parts[2]), ("argon2id", "v=19"));
        let number = |name: &str| {
            let pair = parts[3]
                .split(',')
                .find_map(|pair| pair.strip_prefix(name))
                .unwrap_or_else(|| panic!("no {name}"));
            pair.parse::<u32>().unwrap()
        };
        assert!(
            number("m=") >= 19_456 && number("t=") >= 2 && number("p=") >= 1,
            "weak: {}",
            parts[3]
        );
    }
}

fn key_is_shown_only_at_creation(shared: &SharedFixture) {
    let user = shared.new_user();
    let created = shared.create_key("default", &user.id, &[]);
    let secret = text(&created, "key").rsplit_once('_').unwrap().1;
    for arguments in
        [&["keys", "list", "--json"][..], &["keys", "list"], &["keys", "list", "--user", &user.id]]
    {
        let listed = shared.launch("default", arguments).run().expect_code(0);
        assert!(
            listed.stdout.contains(text(&created, "id")),
            "{arguments:?} does not list the key"
        );
        assert!(
            !listed.stdout.contains(secret) && !listed.stderr.contains(secret),
            "{arguments:?} shows the secret"
        );
    }
    let revoked = shared
        .launch("default", &["keys", "revoke", text(&created, "id"), "--json"])
        .run()
        .expect_code(0);
    assert!(!revoked.stdout.contains(secret), "revoking shows the secret");
}

fn key_created_under_an_older_pepper_is_accepted(shared: &SharedFixture) {
    // A new user, because keys move to the newer pepper at their next use.
    let mut owner = shared.new_user();
    let user = &mut owner;
    let old = shared.valid_key("default", user);
    // One key stays under the older pepper. A service whose pepper matches no key would not start.
    let _ = shared.create_key("default", &user.id, &[]);
    let peppers = format!("a-newer-pepper-of-the-tests-0123456789-0123456789,{PEPPER}");
    let rotating = Portal::start_ready(
        &shared.launch("default", &["serve"]).env("BILLING_API_KEY_PEPPER", &peppers),
    );
    assert_eq!(request_portal(&rotating, &old).status, 200);
    let create = shared
        .launch("default", &["keys", "create", "--user", &user.id, "--name", "new", "--json"]);
    let new = create.env("BILLING_API_KEY_PEPPER", &peppers).secrets_on_stdout().run().json();
    assert_eq!(request_portal(&rotating, text(&new, "key")).status, 200);
    let unrotated = shared.portal("default", |portal| request_portal(portal, text(&new, "key")));
    assert_eq!(
        unrotated.code(),
        "invalid_api_key",
        "a key is accepted without the pepper that hashed it"
    );
}

/// Rejected keys, and texts of the reasons in the log. All responses must be equal.
const REFUSED: &[(&str, &[&str])] = &[
    ("unknown", &["unknown"]),
    ("mistyped", &["checksum", "mistyped"]),
    ("wrong_secret", &["secret"]),
    ("revoked", &["revoked"]),
    ("expired", &["expired"]),
];

fn rejections_of_all_bad_keys_are_byte_for_byte_equal(shared: &SharedFixture) {
    shared.with_user(|user| {
        let answers: Vec<_> = REFUSED
            .iter()
            .map(|(name, _)| (name, refuse(shared, user, name, "the-same-id")))
            .collect();
        let plain = |answer: &Response| {
            let headers: Vec<_> =
                answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
            (answer.status, headers, answer.body.clone())
        };
        for (name, answer) in &answers {
            assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"), "{name}");
            assert_eq!(plain(answer), plain(&answers[0].1), "{name} differs from {}", answers[0].0);
        }
    });
}

fn log_contains_the_reason_of_each_rejected_key(shared: &SharedFixture) {
    shared.with_user(|user| {
        for (name, reasons) in REFUSED {
            let id = format!("reason-of-{name}-for-{}", user.id);
            assert_eq!(refuse(shared, user, name, &id).status, 401);
            shared.portal("default", |portal| {
                let logged = poll::within(Duration::from_secs(10), || {
                    let log = portal.process.stderr();
                    log.lines()
                        .any(|l| {
                            l.contains(&id)
                                && reasons.iter().any(|reason| {
                                    l.contains(reason) && !id.contains(reason)
                                        || l.matches(reason).count() > id.matches(reason).count()
                                })
                        })
                        .then_some(())
                });
                assert!(logged.is_some(), "no log line has the request id and a reason for {name}");
            });
        }
    });
}

fn refuse(shared: &SharedFixture, user: &mut User, name: &str, id: &str) -> Response {
    let key = shared.special_key("default", user, name);
    shared.portal("default", |portal| {
        portal.send(&Request::new("POST", KEY_ROUTE).bearer(&key).header("x-request-id", id))
    })
}

/// Time until a change applies on every replica.
const PROPAGATION_LIMIT: Duration = Duration::from_secs(5);

fn on_both_replicas(shared: &SharedFixture, then: impl Fn(&Portal)) {
    for profile in ["default", "impatient"] {
        shared.portal(profile, &then);
    }
}

fn revoked_key_is_rejected_on_every_replica_within_5_s(shared: &SharedFixture) {
    shared.with_user(|user| {
        let created = shared.create_key("default", &user.id, &[]);
        let key = text(&created, "key");
        on_both_replicas(shared, |portal| assert_eq!(request_portal(portal, key).status, 200));
        let _ = shared
            .launch("default", &["keys", "revoke", text(&created, "id")])
            .run()
            .expect_code(0);
        on_both_replicas(shared, |portal| {
            let rejected = poll::within(PROPAGATION_LIMIT, || {
                (request_portal(portal, key).status == 401).then_some(())
            });
            assert!(rejected.is_some(), "a revoked key is still accepted after 5 s");
        });
    });
}

fn expired_key_is_rejected_within_5_s(shared: &SharedFixture) {
    shared.with_user(|user| {
        let expiry = now() + 5;
        let created = shared.create_key("default", &user.id, &["--expires-at", &timestamp(expiry)]);
        let key = text(&created, "key");
        let first = shared.portal("default", |portal| request_portal(portal, key));
        assert!(
            first.status == 200 || now() >= expiry,
            "a key was rejected before its expiry: {}",
            first.text()
        );
        let rejected = poll::within(Duration::from_secs(10), || {
            shared.portal("default", |portal| {
                (request_portal(portal, key).status == 401).then_some(())
            })
        });
        assert!(rejected.is_some(), "an expired key is still accepted");
        assert!(now() >= expiry, "a key was rejected before its expiry");
    });
}

fn changed_permissions_apply_within_5_s(shared: &SharedFixture) {
    shared.with_user(|user| {
        let created = shared.create_key("default", &user.id, &[]);
        let (key, id) = (text(&created, "key"), text(&created, "id"));
        on_both_replicas(shared, |portal| assert_eq!(request_portal(portal, key).status, 200));
        // No command changes permissions. A change in the database must apply too.
        shared.database().execute(&format!(
            "UPDATE api_keys SET permissions = 'reports:read' WHERE id = '{id}'"
        ));
        on_both_replicas(shared, |portal| {
            let rejected = poll::within(PROPAGATION_LIMIT, || {
                (request_portal(portal, key).status == 403).then_some(())
            });
            assert!(rejected.is_some(), "a removed permission still applies after 5 s");
        });
    });
}

fn valid_key_is_accepted_during_a_flood_of_wrong_secrets(shared: &SharedFixture) {
    const ATTACKERS: usize = 8;
    const FRIENDLY: usize = 40;
    shared.with_user(|user| {
        let good = shared.valid_key("default", user);
        let wrong = shared.special_key("default", user, "wrong_secret");
        let (rejected, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        shared.portal("default", |portal| {
            std::thread::scope(|scope| {
                for _ in 0..ATTACKERS {
                    scope.spawn(|| {
                        while done.load(Ordering::Relaxed) == 0 {
                            let answer =
                                portal.send(&Request::new("POST", KEY_ROUTE).bearer(&wrong));
                            assert_eq!(answer.status, 401);
                            rejected.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                let answers: Vec<u16> =
                    (0..FRIENDLY).map(|_| request_portal(portal, &good).status).collect();
                done.store(1, Ordering::Relaxed);
                assert!(
                    answers.iter().all(|status| *status == 200),
                    "a good key was rejected: {answers:?}"
                );
            });
        });
        assert!(rejected.load(Ordering::Relaxed) > FRIENDLY, "there was no flood");
    });
}

fn any_permission_name_is_stored(shared: &SharedFixture) {
    shared.with_user(|user| {
        let odd = "area.of-a_Later.version:Any_action-2";
        let created = shared.create_key(
            "default",
            &user.id,
            &["--permission", odd, "--permission", "subscriptions:portal"],
        );
        let listed = shared
            .launch("default", &["keys", "list", "--user", &user.id, "--json"])
            .run()
            .json()
            .to_string();
        assert!(listed.contains(odd), "the permission is missing: {listed}");
        assert_eq!(
            shared.portal("default", |portal| request_portal(portal, text(&created, "key")).status),
            200
        );
        let default = shared.create_key("default", &user.id, &[]);
        assert!(
            default.to_string().contains("subscriptions:portal"),
            "a key without a list has no permissions"
        );
    });
}
