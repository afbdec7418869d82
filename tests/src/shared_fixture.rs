//! The fixture that all cases of a store share: database, Stripe stubs, running services and users.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

use crate::database::{Database, Store};
use crate::placeholders::Placeholders;
use crate::portal::Portal;
use crate::process::Launch;
use crate::profiles::Profiles;
use crate::stripe_stub::{self, RecordedRequest, StripeStub};
use crate::stub_fixture::StubFixture;
use crate::tokens::{self, TokenChanges};
use crate::user::User;
use crate::{canary, runtime};

/// The pepper of all profiles.
pub const PEPPER: &str = "pepper-of-the-tests-0123456789-0123456789-abcdef";

/// The database, providers, services and users that the cases of one store share.
#[derive(Debug)]
pub struct SharedFixture {
    store: Store,
    profiles: Profiles,
    database: Database,
    stub: StripeStub,
    live_stub: StripeStub,
    portals: Mutex<BTreeMap<String, Arc<OnceLock<Portal>>>>,
    stub_fixtures: Mutex<BTreeMap<String, Vec<StubFixture>>>,
    idle: Mutex<Vec<User>>,
    users: Mutex<usize>,
    folder: TempDir,
}

impl SharedFixture {
    /// Creates a database and starts the providers. Services start when a case needs them.
    #[must_use]
    pub fn create(store: Store) -> Self {
        for secret in [tokens::SECRET, tokens::OLD_SECRET, tokens::FOREIGN_SECRET, PEPPER] {
            canary::plant(secret);
        }
        let stub = runtime::wait(StripeStub::start());
        let live_stub = runtime::wait(StripeStub::start_live());
        canary::plant(stub.secret_key());
        canary::plant(live_stub.secret_key());
        let shared = Self {
            store,
            profiles: Profiles::read(),
            database: Database::create(store),
            stub,
            live_stub,
            portals: Mutex::default(),
            stub_fixtures: Mutex::default(),
            idle: Mutex::default(),
            users: Mutex::default(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        shared.link("default", "only-in-test-mode", "cus_OnlyInTestMode1");
        shared.link("live", "only-in-live-mode", "cus_OnlyInLiveMode1");
        shared
    }

    /// Returns the database system.
    #[must_use]
    pub const fn store(&self) -> Store {
        self.store
    }

    /// Returns the profiles.
    #[must_use]
    pub const fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Returns the database.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Returns the provider stub of a profile.
    #[must_use]
    pub fn stub(&self, profile: &str) -> &StripeStub {
        if self.profiles.get(profile).mode == "live" { &self.live_stub } else { &self.stub }
    }

    /// Calls `then` with the running service of a profile.
    ///
    /// # Panics
    /// When the service does not start.
    pub fn portal<T>(&self, profile: &str, then: impl FnOnce(&Portal) -> T) -> T {
        let cell = Arc::clone(
            self.portals
                .lock()
                .expect("the lock is not poisoned")
                .entry(profile.to_owned())
                .or_default(),
        );
        then(cell.get_or_init(|| Portal::start_ready(&self.launch(profile, &["serve"]))))
    }

    /// Calls `then` with each running service and its profile.
    ///
    /// # Panics
    /// When the lock is poisoned.
    pub fn each_portal(&self, mut then: impl FnMut(&str, &Portal)) {
        let cells = self.portals.lock().expect("the lock is not poisoned").clone();
        for (profile, cell) in &cells {
            if let Some(portal) = cell.get() {
                then(profile, portal);
            }
        }
    }

    /// Creates a start of the binary with a profile's settings.
    #[must_use]
    pub fn launch(&self, profile: &str, arguments: &[&str]) -> Launch {
        let environment = self.profiles.environment(profile, &self.settings_placeholders(profile));
        Launch::new(self.folder.path(), arguments).envs(&environment)
    }

    /// Returns the placeholders of the profiles' settings.
    fn settings_placeholders(&self, profile: &str) -> Placeholders {
        let mut placeholders = Placeholders::default();
        placeholders.set("stub", self.stub(profile).base_url());
        placeholders.set("database", self.database.url());
        placeholders.set("pepper", PEPPER);
        placeholders.set("secret", tokens::SECRET);
        placeholders.set("old_secret", tokens::OLD_SECRET);
        placeholders.set("keys", tokens::key_file("").display().to_string());
        placeholders.set("stripe_test_key", self.stub.secret_key());
        placeholders.set("stripe_live_key", self.live_stub.secret_key());
        placeholders.set("portal_configuration", stripe_stub::CONFIGURATION);
        placeholders
    }

    /// Calls `then` with a user that no other case uses at the same time.
    pub fn with_user<T>(&self, then: impl FnOnce(&mut User) -> T) -> T {
        let idle = self.idle.lock().expect("the lock is not poisoned").pop();
        let mut user = idle.unwrap_or_else(|| self.new_user());
        let result = then(&mut user);
        // If the case panics, its user is not reused.
        self.idle.lock().expect("the lock is not poisoned").push(user);
        result
    }

    /// Creates a user with a billing account in both modes.
    ///
    /// # Panics
    /// When the command fails.
    #[must_use]
    pub fn new_user(&self) -> User {
        let number = {
            let mut users = self.users.lock().expect("the lock is not poisoned");
            *users += 1;
            *users
        };
        let id = format!("user-{number}");
        let customer = format!("cus_Case{number:010}");
        let subscription = format!("sub_Case{number:010}");
        for (profile, stub) in [("default", &self.stub), ("live", &self.live_stub)] {
            stub.add_customer(&customer);
            stub.add_subscription(&customer, &subscription);
            self.link(profile, &id, &customer);
        }
        User { id, customer, subscription, keys: BTreeMap::new() }
    }

    fn link(&self, profile: &str, user: &str, customer: &str) {
        let linked = self
            .launch(profile, &["customers", "link", "--user", user, "--customer", customer])
            .run();
        let _ = linked.expect_code(0);
    }

    /// Creates an API key with the command line and returns the command's JSON output.
    ///
    /// # Panics
    /// When the command fails.
    #[must_use]
    pub fn create_key(&self, profile: &str, user: &str, more: &[&str]) -> Value {
        let mut arguments = vec!["keys", "create", "--user", user, "--name", "of a test", "--json"];
        arguments.extend(more);
        let created = self.launch(profile, &arguments).secrets_on_stdout().run().json();
        plant_key(created["key"].as_str().expect("`key` is a string"));
        created
    }

    /// Returns a user's valid key for a profile. Creates it at the first use.
    pub fn valid_key(&self, profile: &str, user: &mut User) -> String {
        let prefix = self.profiles.get(profile).key_prefix.clone();
        let make =
            || self.create_key(profile, &user.id, &[])["key"].as_str().expect("a key").to_owned();
        user.keys.entry(prefix).or_insert_with(make).clone()
    }

    /// Returns a special or malformed key, by the name in `{"key": …}` of a case.
    ///
    /// # Panics
    /// When the name is unknown.
    pub fn special_key(&self, profile: &str, user: &mut User, name: &str) -> String {
        let create = |more: &[&str]| self.create_key(profile, &user.id, more);
        let text = |created: &Value| created["key"].as_str().expect("a key").to_owned();
        match name {
            "reports_only" => text(&create(&["--permission", "reports:read"])),
            "two_permissions" => text(&create(&[
                "--permission",
                "reports:read",
                "--permission",
                "subscriptions:portal",
            ])),
            "partner" => {
                let origins = [
                    "--return-origin",
                    "https://partner.example.net",
                    "--return-origin",
                    "https://*.partners.example.net",
                ];
                text(&create(&origins))
            }
            // Created in test mode, which allows any origin.
            "anywhere" => text(&self.create_key("default", &user.id, &["--return-origin", "*"])),
            "expires_later" => text(&create(&["--expires-at", &timestamp(now() + 3600)])),
            "expired" => {
                // On a slow disk the command takes seconds.
                let expiry = now() + 10;
                let key = text(&create(&["--expires-at", &timestamp(expiry)]));
                crate::poll::until("the key to expire", || (now() > expiry).then_some(()));
                key
            }
            "revoked" => {
                let created = create(&[]);
                let id = created["id"].as_str().expect("an id");
                let _ = self.launch(profile, &["keys", "revoke", id]).run().expect_code(0);
                text(&created)
            }
            "other_pepper" => {
                let arguments =
                    ["keys", "create", "--user", &user.id, "--name", "of a test", "--json"];
                let launch = self.launch(profile, &arguments).secrets_on_stdout();
                let launch = launch.env(
                    "BILLING_API_KEY_PEPPER",
                    "another-pepper-of-the-tests-0123456789-0123456789",
                );
                text(&launch.run().json())
            }
            malformed => {
                let good = self.valid_key(profile, user);
                alter_key(&good, malformed)
            }
        }
    }

    /// Returns the placeholders of a case.
    pub fn placeholders(&self, profile: &str, user: &mut User) -> Placeholders {
        let mut placeholders = Placeholders::at(now());
        placeholders.set("user", &user.id);
        placeholders.set("USER", user.id.to_uppercase());
        placeholders.set("customer", &user.customer);
        placeholders.set("subscription", &user.subscription);
        placeholders.set("stub", self.stub(profile).base_url());
        let token = tokens::mint(
            &self.profiles.get(profile).issuer,
            &TokenChanges::default(),
            &placeholders,
        );
        canary::plant_token(&token);
        placeholders.set("token", token);
        placeholders.set("key", self.valid_key(profile, user));
        placeholders
    }

    /// Creates a valid access token for a user.
    #[must_use]
    pub fn token(&self, profile: &str, user: &str) -> String {
        let mut placeholders = Placeholders::at(now());
        placeholders.set("user", user);
        let token = tokens::mint(
            &self.profiles.get(profile).issuer,
            &TokenChanges::default(),
            &placeholders,
        );
        canary::plant_token(&token);
        token
    }

    /// Returns the provider's requests for a customer.
    #[must_use]
    pub fn requests_for(&self, profile: &str, customer: &str) -> Vec<RecordedRequest> {
        let mut requests = self.stub(profile).requests();
        requests.retain(|request| request.field("customer") == Some(customer));
        requests
    }

    /// Returns all requests of both providers.
    #[must_use]
    pub fn all_requests(&self) -> Vec<RecordedRequest> {
        [self.stub.requests(), self.live_stub.requests()].concat()
    }

    /// Starts a service with its own provider stub.
    #[must_use]
    pub fn start_stub_fixture(&self, profile: &str) -> StubFixture {
        let stub = runtime::wait(StripeStub::start());
        canary::plant(stub.secret_key());
        let mut launch = self.launch(profile, &["serve"]);
        // The settings of this profile have an unreachable provider.
        if profile != "stranded" {
            launch = launch.env("BILLING_STRIPE_API_BASE", stub.base_url());
        }
        StubFixture { portal: Portal::start_ready(&launch), stub }
    }

    /// Calls `then` with a service that has its own provider stub, for cases with provider faults.
    pub fn with_stub_fixture<T>(&self, profile: &str, then: impl FnOnce(&StubFixture) -> T) -> T {
        let idle = {
            let mut stub_fixtures = self.stub_fixtures.lock().expect("the lock is not poisoned");
            stub_fixtures.entry(profile.to_owned()).or_default().pop()
        };
        let stub_fixture = idle.unwrap_or_else(|| self.start_stub_fixture(profile));
        let result = then(&stub_fixture);
        // If the case panics, its fixture is not reused: the remaining faults would affect other
        // cases.
        self.stub_fixtures
            .lock()
            .expect("the lock is not poisoned")
            .entry(profile.to_owned())
            .or_default()
            .push(stub_fixture);
        result
    }
}

/// Registers an API key and its secret part as secrets.
pub fn plant_key(key: &str) {
    canary::plant(key);
    if let Some((_, secret)) = key.rsplit_once('_') {
        canary::plant(secret);
    }
}

/// Returns the checksum of an API key: CRC-32 (ISO-HDLC) of the preceding text in six base62
/// digits.
#[must_use]
pub fn checksum(before: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(before.as_bytes()) as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

fn alter_key(good: &str, how: &str) -> String {
    let (before, rest) = good.rsplit_once('_').expect("a key has three parts");
    let (prefix, id) = before.rsplit_once('_').expect("a key has three parts");
    let (secret, _) = rest.split_at(rest.len() - 6);
    let swap = |text: &str| {
        let first = if text.starts_with('a') { 'b' } else { 'a' };
        format!("{first}{}", &text[1..])
    };
    let sealed = |body: String| format!("{body}{}", checksum(&body));
    match how {
        "cut" => good[..good.len() - 1].to_owned(),
        "mistyped" => format!("{before}_{}", swap(rest)),
        "unknown" => sealed(format!("{prefix}_{}_{secret}", swap(id))),
        "wrong_secret" => sealed(format!("{before}_{}", swap(secret))),
        "short_secret" => sealed(format!("{before}_{}", &secret[..10])),
        "empty_secret" => sealed(format!("{before}_")),
        unknown => panic!("unknown key {unknown}"),
    }
}

/// Returns the seconds since 1970.
///
/// # Panics
/// When the clock is before 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970");
    i64::try_from(since.as_secs()).expect("the time fits into 64 bits")
}

/// Formats a time in seconds as RFC 3339 text in UTC.
///
/// # Panics
/// When the year is not in -9999..=9999.
#[must_use]
pub fn timestamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).expect("a year of four digits").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_matches_the_contract() {
        assert_eq!(checksum("llmgen_x"), "0W5whn");
    }

    #[test]
    fn timestamp_is_rfc_3339() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(timestamp(4_102_444_799), "2099-12-31T23:59:59Z");
    }
}
