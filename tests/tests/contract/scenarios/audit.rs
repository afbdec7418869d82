//! The audit log: its content, commits, reading, retention and erasure.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use workspace_tests::database::Database;
use workspace_tests::portal::Portal;
use workspace_tests::response::Response;
use workspace_tests::runner::{KEY_ROUTE, TOKEN_ROUTE};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{SharedFixture, plant_key};
use workspace_tests::wire::Request;
use workspace_tests::{canary, poll};

use super::command_line::on;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        audit_records_name_actor_action_key_and_source(shared),
        "A1.events",
        "A2.list",
        "A2.export"
    ),
    scenario!(
        audit_record_exists_when_the_process_is_killed_after_the_response(shared),
        "A1.committed"
    ),
    scenario!(commands_write_audit_records(shared), "A1.events"),
    scenario!(denied_attempts_are_counted_per_minute(shared), "A1.denied"),
    scenario!(forget_erases_the_user_from_the_database(shared), "A2.forget"),
    scenario!(audit_retention_deletes_old_records_only(shared), "A2.retention"),
    scenario!(audit_list_continues_after_the_previous_page(shared), "A2.list", "A2.export"),
    scenario!(audit_log_contains_no_secret_and_no_url(shared), "A1.no_secret").run_last(),
];

const KEYS: &str = "/api/v1/api-keys";
/// Timeout for denied attempts, which are written once a minute.
const TWO_MINUTES: Duration = Duration::from_secs(120);

fn export(shared: &SharedFixture, more: &[&str]) -> Vec<Value> {
    let arguments = [&["audit", "export"], more].concat();
    records(&shared.launch("default", &arguments).run().expect_code(0).stdout)
}

fn records(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

fn send(portal: &Portal, request: &Request) -> Response {
    let answer = portal.send(request);
    canary::plant_url(&answer.portal_url());
    if let Some(key) = answer.json()["apiKey"]["key"].as_str() {
        plant_key(key);
    }
    answer
}

/// Returns the only record with this request id.
fn of_request<'a>(records: &'a [Value], id: &str) -> &'a Value {
    let found: Vec<_> = records.iter().filter(|record| record["requestId"] == id).collect();
    assert_eq!(found.len(), 1, "{} records of {id}", found.len());
    found[0]
}

