//! The operator's commands.

use std::collections::BTreeMap;

use serde_json::Value;
use workspace_tests::database::{Database, Store};
use workspace_tests::poll;
use workspace_tests::portal::Portal;
use workspace_tests::process::{Finished, Launch};
use workspace_tests::runner::TOKEN_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::SharedFixture;
use workspace_tests::wire::Request;
use workspace_tests::{canary, settings};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(every_command_prints_json_with_the_json_flag(shared), "L1.json", "L1.commands"),
    scenario!(minted_token_opens_the_portal(shared), "L1.commands"),
    scenario!(sandbox_command_serves_the_stripe_api(), "L1.commands"),
    scenario!(link_to_another_customer_fails_unless_replace_is_given(shared), "L3.link_again"),
    scenario!(two_users_may_share_one_customer(shared), "L3.shared_customer"),
    scenario!(links_are_separate_per_provider_and_mode(shared), "S3.lookup"),
    scenario!(commands_migrate_the_database_first(shared), "L3.migrates_first"),
    scenario!(missing_sqlite_file_is_created_with_owner_permissions(shared), "L3.creates_file")
        .on(Store::Sqlite),
    scenario!(
        serve_is_unready_until_the_database_is_migrated(shared),
        "L3.unmigrated",
        "B1.readyz",
        "E1.not_ready",
        "E1.database_unavailable"
    ),
    scenario!(concurrent_migrate_commands_succeed(shared), "L3.several_at_once"),
];

/// Creates a start with the usual settings on this database.
pub(crate) fn on(database: &Database, arguments: &[&str]) -> Launch {
    let environment: BTreeMap<String, String> = settings::base(database.folder());
    Launch::new(database.folder(), arguments)
        .envs(&environment)
        .env("BILLING_DATABASE_URL", database.url())
        .env("BILLING_AUTO_MIGRATE", "true")
}

fn command(shared: &SharedFixture, arguments: &[&str]) -> Finished {
    shared.launch("default", arguments).run()
}

fn every_command_prints_json_with_the_json_flag(shared: &SharedFixture) {
    let user = shared.new_user();
    let created = shared.create_key("default", &user.id, &[]);
    let id = created["id"].as_str().unwrap();
    assert!(created["key"].as_str().unwrap().contains(id));
    let prints = |arguments: &[&str], texts: &[&str]| {
        let shown = command(shared, arguments).json();
        assert!(shown.is_object() || shown.is_array(), "{arguments:?} prints {shown}");
        for text in texts {
            assert!(
                shown.to_string().contains(text),
                "{arguments:?} prints {shown}, without {text}"
            );
        }
    };
    prints(&["keys", "list", "--json"], &[id]);
    prints(&["keys", "list", "--user", &user.id, "--json"], &[id]);
    prints(&["keys", "revoke", id, "--json"], &[id]);
    prints(
        &["customers", "link", "--user", &user.id, "--customer", &user.customer, "--json"],
        &[&user.customer],
    );
    prints(
        &["customers", "show", "--user", &user.id, "--json"],
        &[&user.customer, "test", "live", "stripe"],
    );
    prints(&["customers", "unlink", "--user", &user.id, "--json"], &[&user.customer]);
    prints(&["openapi", "--json"], &["3.1"]);
    prints(&["migrate", "--json"], &[]);
}

fn minted_token_opens_the_portal(shared: &SharedFixture) {
    shared.with_user(|user| {
        let mint = |more: &[&str]| {
            let arguments = [&["token", "mint", "--user", &user.id], more].concat();
            shared.launch("default", &arguments).secrets_on_stdout().run().expect_code(0).stdout
        };
        let json: Value = serde_json::from_str(&mint(&["--json"])).expect("JSON");
        let inside = json["token"].as_str().expect("`token`").to_owned();
        for token in [mint(&[]).trim().to_owned(), mint(&["--ttl", "2m"]).trim().to_owned(), inside]
        {
            canary::plant_token(&token);
            let request = Request::new("POST", TOKEN_ROUTE).bearer(&token);
            let answer = shared.portal("default", |portal| portal.send(&request));
            assert_eq!(answer.status, 200, "{}", answer.text());
            canary::plant_url(&answer.portal_url());
        }
    });
}

fn sandbox_command_serves_the_stripe_api() {
    let folder = tempfile::tempdir().unwrap();
    let process =
        Launch::new(folder.path(), &["sandbox", "--listen", "127.0.0.1:0", "--json"]).spawn();
    let shown: Value = poll::until("the sandbox to print its address", || {
        serde_json::from_str(&process.stdout()).ok()
    });
    let base = shown["baseUrl"].as_str().expect("`baseUrl`");
    let address = base.strip_prefix("http://").unwrap().parse().unwrap();
    let customer = shown["customer"].as_str().expect("`customer`");
    let request =
        Request::get(format!("/v1/customers/{customer}")).bearer("sk_test_anything0000000001");
    let answer = request.send(address).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["id"], customer);
    process.signal(rustix::process::Signal::TERM);
    let _ = process.finish().expect_code(0);
}

