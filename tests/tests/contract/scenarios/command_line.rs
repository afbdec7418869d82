//! Commands as an operator types them.

use std::collections::BTreeMap;

use serde_json::Value;
use workspace_tests::database::{Database, Store};
use workspace_tests::poll;
use workspace_tests::portal::Portal;
use workspace_tests::process::{Finished, Launch};
use workspace_tests::runner::TOKEN_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::wire::Request;
use workspace_tests::world::World;
use workspace_tests::{canary, settings};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(every_command_speaks_json(world), "L1.json", "L1.commands"),
    scenario!(a_minted_token_opens_the_portal(world), "L1.commands"),
    scenario!(the_sandbox_runs_alone(), "L1.commands"),
    scenario!(linking_again_and_replacing(world), "L3.link_again"),
    scenario!(users_share_a_customer(world), "L3.shared_customer"),
    scenario!(modes_and_providers_are_kept_apart(world), "S3.lookup"),
    scenario!(commands_migrate_first(world), "L3.migrates_first"),
    scenario!(a_missing_file_is_made_for_its_owner(world), "L3.makes_file").on(Store::Sqlite),
    scenario!(
        an_unmigrated_database_is_waited_for(world),
        "L3.unmigrated",
        "B1.readyz",
        "E1.not_ready",
        "E1.database_unavailable"
    ),
    scenario!(several_migrate_at_once(world), "L3.several_at_once"),
];

/// A start with the usual settings on a database of its own.
pub(crate) fn on(database: &Database, arguments: &[&str]) -> Launch {
    let environment: BTreeMap<String, String> = settings::base(database.folder());
    Launch::new(database.folder(), arguments)
        .envs(&environment)
        .env("BILLING_DATABASE_URL", database.url())
        .env("BILLING_AUTO_MIGRATE", "true")
}

fn command(world: &World, arguments: &[&str]) -> Finished {
    world.launch("default", arguments).run()
}

fn every_command_speaks_json(world: &World) {
    let user = world.new_user();
    let created = world.create_key("default", &user.id, &[]);
    let id = created["id"].as_str().unwrap();
    assert!(created["key"].as_str().unwrap().contains(id));
    let holds = |arguments: &[&str], words: &[&str]| {
        let shown = command(world, arguments).json();
        assert!(shown.is_object() || shown.is_array(), "{arguments:?} prints {shown}");
        for word in words {
            assert!(
                shown.to_string().contains(word),
                "{arguments:?} prints {shown}, without {word}"
            );
        }
    };
    holds(&["keys", "list", "--json"], &[id]);
    holds(&["keys", "list", "--user", &user.id, "--json"], &[id]);
    holds(&["keys", "revoke", id, "--json"], &[id]);
    holds(
        &["customers", "link", "--user", &user.id, "--customer", &user.customer, "--json"],
        &[&user.customer],
    );
    holds(
        &["customers", "show", "--user", &user.id, "--json"],
        &[&user.customer, "test", "live", "stripe"],
    );
    holds(&["customers", "unlink", "--user", &user.id, "--json"], &[&user.customer]);
    holds(&["openapi", "--json"], &["3.1"]);
    holds(&["migrate", "--json"], &[]);
}

fn a_minted_token_opens_the_portal(world: &World) {
    world.with_user(|user| {
        let mint = |more: &[&str]| {
            let arguments = [&["token", "mint", "--user", &user.id], more].concat();
            world.launch("default", &arguments).secrets_on_stdout().run().expect_code(0).stdout
        };
        let json: Value = serde_json::from_str(&mint(&["--json"])).expect("JSON");
        let inside = json["token"].as_str().expect("`token`").to_owned();
        for token in [mint(&[]).trim().to_owned(), mint(&["--ttl", "2m"]).trim().to_owned(), inside]
        {
            canary::plant_token(&token);
            let request = Request::new("POST", TOKEN_ROUTE).bearer(&token);
            let answer = world.portal("default", |portal| portal.send(&request));
            assert_eq!(answer.status, 200, "{}", answer.text());
            canary::plant_url(&answer.portal_url());
        }
    });
}

