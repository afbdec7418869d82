//! A failed background task ends the service: readiness turns off, running requests finish, and the
//! exit code reports the failure.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use billing_testkit::postgres::Cluster;
use rustix::process::Signal;
use serde_json::Value;
use workspace_tests::database::{Database, Store};
use workspace_tests::portal::{Portal, listening};
use workspace_tests::process::Launch;
use workspace_tests::runner::TOKEN_ROUTE;
use workspace_tests::shared_fixture::{PEPPER, SharedFixture};
use workspace_tests::stripe_stub::{Fault, StripeStub};
use workspace_tests::wire::Request;
use workspace_tests::{binary, canary, poll, runtime, settings};

/// Maximum time from the failure to the exit. The drain waits 2 s for the load balancer and 3 s for
/// the running request.
const EXIT: Duration = Duration::from_secs(10);
/// Number of concurrent checks on one shared fixture.
const CONCURRENCY: usize = 4;
/// Required tasks of the service.
const EXPECTED: &[&str] = &[
    "public listener",
    "admin listener",
    "metrics upkeep",
    "database watcher",
    "denial writer",
    "retention",
    "inbox worker",
    "catalogue check",
    "reconciler",
    "reload",
];
/// Additional tasks of the embedded default.
const EMBEDDED: &[&str] = &["sandbox", "demo"];
/// Tasks that may return at any time.
const ONE_SHOT: &[&str] = &["catalogue check", "demo"];

/// Creates a start of the program with a faulty task, with the settings of another start.
fn faulty(launch: &Launch, task: &str, fault: &str) -> Launch {
    launch
        .clone()
        .program(env!("CARGO_BIN_EXE_faulty-portal"))
        .env("FAULTY_TASK", task)
        .env("FAULT", fault)
        .env("BILLING_LOG", "info")
        .env("BILLING_SHUTDOWN_LAME_DUCK_SECONDS", "2")
}

fn tasks(launch: &Launch) -> Vec<String> {
    let portal = Portal::start(&faulty(launch, "", ""));
    let printed = portal.process.stdout();
    let names: Vec<String> =
        printed.lines().filter_map(|line| line.strip_prefix("task: ")).map(str::to_owned).collect();
    portal.process.signal(Signal::TERM);
    let _ = portal.process.finish().expect_code(0);
    names
}

fn has_all(tasks: &[String], expected: &[&str]) {
    for name in expected {
        assert!(tasks.iter().any(|task| task == name), "`{name}` is not among {tasks:?}");
    }
}

/// Runs a check for each name, several concurrently.
fn each(names: &[String], check: impl Fn(&str) + Sync) {
    for some in names.chunks(CONCURRENCY) {
        std::thread::scope(|scope| {
            some.iter().for_each(|name| drop(scope.spawn(|| check(name))));
        });
    }
}

/// Asserts that the service drains: a running listener reports that it is not ready.
fn expect_unready(portal: &Portal, task: &str) {
    let address = if task == "public listener" { portal.admin } else { portal.public };
    poll::until("/readyz to report the drain", || {
        let unready = Request::get("/readyz").send(address).ok()?;
        (unready.status == 503 && unready.text().contains("draining")).then_some(())
    });
}

/// Asserts that the service ends in time with this code, and that one log line names the task.
fn expect_end(portal: Portal, task: &str, code: i32, failed: Instant) {
    let finished = portal.process.finish().expect_code(code);
    assert!(failed.elapsed() < EXIT, "{task}: the exit took {:?}", failed.elapsed());
    let named: Vec<Value> = finished
        .stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["task"] == task)
        .collect();
    assert_eq!(named.len(), 1, "{task}: {}", finished.stderr);
    assert_eq!(named[0]["level"], "ERROR", "{}", named[0]);
    assert!(named[0]["cause"].is_string(), "{}", named[0]);
}

/// Makes a task fail while a request runs.
fn fail_during_a_request(shared: &SharedFixture, task: &str, fault: &str) {
    let user = shared.new_user();
    let stub = runtime::wait(StripeStub::start());
    canary::plant(stub.secret_key());
    stub.add_customer(&user.customer);
    stub.push(Fault::from_name("delay:3000").unwrap());
    let launch = shared.launch("default", &[]).env("BILLING_STRIPE_API_BASE", stub.base_url());
    let portal = Portal::start_ready(&faulty(&launch, task, fault));
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", &user.id));
    let (answer, failed) = std::thread::scope(|scope| {
        let client = scope.spawn(|| request.send(portal.public));
        poll::until("the request to reach the provider", || {
            (!stub.requests().is_empty()).then_some(())
        });
        let failed = Instant::now();
        portal.process.signal(Signal::USR1);
        expect_unready(&portal, task);
        (client.join().unwrap(), failed)
    });
    match task {
        // The listener's connections end with the task.
        "public listener" => {}
        // No portal session without its audit record.
        "audit writer" => assert_eq!(answer.unwrap().code(), "database_unavailable", "{task}"),
        _ => {
            let answer = answer.unwrap_or_else(|error| panic!("{task}: {error}"));
            assert_eq!(answer.status, 200, "{task}: {}", answer.text());
            canary::plant_url(&answer.portal_url());
        }
    }
    expect_end(portal, task, 1, failed);
}

