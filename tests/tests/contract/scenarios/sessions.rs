//! Sessions: each is new, its URL stays secret, and each requires a credential.

use serde_json::json;
use workspace_tests::database::{Database, Store};
use workspace_tests::runner::{KEY_ROUTE, TOKEN_ROUTE};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::SharedFixture;
use workspace_tests::wire::Request;
use workspace_tests::{canary, invariants};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(two_requests_create_two_sessions(shared), "H4.fresh_session", "P1.no_other_request"),
    scenario!(
        every_operation_returns_401_without_a_credential(shared),
        "C3.challenge",
        "C1.header_missing"
    ),
    scenario!(
        provider_received_session_requests_only(shared),
        "H5.nothing_reaches_provider",
        "C4.key_headers_ignored",
        "P1.no_other_request",
        "P1.idempotency_key"
    )
    .run_last(),
    scenario!(database_and_metrics_contain_no_session_url(shared), "H4.url_is_secret").run_last(),
    scenario!(
        no_output_contains_a_secret(),
        "S1.nothing_printed",
        "L1.key_printed_once",
        "H4.url_is_secret"
    )
    .run_last(),
];

fn two_requests_create_two_sessions(shared: &SharedFixture) {
    shared.with_user(|user| {
        let request = Request::post_json(TOKEN_ROUTE, &json!({}))
            .bearer(&shared.token("default", &user.id))
            .header("x-request-id", "the-same-for-both")
            .header("idempotency-key", "the-same-for-both");
        let before = shared.requests_for("default", &user.customer).len();
        let urls: Vec<String> = shared.portal("default", |portal| {
            (0..3)
                .map(|_| portal.send(&request))
                .inspect(|answer| assert_eq!(answer.status, 200))
                .map(|a| a.portal_url())
                .collect()
        });
        urls.iter().for_each(|url| canary::plant_url(url));
        assert!(
            urls[0] != urls[1] && urls[1] != urls[2] && urls[0] != urls[2],
            "two sessions have the same URL"
        );
        let seen = shared.requests_for("default", &user.customer).split_off(before);
        let mut keys: Vec<_> =
            seen.iter().map(|request| request.idempotency_key().unwrap().to_owned()).collect();
        assert!(
            !keys.contains(&"the-same-for-both".to_owned()),
            "the client's idempotency key reached the provider"
        );
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 3, "two requests have the same idempotency key");
    });
}

fn every_operation_returns_401_without_a_credential(shared: &SharedFixture) {
    shared.portal("default", |portal| {
        let document = portal.get("/openapi.json").unwrap().json();
        let mut secured = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let security = operation.get("security").unwrap_or(&document["security"]);
                if security.as_array().is_some_and(|schemes| !schemes.is_empty()) {
                    secured.push((method.to_uppercase(), path.replace(['{', '}'], "x")));
                }
            }
        }
        assert!(
            secured.iter().any(|(_, path)| path == TOKEN_ROUTE)
                && secured.iter().any(|(_, path)| path == KEY_ROUTE)
        );
        for (method, path) in secured {
            let answer = portal.send(&Request::new(&method, &path));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "missing_credential"),
                "{method} {path}"
            );
            invariants::check(&method, &path, &answer).unwrap();
        }
    });
}

fn provider_received_session_requests_only(shared: &SharedFixture) {
    let requests = shared.all_requests();
    assert!(requests.len() > 50, "only {} requests: the cases did not run", requests.len());
    let mut keys = std::collections::BTreeSet::new();
    for request in &requests {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/v1/billing_portal/sessions")
        );
        let key = request.idempotency_key().expect("a POST has an idempotency key");
        assert!(keys.insert(key), "two requests have the same idempotency key");
    }
}

fn database_and_metrics_contain_no_session_url(shared: &SharedFixture) {
    let mut services = 0;
    shared.each_portal(|profile, portal| {
        let metrics = Request::get("/metrics").send(portal.admin).unwrap().text();
        assert!(metrics.len() > 100, "no metrics: {metrics}");
        assert_eq!(
            canary::found_in(&format!("/metrics of {profile}"), &metrics),
            Vec::<String>::new()
        );
        services += 1;
    });
    assert!(services > 5, "only {services} services");
    let cells = shared.database().cells();
    assert!(cells.len() > 100, "only {} values in the database", cells.len());
    for cell in cells {
        let name = format!("{}.{}", cell.table, cell.column);
        assert_eq!(canary::found_in(&name, &cell.value), Vec::<String>::new());
    }
    if shared.store() == Store::Sqlite {
        assert_eq!(
            canary::found_in("the database's files", &files_of(shared.database())),
            Vec::<String>::new()
        );
    }
}

/// Returns all bytes of a SQLite database, including deleted rows and the write-ahead log.
pub(crate) fn files_of(database: &Database) -> String {
    let folder = database.file().parent().unwrap().to_owned();
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        all.push_str(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
        all.push('\n');
    }
    all
}

fn no_output_contains_a_secret() {
    let (secrets, bytes) = canary::extent();
    assert!(
        secrets > 100 && bytes > 100_000,
        "{secrets} secrets in {bytes} bytes: the other tests did not run"
    );
    assert!(
        canary::is_found("\"message\":\"listening\""),
        "the scan does not find a text that every service writes"
    );
    assert!(canary::is_found("\"level\":\"TRACE\""), "no service wrote its log at trace level");
    let mut leaks = canary::leaks();
    let found = leaks.len();
    leaks.truncate(20);
    assert!(leaks.is_empty(), "{found} leaks, for instance:\n{}", leaks.join("\n"));
}
