//! Secret rotation: a running service reads its secret files again on SIGHUP.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use workspace_tests::database::Database;
use workspace_tests::placeholders::Placeholders;
use workspace_tests::portal::Portal;
use workspace_tests::runner::{KEY_ROUTE, TOKEN_ROUTE};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{PEPPER, SharedFixture, now, plant_key};
use workspace_tests::stripe_stub::StripeStub;
use workspace_tests::tokens::{self, TokenChanges};
use workspace_tests::wire::Request;
use workspace_tests::{canary, poll, runtime};

use super::command_line::on;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        token_secrets_rotate_without_a_failed_request(shared),
        "S4.reload",
        "S4.no_failed_request"
    ),
    scenario!(reload_with_wrong_settings_keeps_the_current_ones(shared), "S4.wrong_settings"),
    scenario!(serve_exits_with_78_when_the_pepper_does_not_match(shared), "C7.fingerprint"),
    scenario!(sighup_rotates_the_pepper(shared), "S4.pepper", "S4.reload", "C7.rehash"),
    scenario!(sighup_rotates_the_stripe_key(shared), "S4.stripe_key"),
];

const NEW_PEPPER: &str = "newer-pepper-of-the-tests-0123456789-0123456789-abcdef";

/// A secret in a file.
struct SecretFile {
    _folder: TempDir,
    path: PathBuf,
}

impl SecretFile {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Self { path: folder.path().join("secret"), _folder: folder };
        file.write(text);
        file
    }

    /// Replaces the file atomically, as an operator or an orchestrator does.
    fn write(&self, text: &str) {
        let temporary = self.path.with_extension("new");
        std::fs::write(&temporary, text).unwrap();
        std::fs::rename(&temporary, &self.path).unwrap();
    }

    fn path(&self) -> String {
        self.path.display().to_string()
    }
}

fn token(shared: &SharedFixture, user: &str, key: &str) -> String {
    let mut placeholders = Placeholders::at(now());
    placeholders.set("user", user);
    let changes = TokenChanges { key: Some(key.to_owned()), ..TokenChanges::default() };
    let token = tokens::mint(&shared.profiles().get("default").issuer, &changes, &placeholders);
    canary::plant_token(&token);
    token
}

fn status(portal: &Portal, route: &str, credential: &str) -> u16 {
    let answer = portal.send(&Request::new("POST", route).bearer(credential));
    canary::plant_url(&answer.portal_url());
    answer.status
}

fn code(portal: &Portal, route: &str, credential: &str) -> String {
    portal.send(&Request::new("POST", route).bearer(credential)).code()
}

fn token_secrets_rotate_without_a_failed_request(shared: &SharedFixture) {
    let user = shared.new_user();
    let (old, new) = (token(shared, &user.id, "old"), token(shared, &user.id, "own"));
    let file = SecretFile::new(tokens::OLD_SECRET);
    let launch = shared.launch("default", &["serve"]).without("BILLING_JWT_HS256_SECRET");
    let portal = Portal::start_ready(&launch.env("BILLING_JWT_HS256_SECRET_FILE", file.path()));
    assert_eq!(
        (status(&portal, TOKEN_ROUTE, &old), status(&portal, TOKEN_ROUTE, &new)),
        (200, 401)
    );
    let (signed_with, done, passed) =
        (Mutex::new(old.clone()), AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let token = signed_with.lock().unwrap().clone();
                    assert_eq!(
                        status(&portal, TOKEN_ROUTE, &token),
                        200,
                        "a request failed during the rotation"
                    );
                    passed.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let reload = |text: &str| {
            file.write(text);
            portal.process.signal(Signal::HUP);
        };
        reload(&format!("{},{}", tokens::SECRET, tokens::OLD_SECRET));
        let taken = poll::within(poll::TIMEOUT, || {
            (status(&portal, TOKEN_ROUTE, &new) == 200).then_some(())
        });
        let both = status(&portal, TOKEN_ROUTE, &old);
        // From now on the issuer signs with the new secret. Running requests finish with the old
        // one.
        new.clone_into(&mut signed_with.lock().unwrap());
        let mark = passed.load(Ordering::Relaxed);
        poll::until("requests with the new secret", || {
            (passed.load(Ordering::Relaxed) > mark + 16).then_some(())
        });
        reload(&format!("{}\n", tokens::SECRET));
        let ended = poll::within(poll::TIMEOUT, || {
            (status(&portal, TOKEN_ROUTE, &old) == 401).then_some(())
        });
        let mark = passed.load(Ordering::Relaxed);
        poll::until("requests after the rotation", || {
            (passed.load(Ordering::Relaxed) > mark + 16).then_some(())
        });
        done.store(true, Ordering::Relaxed);
        assert!(taken.is_some(), "the new secret was not accepted");
        assert_eq!(both, 200, "the old secret was rejected too early");
        assert!(ended.is_some(), "the old secret is never rejected");
    });
    assert_eq!(status(&portal, TOKEN_ROUTE, &new), 200);
}