fn embedded(folder: &Path, database: &Database) -> Launch {
    Launch::new(folder, &[])
        .secrets_on_stdout()
        .env("BILLING_PROVIDER", "sandbox")
        .env("BILLING_DATABASE_URL", database.url())
        .env("BILLING_AUTO_MIGRATE", "true")
        .env("BILLING_LISTEN", "127.0.0.1:0")
        .env("BILLING_ADMIN_LISTEN", "127.0.0.1:0")
}

fn every_task_that_panics_ends_the_service(store: Store) {
    let shared = SharedFixture::create(store);
    let tasks = tasks(&shared.launch("default", &[]));
    has_all(&tasks, EXPECTED);
    each(&tasks, |task| fail_during_a_request(&shared, task, "panic"));
}

fn every_task_of_the_embedded_default_that_panics_ends_the_service(store: Store) {
    let database = Database::create(store);
    let launch = embedded(database.folder(), &database);
    has_all(&tasks(&launch), EMBEDDED);
    for task in EMBEDDED {
        let portal = Portal::start_ready(&faulty(&launch, task, "panic"));
        let failed = Instant::now();
        portal.process.signal(Signal::USR1);
        expect_unready(&portal, task);
        expect_end(portal, task, 1, failed);
    }
}

#[test]
fn every_task_that_panics_ends_the_service_on_sqlite() {
    every_task_that_panics_ends_the_service(Store::Sqlite);
}

#[test]
fn every_task_that_panics_ends_the_service_on_postgres() {
    every_task_that_panics_ends_the_service(Store::Postgres);
}

#[test]
fn sandbox_or_demo_that_panics_ends_the_service_on_sqlite() {
    every_task_of_the_embedded_default_that_panics_ends_the_service(Store::Sqlite);
}

#[test]
fn sandbox_or_demo_that_panics_ends_the_service_on_postgres() {
    every_task_of_the_embedded_default_that_panics_ends_the_service(Store::Postgres);
}

#[test]
fn every_task_that_returns_early_ends_the_service() {
    let shared = SharedFixture::create(Store::Sqlite);
    let mut tasks = tasks(&shared.launch("default", &[]));
    tasks.retain(|task| !ONE_SHOT.contains(&task.as_str()));
    each(&tasks, |task| fail_during_a_request(&shared, task, "return"));
}

#[test]
fn one_shot_task_that_returns_does_not_end_the_service() {
    let shared = SharedFixture::create(Store::Sqlite);
    let portal =
        Portal::start_ready(&faulty(&shared.launch("default", &[]), ONE_SHOT[0], "return"));
    portal.process.signal(Signal::USR1);
    assert_eq!(portal.get("/readyz").unwrap().status, 200);
    portal.process.signal(Signal::TERM);
    let _ = portal.process.finish().expect_code(0);
}

fn wrong_pepper_drains_and_ends_with_78(store: Store) {
    let database = Database::create(store);
    let on = |arguments: &[&str], pepper: &str| {
        Launch::new(database.folder(), arguments)
            .envs(&settings::base(database.folder()))
            .env("BILLING_DATABASE_URL", database.url())
            .env("BILLING_AUTO_MIGRATE", "true")
            .env("BILLING_API_KEY_PEPPER", pepper)
    };
    let create = ["keys", "create", "--user", "u", "--name", "n", "--json"];
    let created = on(&create, PEPPER).secrets_on_stdout().run().json();
    canary::plant(created["key"].as_str().unwrap());
    let began = Instant::now();
    let portal = Portal::start(&on(&["serve"], "another-pepper-0123456789-0123456789-abcdef"));
    expect_unready(&portal, "database watcher");
    let stderr = {
        let log = portal.process.log();
        poll::until("the fault to be printed", || {
            log.text().contains("billing-portal: ").then(|| log.text())
        })
    };
    let printed = "billing-portal: 1 setting is wrong:\n  BILLING_API_KEY_PEPPER: it fits none of \
                   the stored keys; set the pepper of the stored keys, or both peppers, separated by \
                   a comma, while rotating\n";
    assert!(stderr.ends_with(printed), "{stderr}");
    expect_end(portal, "database watcher", 78, began);
}

#[test]
fn wrong_pepper_drains_and_ends_with_78_on_sqlite() {
    wrong_pepper_drains_and_ends_with_78(Store::Sqlite);
}

#[test]
fn wrong_pepper_drains_and_ends_with_78_on_postgres() {
    wrong_pepper_drains_and_ends_with_78(Store::Postgres);
}

/// The pipe of standard error has no reader, so every log line fails.
#[test]
fn database_watcher_survives_a_closed_standard_error() {
    let cluster = Cluster::start();
    let server = runtime::wait(cluster.database());
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(binary::path())
        .arg("serve")
        .env_clear()
        .envs(settings::base(folder.path()))
        .env("BILLING_DATABASE_URL", server.url())
        .env("BILLING_AUTO_MIGRATE", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let public = loop {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the process ended");
        if let Some((public, _)) = listening(&line) {
            break public;
        }
    };
    drop(log);
    let ready = |text: &str| {
        poll::until(text, || {
            Request::get("/readyz").send(public).ok().filter(|ready| ready.text().contains(text))
        });
    };
    ready("\"ready\"");
    for _ in 0..2 {
        cluster.stop();
        ready("degraded\":[\"database");
        runtime::wait(cluster.resume());
        ready("\"ready\"");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