fn link_to_another_customer_fails_unless_replace_is_given(shared: &SharedFixture) {
    let user = shared.new_user();
    let link = |customer: &str, more: &[&str]| {
        let arguments =
            [&["customers", "link", "--user", &user.id, "--customer", customer], more].concat();
        command(shared, &arguments)
    };
    let _ = link(&user.customer, &[]).expect_code(0);
    let _ = link("cus_Another00000001", &[]).expect_code(1).expect_stderr(&["--replace"]);
    assert!(
        command(shared, &["customers", "show", "--user", &user.id]).stdout.contains(&user.customer),
        "the failed command changed the link"
    );
    let _ = link("cus_Another00000001", &["--replace"]).expect_code(0);
    assert!(
        command(shared, &["customers", "show", "--user", &user.id])
            .stdout
            .contains("cus_Another00000001")
    );
    let _ = link("cus_Another00000001", &["--replace"]).expect_code(0);
}

fn two_users_may_share_one_customer(shared: &SharedFixture) {
    let (one, two) = (shared.new_user(), shared.new_user());
    let arguments =
        ["customers", "link", "--user", &two.id, "--customer", &one.customer, "--replace"];
    let _ = command(shared, &arguments).expect_code(0);
    let before = shared.requests_for("default", &one.customer).len();
    for user in [&one.id, &two.id] {
        let request = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", user));
        let answer = shared.portal("default", |portal| portal.send(&request));
        assert_eq!(answer.status, 200, "{}", answer.text());
        canary::plant_url(&answer.portal_url());
    }
    assert_eq!(shared.requests_for("default", &one.customer).len(), before + 2);
}

fn links_are_separate_per_provider_and_mode(shared: &SharedFixture) {
    let user = format!("apart-{}", shared.new_user().id);
    let link = |customer: &str, provider: &str, mode: &str| {
        let at = ["--provider", provider, "--mode", mode];
        let arguments =
            [&["customers", "link", "--user", &user, "--customer", customer][..], &at].concat();
        let _ = command(shared, &arguments).expect_code(0);
    };
    link("cus_Sandbox0000001", "sandbox", "test");
    link("cus_Live0000000001", "stripe", "live");
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", &user));
    let answer = shared.portal("default", |portal| portal.send(&request));
    assert_eq!(
        answer.code(),
        "billing_account_not_found",
        "a customer of another provider or mode was used"
    );
    let shown = command(shared, &["customers", "show", "--user", &user]).stdout;
    assert!(
        shown.contains("cus_Sandbox0000001") && shown.contains("cus_Live0000000001"),
        "{shown}"
    );
    let _ = command(
        shared,
        &["customers", "unlink", "--user", &user, "--provider", "sandbox", "--mode", "test"],
    )
    .expect_code(0);
    let shown = command(shared, &["customers", "show", "--user", &user]).stdout;
    assert!(
        !shown.contains("cus_Sandbox0000001") && shown.contains("cus_Live0000000001"),
        "{shown}"
    );
}

fn commands_migrate_the_database_first(shared: &SharedFixture) {
    let link = ["customers", "link", "--user", "u", "--customer", "cus_1"];
    let refusing = Database::create(shared.store());
    let rejected = on(&refusing, &link).env("BILLING_AUTO_MIGRATE", "false").run().expect_code(1);
    assert!(
        rejected.stderr.contains("migrate"),
        "the error does not name the remedy: {}",
        rejected.stderr
    );
    // `false` is the default on Postgres, `true` on SQLite.
    let code = if shared.store() == Store::Postgres { 1 } else { 0 };
    let by_default = Database::create(shared.store());
    let _ = on(&by_default, &link).without("BILLING_AUTO_MIGRATE").run().expect_code(code);
    let migrating = Database::create(shared.store());
    let _ = on(&migrating, &link).run().expect_code(0);
    assert!(migrating.cells().iter().any(|cell| cell.value == "cus_1"));
}

fn missing_sqlite_file_is_created_with_owner_permissions(shared: &SharedFixture) {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::create(shared.store());
    let _ = on(&database, &["migrate"]).run().expect_code(0);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&database.file()), 0o600, "the file's mode");
    assert_eq!(mode(database.file().parent().unwrap()), 0o700, "the folder's mode");
}

fn serve_is_unready_until_the_database_is_migrated(shared: &SharedFixture) {
    let database = Database::create(shared.store());
    let portal = Portal::start(&on(&database, &["serve"]).env("BILLING_AUTO_MIGRATE", "false"));
    let unready = portal.get("/readyz").unwrap();
    assert_eq!((unready.status, unready.code().as_str()), (503, "not_ready"));
    assert!(unready.json()["detail"].as_str().unwrap().contains("database"), "{}", unready.text());
    assert_eq!(portal.get("/livez").unwrap().status, 200);
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", "u"));
    let answer = portal.send(&request);
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "database_unavailable"),
        "{}",
        answer.text()
    );
    workspace_tests::invariants::check("POST", TOKEN_ROUTE, &answer).unwrap();
    let _ = on(&database, &["migrate"]).run().expect_code(0);
    portal.wait_ready();
    assert_eq!(portal.send(&request).code(), "billing_account_not_found");
}

fn concurrent_migrate_commands_succeed(shared: &SharedFixture) {
    let database = Database::create(shared.store());
    let all: Vec<_> = (0..6).map(|_| on(&database, &["migrate"]).spawn()).collect();
    for process in all {
        let _ = process.finish().expect_code(0);
    }
    let _ = on(&database, &["migrate"]).run().expect_code(0);
    let _ = on(&database, &["customers", "link", "--user", "u", "--customer", "cus_1"])
        .run()
        .expect_code(0);
}