fn reload_with_wrong_settings_keeps_the_current_ones(shared: &SharedFixture) {
    let user = shared.new_user();
    let old = token(shared, &user.id, "old");
    let file = SecretFile::new(tokens::OLD_SECRET);
    let launch = shared.launch("default", &["serve"]).without("BILLING_JWT_HS256_SECRET");
    let portal = Portal::start_ready(&launch.env("BILLING_JWT_HS256_SECRET_FILE", file.path()));
    let reload = |text: Option<&str>| {
        match text {
            Some(text) => file.write(text),
            None => std::fs::remove_file(&file.path).unwrap(),
        }
        let mark = portal.process.log().len();
        portal.process.signal(Signal::HUP);
        poll::until("the fault to be logged", || {
            portal.process.log().text_from(mark).contains("BILLING_JWT_HS256_SECRET").then_some(())
        });
        assert_eq!(status(&portal, TOKEN_ROUTE, &old), 200, "the current secret is rejected");
    };
    reload(Some("too-short"));
    reload(None);
    file.write(tokens::SECRET);
    portal.process.signal(Signal::HUP);
    poll::until("a valid secret to be loaded afterwards", || {
        (status(&portal, TOKEN_ROUTE, &token(shared, &user.id, "own")) == 200).then_some(())
    });
}

fn create(database: &Database, pepper: &str) -> Value {
    let create = on(database, &["keys", "create", "--user", "u", "--name", "n", "--json"]);
    let created = create.env("BILLING_API_KEY_PEPPER", pepper).secrets_on_stdout().run().json();
    plant_key(created["key"].as_str().unwrap());
    created
}

/// Returns whether a key is accepted. The key's user has no billing account.
fn is_accepted(portal: &Portal, key: &Value) -> bool {
    code(portal, KEY_ROUTE, key["key"].as_str().unwrap()) == "billing_account_not_found"
}

fn peppers_in_use(database: &Database) -> Vec<String> {
    let cells = database.cells().into_iter().filter(|cell| cell.column == "pepper_id");
    let mut ids: Vec<String> = cells.map(|cell| cell.value).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn serve_exits_with_78_when_the_pepper_does_not_match(shared: &SharedFixture) {
    canary::plant(NEW_PEPPER);
    let database = Database::create(shared.store());
    let _ = create(&database, PEPPER);
    let rejected =
        on(&database, &["serve"]).env("BILLING_API_KEY_PEPPER", NEW_PEPPER).run().expect_code(78);
    let rejected = rejected.expect_stderr(&["BILLING_API_KEY_PEPPER"]);
    assert!(!rejected.stderr.contains(NEW_PEPPER));
    let both =
        on(&database, &["serve"]).env("BILLING_API_KEY_PEPPER", format!("{NEW_PEPPER},{PEPPER}"));
    let _ = Portal::start_ready(&both);
    // Without stored keys any pepper is valid.
    let empty = Database::create(shared.store());
    let _ = Portal::start_ready(&on(&empty, &["serve"]).env("BILLING_API_KEY_PEPPER", NEW_PEPPER));
}

fn sighup_rotates_the_pepper(shared: &SharedFixture) {
    canary::plant(NEW_PEPPER);
    let database = Database::create(shared.store());
    let old = create(&database, PEPPER);
    let file = SecretFile::new(PEPPER);
    let launch = on(&database, &["serve"]).without("BILLING_API_KEY_PEPPER");
    let launch = launch.env("BILLING_API_KEY_PEPPER_FILE", file.path());
    let portal = Portal::start_ready(&launch);
    assert!(is_accepted(&portal, &old));
    let both = format!("{NEW_PEPPER},{PEPPER}");
    file.write(&both);
    portal.process.signal(Signal::HUP);
    let new = create(&database, &both);
    poll::until("the new pepper to be loaded", || is_accepted(&portal, &new).then_some(()));
    assert_eq!(peppers_in_use(&database).len(), 2);
    poll::until("the old key to move to the new pepper", || {
        assert!(is_accepted(&portal, &old), "the old key was rejected during the pepper rotation");
        (peppers_in_use(&database).len() == 1).then_some(())
    });
    file.write(NEW_PEPPER);
    portal.process.signal(Signal::HUP);
    let alone = Portal::start_ready(&launch);
    for portal in [&portal, &alone] {
        assert!(
            is_accepted(portal, &old) && is_accepted(portal, &new),
            "a key is rejected with the new pepper alone"
        );
    }
}

fn sighup_rotates_the_stripe_key(shared: &SharedFixture) {
    let user = shared.new_user();
    let stub = runtime::wait(StripeStub::start());
    stub.add_customer(&user.customer);
    let (old, live) = ("sk_test_AnOldStripeKey00000001", "sk_live_ALiveStripeKey00000001");
    for key in [old, live, stub.secret_key()] {
        canary::plant(key);
    }
    let file = SecretFile::new(old);
    let launch = shared.launch("default", &["serve"]).without("BILLING_STRIPE_SECRET_KEY");
    let launch = launch.env("BILLING_STRIPE_SECRET_KEY_FILE", file.path());
    let portal = Portal::start_ready(&launch.env("BILLING_STRIPE_API_BASE", stub.base_url()));
    let request_portal = || status(&portal, TOKEN_ROUTE, &shared.token("default", &user.id));
    assert_eq!(request_portal(), 502, "the stub accepts any key");
    file.write(stub.secret_key());
    portal.process.signal(Signal::HUP);
    poll::until("the new Stripe key to be used", || (request_portal() == 200).then_some(()));
    // A process serves one mode, so it keeps its key when the new key is for the other mode.
    file.write(live);
    let mark = portal.process.log().len();
    portal.process.signal(Signal::HUP);
    poll::until("the fault to be logged", || {
        portal.process.log().text_from(mark).contains("the old ones stay").then_some(())
    });
    assert_eq!(request_portal(), 200, "a key of the other mode was loaded");
}