fn audit_records_name_actor_action_key_and_source(shared: &SharedFixture) {
    let mut user = shared.new_user();
    let key = shared.valid_key("limited", &mut user);
    let key_id = key.split('_').nth(1).unwrap().to_owned();
    let token = shared.token("limited", &user.id);
    // Loopback is a trusted proxy in this profile.
    let from = |request: Request, id: &str| {
        let request = request
            .header("x-request-id", format!("{id}-{}", user.id))
            .header("x-forwarded-for", "198.51.100.200");
        shared.portal("limited", |portal| send(portal, &request))
    };
    let by_token = from(Request::new("POST", TOKEN_ROUTE).bearer(&token), "by-token");
    let by_key = from(Request::new("POST", KEY_ROUTE).bearer(&key), "by-key");
    let created =
        from(Request::post_json(KEYS, &serde_json::json!({"name": "n"})).bearer(&token), "created");
    assert_eq!(
        (by_token.status, by_key.status, created.status),
        (200, 200, 201),
        "{}",
        created.text()
    );
    let made = created.json()["apiKey"]["id"].as_str().unwrap().to_owned();
    let revoked = from(Request::new("DELETE", format!("{KEYS}/{made}")).bearer(&token), "revoked");
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    let all = export(shared, &["--user", &user.id]);
    for (id, action, actor, key, customer) in [
        ("by-token", "portal.opened", "user", None, true),
        ("by-key", "portal.opened", "api_key", Some(&key_id), true),
        ("created", "api_key.created", "user", Some(&made), false),
        ("revoked", "api_key.revoked", "user", Some(&made), false),
    ] {
        let record = of_request(&all, &format!("{id}-{}", user.id));
        assert_eq!(record["action"], action, "{record}");
        assert_eq!(record["actor"], actor, "{record}");
        assert_eq!(record["user"], *user.id, "{record}");
        assert_eq!(record["key"].as_str(), key.map(String::as_str), "{record}");
        assert_eq!(
            record["customer"].as_str(),
            customer.then_some(user.customer.as_str()),
            "{record}"
        );
        assert_eq!(record["source"], "198.51.100.200", "{record}");
        assert!(record["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{record}");
    }
    let listed =
        shared.launch("default", &["audit", "list", "--user", &user.id, "--json"]).run().json();
    assert_eq!(listed["records"], Value::from(all), "list and export differ");
    let rotated_too = shared
        .launch("default", &["audit", "list", "--user", &user.id])
        .run()
        .expect_code(0)
        .stdout;
    assert!(rotated_too.contains("portal.opened"), "{rotated_too}");
}

fn audit_record_exists_when_the_process_is_killed_after_the_response(shared: &SharedFixture) {
    let mut user = shared.new_user();
    let key = shared.valid_key("default", &mut user);
    let token = shared.token("default", &user.id);
    let create = Request::post_json(KEYS, &serde_json::json!({"name": "kept"})).bearer(&token);
    let open = |route, credential: &str| Request::new("POST", route).bearer(credential);
    for (number, request) in
        [open(TOKEN_ROUTE, &token), open(KEY_ROUTE, &key), create].into_iter().enumerate()
    {
        let id = format!("killed-after-{number}-{}", user.id);
        let portal = Portal::start_ready(&shared.launch("default", &["serve"]));
        let answer = send(&portal, &request.header("x-request-id", &id));
        portal.process.signal(Signal::KILL);
        assert!([200, 201].contains(&answer.status), "{}", answer.text());
        assert_eq!(portal.process.finish().code, None);
        let _ = of_request(&export(shared, &["--user", &user.id]), &id);
    }
}

fn commands_write_audit_records(shared: &SharedFixture) {
    let user = shared.new_user();
    let run = |arguments: &[&str]| shared.launch("default", arguments).run().expect_code(0);
    let created = shared.create_key("default", &user.id, &[]);
    let rotate = ["keys", "rotate", created["id"].as_str().unwrap(), "--json"];
    let rotated = shared.launch("default", &rotate).secrets_on_stdout().run().json();
    plant_key(rotated["key"].as_str().unwrap());
    let _ = run(&["keys", "revoke", rotated["id"].as_str().unwrap()]);
    let _ = run(&[
        "customers",
        "link",
        "--user",
        &user.id,
        "--customer",
        "cus_Audited000001",
        "--replace",
    ]);
    let _ = run(&["customers", "unlink", "--user", &user.id]);
    let all = export(shared, &["--user", &user.id]);
    let actions: Vec<&str> =
        all.iter().map(|record| record["action"].as_str().unwrap_or_default()).collect();
    for action in [
        "api_key.created",
        "api_key.rotated",
        "api_key.revoked",
        "customer.linked",
        "customer.unlinked",
    ] {
        assert!(actions.contains(&action), "{action} is missing in {actions:?}");
    }
    assert!(
        all.iter().all(|record| record["actor"] == "operator" && record["source"].is_null()),
        "{all:?}"
    );
    let unlinked = all.iter().rfind(|record| record["action"] == "customer.unlinked").unwrap();
    assert_eq!(
        (unlinked["customer"].as_str(), unlinked["provider"].as_str(), unlinked["mode"].as_str()),
        (Some("cus_Audited000001"), Some("stripe"), Some("test"))
    );
}

fn denied_attempts_are_counted_per_minute(shared: &SharedFixture) {
    const ATTEMPTS: i64 = 5;
    let here = "198.51.100.201";
    let mut user = shared.new_user();
    let wrong = shared.special_key("limited", &mut user, "wrong_secret");
    let key_id = wrong.split('_').nth(1).unwrap().to_owned();
    shared.portal("limited", |portal| {
        for _ in 0..ATTEMPTS {
            let by_token = Request::new("POST", TOKEN_ROUTE).bearer("bm90.YQ.dG9rZW4");
            for request in [by_token, Request::new("POST", KEY_ROUTE).bearer(&wrong)] {
                let status = send(portal, &request.header("x-forwarded-for", here)).status;
                assert!([401, 429].contains(&status), "{status}");
            }
        }
    });
    let count = |cause: &str, key: Option<&str>| -> i64 {
        let of_these = |record: &&Value| {
            record["action"] == "denied"
                && record["source"] == here
                && record["cause"] == cause
                && record["key"].as_str() == key
        };
        export(shared, &[])
            .iter()
            .filter(of_these)
            .filter_map(|record| record["count"].as_i64())
            .sum()
    };
    let written = poll::within(TWO_MINUTES, || {
        (count("invalid_token", None) == ATTEMPTS
            && count("invalid_api_key", Some(&key_id)) == ATTEMPTS)
            .then_some(())
    });
    assert!(
        written.is_some(),
        "{} and {} attempts were counted",
        count("invalid_token", None),
        count("invalid_api_key", Some(&key_id))
    );
}

fn forget_erases_the_user_from_the_database(shared: &SharedFixture) {
    let database = Database::create(shared.store());
    let run = |arguments: &[&str]| on(&database, arguments).secrets_on_stdout().run();
    let (user, customer, name) =
        ("jane.doe@example.com", "cus_OfJaneDoe000001", "laptop of Jane Doe");
    let _ = run(&["customers", "link", "--user", user, "--customer", customer]).expect_code(0);
    let _ = run(&["customers", "link", "--user", "other-user", "--customer", "cus_OfOtherUser001"])
        .expect_code(0);
    let created = run(&["keys", "create", "--user", user, "--name", name, "--json"]).json();
    plant_key(created["key"].as_str().unwrap());
    let names = |database: &Database| -> Vec<String> {
        let cells = database.cells().into_iter();
        let named = cells
            .filter(|cell| [user, customer, name].iter().any(|word| cell.value.contains(word)));
        named.map(|cell| format!("{}.{}", cell.table, cell.column)).collect()
    };
    assert!(
        names(&database).len() >= 5,
        "link, key and audit log contain the user: {:?}",
        names(&database)
    );
    let before = records(&run(&["audit", "export"]).expect_code(0).stdout).len();
    let _ = run(&["customers", "forget", "--user", user]).expect_code(0);
    assert_eq!(names(&database), Vec::<String>::new());
    let after = records(&run(&["audit", "export"]).expect_code(0).stdout);
    assert!(after.len() > before, "records are kept, and one is added for the erasure");
    assert!(after.iter().any(|record| record["action"] == "user.forgotten"));
    assert!(
        run(&["customers", "show", "--user", "other-user"])
            .expect_code(0)
            .stdout
            .contains("cus_OfOtherUser001")
    );
    let _ = run(&["customers", "show", "--user", user]).expect_code(1);
    let _ = run(&["customers", "forget", "--user", user]).expect_code(0);
}

fn audit_retention_deletes_old_records_only(shared: &SharedFixture) {
    let database = Database::create(shared.store());
    let link = |user: &str| {
        let _ = on(&database, &["customers", "link", "--user", user, "--customer", "cus_1"])
            .run()
            .expect_code(0);
    };
    link("long-ago");
    database.execute("UPDATE audit_log SET at = 1000");
    link("just-now");
    let has = |user: &str| {
        let export = on(&database, &["audit", "export", "--user", user]).run().expect_code(0);
        !records(&export.stdout).is_empty()
    };
    let without_retention = Portal::start_ready(&on(&database, &["serve"]));
    without_retention.process.signal(Signal::TERM);
    assert_eq!(without_retention.process.finish().code, Some(0));
    assert!(has("long-ago") && has("just-now"), "by default records are kept indefinitely");
    let _portal =
        Portal::start_ready(&on(&database, &["serve"]).env("BILLING_AUDIT_RETENTION_DAYS", "1"));
    poll::until("the old record to be deleted", || (!has("long-ago")).then_some(()));
    assert!(has("just-now"), "a new record was deleted too");
}

fn audit_list_continues_after_the_previous_page(shared: &SharedFixture) {
    let database = Database::create(shared.store());
    for number in 0..5 {
        let user = format!("user-{number}");
        let _ = on(&database, &["customers", "link", "--user", &user, "--customer", "cus_1"])
            .run()
            .expect_code(0);
    }
    let (mut seen, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = on(&database, &["audit", "list", "--limit", "2", "--after", &after, "--json"])
            .run()
            .json();
        let records = page["records"].as_array().unwrap().clone();
        assert!(records.len() <= 2);
        let Some(next) = page["next"].as_i64() else { break };
        seen.extend(records);
        after = next.to_string();
    }
    let users: Vec<&str> = seen.iter().map(|record| record["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["user-0", "user-1", "user-2", "user-3", "user-4"]);
    let exported = records(&on(&database, &["audit", "export"]).run().expect_code(0).stdout);
    assert_eq!(exported, seen);
    let from =
        on(&database, &["audit", "export", "--since", "2099-01-01T00:00:00Z"]).run().expect_code(0);
    assert_eq!(records(&from.stdout), Vec::<Value>::new());
}

fn audit_log_contains_no_secret_and_no_url(shared: &SharedFixture) {
    let exported = shared.launch("default", &["audit", "export"]).run().expect_code(0).stdout;
    assert!(exported.lines().count() > 100, "only {} records", exported.lines().count());
    assert_eq!(canary::found_in("audit export", &exported), Vec::<String>::new());
    assert!(!exported.contains("://"), "the audit log contains a URL");
}
