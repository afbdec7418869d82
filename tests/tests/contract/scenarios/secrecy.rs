//! The hostile corpus, and tests that show that the scan for secrets finds a leak.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use workspace_tests::case::Route;
use workspace_tests::database::{Database, Store};
use workspace_tests::portal::Portal;
use workspace_tests::runner::TOKEN_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::SharedFixture;
use workspace_tests::wire::Request;
use workspace_tests::{canary, hostile, poll, tokens};

use super::command_line::on;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        hostile_corpus_is_rejected_on_both_routes(shared),
        "H5.nothing_reaches_provider",
        "C2.anything_else"
    ),
    scenario!(database_password_is_in_no_output(shared), "S1.nothing_printed").on(Store::Postgres),
    scenario!(secret_scan_finds_a_marker_in_every_output(), "S1.nothing_printed").run_last(),
];

fn hostile_corpus_is_rejected_on_both_routes(shared: &SharedFixture) {
    let corpus = hostile::corpus();
    assert!(corpus.len() >= 200, "only {} hostile lines", corpus.len());
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(case) = corpus.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for route in [Route::Token, Route::Key] {
                        if let Err(error) = hostile::send(shared, case, route) {
                            wrong.lock().unwrap().push(error);
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {} lines:\n{}",
        wrong.len(),
        2 * corpus.len(),
        wrong.join("\n")
    );
}

fn database_password_is_in_no_output(shared: &SharedFixture) {
    let password = "database-password-canary-0001";
    canary::plant(password);
    let database = Database::create(shared.store());
    let url = format!("postgres://portal:{password}@127.0.0.1:9/portal");
    let launch =
        on(&database, &["serve"]).env("BILLING_DATABASE_URL", url).env("BILLING_LOG", "trace");
    let portal = Portal::start(&launch);
    poll::until("the log to report the database", || {
        portal.process.stderr().contains("the database cannot be used").then_some(())
    });
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", "u"));
    assert_eq!(portal.send(&request).code(), "database_unavailable");
    for text in
        [portal.process.stderr(), portal.process.stdout(), portal.get("/readyz").unwrap().text()]
    {
        assert_eq!(canary::scan_for(password, "output", &text), Vec::<String>::new());
    }
    let failed = launch.clone();
    let failed =
        workspace_tests::process::Launch { arguments: vec!["migrate".to_owned()], ..failed }.run();
    assert_eq!(failed.code, Some(1));
    assert!(!failed.stderr.contains(password), "the command prints the password");
}

/// Puts a marker into every output. The scan must find it in each.
fn secret_scan_finds_a_marker_in_every_output() {
    let marker = "canary-control-7f3a9c2e51d84b06";
    let found = |place: &str, text: &str| {
        assert!(
            !canary::scan_for(marker, place, text).is_empty(),
            "the scan of {place} finds nothing"
        );
    };
    for store in Store::ALL {
        let database = Database::create(store);
        let portal = Portal::start_ready(&on(&database, &["serve"]).env("BILLING_LOG", "trace"));
        let rejected =
            portal.send(&Request::new("POST", TOKEN_ROUTE).header("x-request-id", marker));
        found("an error", &rejected.text());
        poll::until("the log to contain the marker", || {
            portal.process.stderr().contains(marker).then_some(())
        });
        found("the log", &portal.process.stderr());
        assert!(canary::is_found(marker), "the process or its error responses are not watched");

        let link = ["customers", "link", "--user", marker, "--customer", "cus_1", "--json"];
        found("standard output", &on(&database, &link).run().expect_code(0).stdout);
        found("the audit log", &on(&database, &["audit", "export"]).run().expect_code(0).stdout);
        let cells: Vec<String> = database.cells().into_iter().map(|cell| cell.value).collect();
        found("the database", &cells.join("\n"));
        if store == Store::Sqlite {
            found("the database's files", &super::sessions::files_of(&database));
        }
        // Metrics contain no client input, so the scan looks for a metric's name instead.
        let metrics = Request::get("/metrics").send(portal.admin).unwrap().text();
        assert!(!canary::scan_for("http_requests_total", "metrics", &metrics).is_empty());
        assert!(
            canary::scan_for(marker, "metrics", &metrics).is_empty(),
            "the metrics contain client input"
        );
    }
    assert!(
        !canary::found_in("a secret", &format!("x {} x", tokens::SECRET)).is_empty(),
        "no secret is registered"
    );
}
