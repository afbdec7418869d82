//! `BILLING_REQUEST_TIMEOUT_SECONDS` bounds the whole request, whatever part of it is slow.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use workspace_tests::database::{Database, Store};
use workspace_tests::response::Response;
use workspace_tests::runtime;
use workspace_tests::shop::{CHECKOUT, CURRENT, PORTAL, Shop};
use workspace_tests::slow_database::SlowDatabase;
use workspace_tests::wire::{Connection, Outcome, Request};
use workspace_tests::world::plant_key;

/// What an answer may take on a busy machine where the limit is 3 s. Without it the slowest routes took 4.2 to 9.7 s.
const PATIENCE: Duration = Duration::from_millis(3_900);
/// How late the answers of the database are in one of the tests.
const LATE: Duration = Duration::from_millis(600);

fn shop(database: &str, more: &[(&str, &str)]) -> Shop {
    let settings = [
        ("BILLING_PROVIDER", "sandbox"),
        ("BILLING_DATABASE_URL", database),
        ("BILLING_AUTO_MIGRATE", "true"),
        ("BILLING_REQUEST_TIMEOUT_SECONDS", "3"),
        ("BILLING_RECONCILE_INTERVAL_SECONDS", "0"),
        ("BILLING_RATE_LIMIT_PER_MINUTE", "0"),
    ];
    Shop::open(&[&settings, more].concat())
}

/// A subscribed user's token, API key and that key's id.
fn subscriber(shop: &Shop) -> (String, String, String) {
    let token = shop.token("slow-user");
    shop.buy(&token, "professional");
    let arguments = ["keys", "create", "--user", "slow-user", "--name", "n", "--json"];
    let created = shop.command(&arguments).json();
    let text = |name: &str| created[name].as_str().expect("a created key").to_owned();
    plant_key(&text("key"));
    (token, text("key"), text("id"))
}

/// One request to each route that needs the database.
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

/// Sends them all, one after the other; each must be answered in time.
fn answers(shop: &Shop, requests: &[Request]) -> Vec<Response> {
    let send = |request: &Request| {
        let begun = Instant::now();
        let answer = request.send(shop.portal.public).expect("an answer");
        let took = begun.elapsed();
        assert!(took < PATIENCE, "{} {} took {took:?}", request.method, request.target);
        answer
    };
    requests.iter().map(send).collect()
}

fn status_and_code(answer: &Response) -> (u16, String) {
    let code = if answer.status < 400 { String::new() } else { answer.code() };
    (answer.status, code)
}

#[test]
fn every_route_answers_in_time_when_the_database_is_slow() {
    let database = SlowDatabase::create();
    let shop = shop(&database.url(), &[]);
    let caller = subscriber(&shop);
    database.delay(LATE);
    let answers = answers(&shop, &requests(&caller));
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
fn every_route_answers_in_time_when_the_database_is_paused() {
    let database = SlowDatabase::create();
    let shop = shop(&database.url(), &[]);
    let caller = subscriber(&shop);
    database.delay(Duration::from_secs(30));
    for answer in answers(&shop, &requests(&caller)) {
        let outcome = status_and_code(&answer);
        assert_eq!(outcome, (503, "database_unavailable".to_owned()), "{}", answer.text());
    }
    for probe in ["/livez", "/api/v1/subscriptions/plans"] {
        assert_eq!(answers(&shop, &[Request::get(probe)])[0].status, 200);
    }
    database.delay(Duration::ZERO);
}

#[test]
fn every_route_answers_in_time_when_the_sqlite_file_is_locked() {
    let shop = shop("sqlite://data/slow.db", &[]);
    let caller = subscriber(&shop);
    let file = SqliteConnectOptions::new().filename(shop.folder().join("data/slow.db"));
    let mut writer = runtime::wait(SqliteConnection::connect_with(&file)).expect("a connection");
    let lock = sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut writer);
    runtime::wait(lock).expect("the lock");
    let outcomes: Vec<_> = answers(&shop, &requests(&caller)).iter().map(status_and_code).collect();
    let unavailable = outcomes.iter().filter(|(_, code)| code == "database_unavailable").count();
    assert!(unavailable >= 6, "{outcomes:?}");
}

#[test]
fn a_provider_that_hangs_is_a_timeout_of_the_provider() {
    for store in Store::ALL {
        let database = Database::create(store);
        let shop = shop(database.url(), &[]);
        let (token, ..) = subscriber(&shop);
        let fault = [
            ("fault", "delay=20000"),
            ("method", "POST"),
            ("path", "/v1/billing_portal/sessions"),
            ("times", "9"),
        ];
        let _ = shop.stripe("POST", "/sandbox/faults", &fault);
        let answer = &answers(&shop, &[Request::new("POST", PORTAL).bearer(&token)])[0];
        assert_eq!(status_and_code(answer), (504, "provider_timeout".to_owned()));
    }
}

#[test]
fn a_body_that_is_slow_is_the_clients_timeout() {
    let shop = shop("sqlite://data/portal.db", &[]);
    let (token, ..) = subscriber(&shop);
    let head = format!(
        "POST {PORTAL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    let begun = Instant::now();
    let mut connection = Connection::open(shop.portal.public).expect("a connection");
    connection.send(head.as_bytes()).expect("a head");
    let Outcome::Answer(answer) = connection.answer("POST", PORTAL) else { panic!("no answer") };
    assert_eq!(status_and_code(&answer), (408, "request_timeout".to_owned()));
    assert!(begun.elapsed() < PATIENCE);
}
