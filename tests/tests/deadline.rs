//! `BILLING_REQUEST_TIMEOUT_SECONDS` limits the whole request, independent of its slow part.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use workspace_tests::database::{Database, Store};
use workspace_tests::response::Response;
use workspace_tests::runtime;
use workspace_tests::sandbox_fixture::{CHECKOUT, CURRENT, PORTAL, SandboxFixture};
use workspace_tests::shared_fixture::plant_key;
use workspace_tests::slow_database::SlowDatabase;
use workspace_tests::wire::{Connection, Outcome, Request};

/// Maximum duration of a request with a limit of 3 s, on a busy machine. Without the limit the
/// slowest routes took 4.2 to 9.7 s.
const TIMEOUT: Duration = Duration::from_millis(3_900);
/// Delay of the database's answers in one of the tests.
const LATE: Duration = Duration::from_millis(600);

fn start(database: &str, more: &[(&str, &str)]) -> SandboxFixture {
    let settings = [
        ("BILLING_PROVIDER", "sandbox"),
        ("BILLING_DATABASE_URL", database),
        ("BILLING_AUTO_MIGRATE", "true"),
        ("BILLING_REQUEST_TIMEOUT_SECONDS", "3"),
        ("BILLING_RECONCILE_INTERVAL_SECONDS", "0"),
        ("BILLING_RATE_LIMIT_PER_MINUTE", "0"),
    ];
    SandboxFixture::start(&[&settings, more].concat())
}

/// Returns a subscribed user's token, API key and key id.
fn subscriber(fixture: &SandboxFixture) -> (String, String, String) {
    let token = fixture.token("slow-user");
    fixture.buy(&token, "professional");
    let arguments = ["keys", "create", "--user", "slow-user", "--name", "n", "--json"];
    let created = fixture.command(&arguments).json();
    let text = |name: &str| created[name].as_str().expect("a created key").to_owned();
    plant_key(&text("key"));
    (token, text("key"), text("id"))
}

/// Returns one request for each route that needs the database.
fn requests((token, key, id): &(String, String, String)) -> Vec<Request> {
    let by = |credential: &str, request: Request| request.bearer(credential);
    let plan = json!({ "planId": "starter" });
    let api = |path: &str| format!("{path}/api");
    let keys = "/api/v1/api-keys";
    vec![
        by(token, Request::new("POST", PORTAL)),
        by(key, Request::new("POST", api(PORTAL))),
        by(token, Request::get(CURRENT)),
        by(key, Request::get(api(CURRENT))),
        by(token, Request::post_json(CHECKOUT, &plan)),
        by(key, Request::post_json(api(CHECKOUT), &plan)),
        by(token, Request::post_json(CHECKOUT, &plan)).header("idempotency-key", "slow"),
        by(token, Request::post_json(keys, &json!({ "name": "slow" }))),
        by(token, Request::get(keys)),
        by(token, Request::post_json(format!("{keys}/{id}/rotate"), &json!({}))),
        by(token, Request::new("DELETE", format!("{keys}/{id}"))),
    ]
}

/// Sends all requests in sequence. Each must complete in time.
fn answers(fixture: &SandboxFixture, requests: &[Request]) -> Vec<Response> {
    let send = |request: &Request| {
        let started = Instant::now();
        let answer = request.send(fixture.portal.public).expect("a response");
        let took = started.elapsed();
        assert!(took < TIMEOUT, "{} {} took {took:?}", request.method, request.target);
        answer
    };
    requests.iter().map(send).collect()
}

fn status_and_code(answer: &Response) -> (u16, String) {
    let code = if answer.status < 400 { String::new() } else { answer.code() };
    (answer.status, code)
}

#[test]
fn every_route_responds_in_time_when_the_database_is_slow() {
    let database = SlowDatabase::create();
    let fixture = start(&database.url(), &[]);
    let caller = subscriber(&fixture);
    database.delay(LATE);
    let answers = answers(&fixture, &requests(&caller));
    let unavailable = (503, "database_unavailable".to_owned());
    for answer in &answers {
        let outcome = status_and_code(answer);
        assert!(
            outcome == unavailable || outcome.0 < 300 || outcome.1 == "already_subscribed",
            "{outcome:?}: {}",
            answer.text()
        );
        assert!(outcome.0 != 503 || answer.header("retry-after").is_some());
    }
    assert!(answers.iter().any(|answer| status_and_code(answer) == unavailable));
    database.delay(Duration::ZERO);
}

#[test]
fn every_route_responds_in_time_when_the_database_is_paused() {
    let database = SlowDatabase::create();
    let fixture = start(&database.url(), &[]);
    let caller = subscriber(&fixture);
    database.delay(Duration::from_secs(30));
    for answer in answers(&fixture, &requests(&caller)) {
        let outcome = status_and_code(&answer);
        assert_eq!(outcome, (503, "database_unavailable".to_owned()), "{}", answer.text());
    }
    for probe in ["/livez", "/api/v1/subscriptions/plans"] {
        assert_eq!(answers(&fixture, &[Request::get(probe)])[0].status, 200);
    }
    database.delay(Duration::ZERO);
}

#[test]
fn every_route_responds_in_time_when_the_sqlite_file_is_locked() {
    let fixture = start("sqlite://data/slow.db", &[]);
    let caller = subscriber(&fixture);
    let file = SqliteConnectOptions::new().filename(fixture.folder().join("data/slow.db"));
    let mut writer = runtime::wait(SqliteConnection::connect_with(&file)).expect("a connection");
    let lock = sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut writer);
    runtime::wait(lock).expect("the lock");
    let outcomes: Vec<_> =
        answers(&fixture, &requests(&caller)).iter().map(status_and_code).collect();
    let unavailable = outcomes.iter().filter(|(_, code)| code == "database_unavailable").count();
    assert!(unavailable >= 6, "{outcomes:?}");
}

#[test]
fn request_returns_provider_timeout_when_the_provider_hangs() {
    for store in Store::ALL {
        let database = Database::create(store);
        let fixture = start(database.url(), &[]);
        let (token, ..) = subscriber(&fixture);
        let fault = [
            ("fault", "delay=20000"),
            ("method", "POST"),
            ("path", "/v1/billing_portal/sessions"),
            ("times", "9"),
        ];
        let _ = fixture.stripe("POST", "/sandbox/faults", &fault);
        let answer = &answers(&fixture, &[Request::new("POST", PORTAL).bearer(&token)])[0];
        assert_eq!(status_and_code(answer), (504, "provider_timeout".to_owned()));
    }
}

#[test]
fn request_returns_request_timeout_when_the_body_is_slow() {
    let fixture = start("sqlite://data/portal.db", &[]);
    let (token, ..) = subscriber(&fixture);
    let head = format!(
        "POST {PORTAL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    let started = Instant::now();
    let mut connection = Connection::open(fixture.portal.public).expect("a connection");
    connection.send(head.as_bytes()).expect("a head");
    let Outcome::Answer(answer) = connection.answer("POST", PORTAL) else { panic!("no response") };
    assert_eq!(status_and_code(&answer), (408, "request_timeout".to_owned()));
    assert!(started.elapsed() < TIMEOUT);
}
