//! Postgres only: schemas, an unreachable server, and a server that restarts.

use billing_testkit::postgres::Cluster;
use workspace_tests::database::{Database, Store};
use workspace_tests::poll;
use workspace_tests::portal::Portal;
use workspace_tests::runner::{KEY_ROUTE, TOKEN_ROUTE};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{SharedFixture, plant_key};
use workspace_tests::wire::Request;
use workspace_tests::{canary, invariants, runtime};

use super::command_line::on;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(tables_are_in_schema_public_unless_the_url_names_another(shared), "L3.schema")
        .on(Store::Postgres),
    scenario!(
        serve_migrates_when_an_unreachable_database_becomes_reachable(shared),
        "L3.unreachable",
        "B1.readyz"
    )
    .on(Store::Postgres),
    scenario!(
        service_recovers_when_the_database_comes_back(shared),
        "B1.degraded",
        "E1.database_unavailable",
        "C6.no_look_up"
    )
    .on(Store::Postgres),
];

fn tables_are_in_schema_public_unless_the_url_names_another(shared: &SharedFixture) {
    let database = Database::create(shared.store());
    // By default Postgres prefers a schema with the user's name to `public`.
    database.execute("DO $$ BEGIN EXECUTE format('CREATE SCHEMA %I', current_user); END $$");
    let link = ["customers", "link", "--user", "u", "--customer", "cus_InPublic"];
    let _ = on(&database, &link).run().expect_code(0);
    let place = |value: &str| {
        database.cells().into_iter().find(|cell| cell.value == value).map(|cell| cell.table)
    };
    let found = place("cus_InPublic").expect("the link is stored");
    assert!(found.starts_with("public."), "the table is in {found}");

    database.execute("CREATE SCHEMA elsewhere");
    let separator = if database.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20search_path%3Delsewhere", database.url());
    let link = ["customers", "link", "--user", "u", "--customer", "cus_Elsewhere"];
    let _ = on(&database, &link).env("BILLING_DATABASE_URL", url).run().expect_code(0);
    let found = place("cus_Elsewhere").expect("the link is stored");
    assert!(found.starts_with("elsewhere."), "the table is in {found}");
}

fn serve_migrates_when_an_unreachable_database_becomes_reachable(shared: &SharedFixture) {
    let cluster = Cluster::start();
    let server = runtime::wait(cluster.database());
    cluster.stop();
    let database = Database::create(shared.store());
    let launch = on(&database, &["serve"]).env("BILLING_DATABASE_URL", server.url());
    let portal = Portal::start(&launch);
    let unready = portal.get("/readyz").unwrap();
    assert_eq!((unready.status, unready.code().as_str()), (503, "not_ready"));
    assert!(unready.json()["detail"].as_str().unwrap().contains("database"), "{}", unready.text());
    invariants::check("GET", "/readyz", &unready).unwrap();
    runtime::wait(cluster.resume());
    portal.wait_ready();
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", "u"));
    assert_eq!(
        portal.send(&request).code(),
        "billing_account_not_found",
        "the service became ready without a migration"
    );
}

fn service_recovers_when_the_database_comes_back(shared: &SharedFixture) {
    let cluster = Cluster::start();
    let server = runtime::wait(cluster.database());
    let database = Database::create(shared.store());
    let start =
        |arguments: &[&str]| on(&database, arguments).env("BILLING_DATABASE_URL", server.url());
    let created = start(&["keys", "create", "--user", "u", "--name", "n", "--json"])
        .secrets_on_stdout()
        .run()
        .json();
    let key = created["key"].as_str().unwrap();
    plant_key(key);
    let portal = Portal::start_ready(&start(&["serve"]));
    let by_token = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", "u"));
    let by_key = Request::new("POST", KEY_ROUTE).bearer(key);
    let mistyped = Request::new("POST", KEY_ROUTE).bearer(&format!("{}0", &key[..key.len() - 1]));
    for round in ["first", "second"] {
        assert_eq!(portal.send(&by_token).code(), "billing_account_not_found", "{round}");
        assert_eq!(portal.send(&by_key).code(), "billing_account_not_found", "{round}");
        cluster.stop();
        for request in [&by_token, &by_key] {
            let answer = portal.send(request);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "database_unavailable"),
                "{round}: {}",
                answer.text()
            );
            invariants::check("POST", &request.target, &answer).unwrap();
        }
        assert_eq!(
            portal.send(&mistyped).code(),
            "invalid_api_key",
            "a mistyped key causes a database query"
        );
        let degraded = poll::until("/readyz to report the database", || {
            portal
                .get("/readyz")
                .ok()
                .filter(|answer| answer.text().contains("degraded\":[\"database"))
        });
        assert_eq!(
            degraded.status, 200,
            "an outage shared by all replicas must not empty the pool"
        );
        runtime::wait(cluster.resume());
        poll::until("the service to recover", || {
            (portal.send(&by_token).code() == "billing_account_not_found").then_some(())
        });
    }
    canary::plant_token(by_token.headers[0].1.trim_start_matches("Bearer "));
}