fn the_sandbox_runs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let process =
        Launch::new(folder.path(), &["sandbox", "--listen", "127.0.0.1:0", "--json"]).spawn();
    let shown: Value = poll::until("the sandbox to say where it listens", || {
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

fn linking_again_and_replacing(world: &World) {
    let user = world.new_user();
    let link = |customer: &str, more: &[&str]| {
        let arguments =
            [&["customers", "link", "--user", &user.id, "--customer", customer], more].concat();
        command(world, &arguments)
    };
    let _ = link(&user.customer, &[]).expect_code(0);
    let _ = link("cus_Another00000001", &[]).expect_code(1).expect_words(&["--replace"]);
    assert!(
        command(world, &["customers", "show", "--user", &user.id]).stdout.contains(&user.customer),
        "a refusal changed it"
    );
    let _ = link("cus_Another00000001", &["--replace"]).expect_code(0);
    assert!(
        command(world, &["customers", "show", "--user", &user.id])
            .stdout
            .contains("cus_Another00000001")
    );
    let _ = link("cus_Another00000001", &["--replace"]).expect_code(0);
}

fn users_share_a_customer(world: &World) {
    let (one, two) = (world.new_user(), world.new_user());
    let arguments =
        ["customers", "link", "--user", &two.id, "--customer", &one.customer, "--replace"];
    let _ = command(world, &arguments).expect_code(0);
    let before = world.requests_for("default", &one.customer).len();
    for user in [&one.id, &two.id] {
        let request = Request::new("POST", TOKEN_ROUTE).bearer(&world.token("default", user));
        let answer = world.portal("default", |portal| portal.send(&request));
        assert_eq!(answer.status, 200, "{}", answer.text());
        canary::plant_url(&answer.portal_url());
    }
    assert_eq!(world.requests_for("default", &one.customer).len(), before + 2);
}

fn modes_and_providers_are_kept_apart(world: &World) {
    let user = format!("apart-{}", world.new_user().id);
    let link = |customer: &str, provider: &str, mode: &str| {
        let at = ["--provider", provider, "--mode", mode];
        let arguments =
            [&["customers", "link", "--user", &user, "--customer", customer][..], &at].concat();
        let _ = command(world, &arguments).expect_code(0);
    };
    link("cus_Sandbox0000001", "sandbox", "test");
    link("cus_Live0000000001", "stripe", "live");
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&world.token("default", &user));
    let answer = world.portal("default", |portal| portal.send(&request));
    assert_eq!(answer.code(), "billing_account_not_found", "a customer of another world was used");
    let shown = command(world, &["customers", "show", "--user", &user]).stdout;
    assert!(
        shown.contains("cus_Sandbox0000001") && shown.contains("cus_Live0000000001"),
        "{shown}"
    );
    let _ = command(
        world,
        &["customers", "unlink", "--user", &user, "--provider", "sandbox", "--mode", "test"],
    )
    .expect_code(0);
    let shown = command(world, &["customers", "show", "--user", &user]).stdout;
    assert!(
        !shown.contains("cus_Sandbox0000001") && shown.contains("cus_Live0000000001"),
        "{shown}"
    );
}

fn commands_migrate_first(world: &World) {
    let link = ["customers", "link", "--user", "u", "--customer", "cus_1"];
    let refusing = Database::create(world.store());
    let refused = on(&refusing, &link).env("BILLING_AUTO_MIGRATE", "false").run().expect_code(1);
    assert!(refused.stderr.contains("migrate"), "it does not say what to do: {}", refused.stderr);
    // `false` is the default on Postgres, `true` on SQLite.
    let code = if world.store() == Store::Postgres { 1 } else { 0 };
    let by_default = Database::create(world.store());
    let _ = on(&by_default, &link).without("BILLING_AUTO_MIGRATE").run().expect_code(code);
    let migrating = Database::create(world.store());
    let _ = on(&migrating, &link).run().expect_code(0);
    assert!(migrating.cells().iter().any(|cell| cell.value == "cus_1"));
}

fn a_missing_file_is_made_for_its_owner(world: &World) {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::create(world.store());
    let _ = on(&database, &["migrate"]).run().expect_code(0);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&database.file()), 0o600, "the file's mode");
    assert_eq!(mode(database.file().parent().unwrap()), 0o700, "the folder's mode");
}

fn an_unmigrated_database_is_waited_for(world: &World) {
    let database = Database::create(world.store());
    let portal = Portal::start(&on(&database, &["serve"]).env("BILLING_AUTO_MIGRATE", "false"));
    let unready = portal.get("/readyz").unwrap();
    assert_eq!((unready.status, unready.code().as_str()), (503, "not_ready"));
    assert!(unready.json()["detail"].as_str().unwrap().contains("database"), "{}", unready.text());
    assert_eq!(portal.get("/livez").unwrap().status, 200);
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&world.token("default", "u"));
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

fn several_migrate_at_once(world: &World) {
    let database = Database::create(world.store());
    let all: Vec<_> = (0..6).map(|_| on(&database, &["migrate"]).spawn()).collect();
    for process in all {
        let _ = process.finish().expect_code(0);
    }
    let _ = on(&database, &["migrate"]).run().expect_code(0);
    let _ = on(&database, &["customers", "link", "--user", "u", "--customer", "cus_1"])
        .run()
        .expect_code(0);
}
