//! The lifecycle of a process: drain, signals, connections, kill, and provider outages.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use workspace_tests::database::Store;
use workspace_tests::poll;
use workspace_tests::portal::Portal;
use workspace_tests::runner::TOKEN_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::SharedFixture;
use workspace_tests::wire::{Connection, Outcome, Request};
use workspace_tests::{canary, invariants, runtime};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        readyz_returns_503_while_draining_and_requests_are_served(shared),
        "B3.unready",
        "B3.lame_duck",
        "E1.not_ready"
    ),
    scenario!(running_request_finishes_before_shutdown(shared), "B3.finishes"),
    scenario!(
        incomplete_requests_do_not_delay_shutdown(shared),
        "B3.incomplete_requests",
        "B3.idle"
    ),
    scenario!(second_signal_stops_the_process_immediately(shared), "B3.second_signal"),
    scenario!(sigint_drains_like_sigterm(shared), "B3.interrupt"),
    scenario!(service_serves_4096_connections(shared), "B3.connections").on(Store::Sqlite),
    scenario!(idle_connection_is_kept_for_60_s(shared), "B3.idle").on(Store::Sqlite),
    scenario!(killed_service_restarts_with_its_data(shared), "B1.readyz", "S3.lookup"),
    scenario!(
        readyz_reports_degraded_when_the_provider_is_unreachable(shared),
        "B1.degraded",
        "P2.no_connection"
    ),
];

fn portal_request(shared: &SharedFixture, user: &str) -> Request {
    Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("default", user))
}

fn readyz_returns_503_while_draining_and_requests_are_served(shared: &SharedFixture) {
    shared.with_user(|user| {
        // Long enough for a few requests on a busy machine. The process ends directly afterwards.
        let launch =
            shared.launch("default", &["serve"]).env("BILLING_SHUTDOWN_LAME_DUCK_SECONDS", "8");
        let portal = Portal::start_ready(&launch);
        portal.process.signal(Signal::TERM);
        let unready = poll::until("/readyz to turn 503", || {
            portal.get("/readyz").ok().filter(|answer| answer.status == 503)
        });
        assert_eq!(unready.code(), "not_ready");
        assert!(unready.json()["detail"].as_str().unwrap().contains("drain"), "{}", unready.text());
        invariants::check("GET", "/readyz", &unready).unwrap();
        for request in [portal_request(shared, &user.id), Request::get("/livez")] {
            let answer = request.send(portal.public).expect("connections are still accepted");
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(
                answer.header("connection").map(str::to_ascii_lowercase).as_deref(),
                Some("close")
            );
            canary::plant_url(&answer.portal_url());
        }
        assert_eq!(portal.process.finish().code, Some(0));
    });
}

fn running_request_finishes_before_shutdown(shared: &SharedFixture) {
    shared.with_user(|user| {
        let stub_fixture = shared.start_stub_fixture("default");
        stub_fixture.prepare(user, &["delay:2000".to_owned()]);
        let request = portal_request(shared, &user.id);
        let answer = std::thread::scope(|scope| {
            let client = scope.spawn(|| request.send(stub_fixture.portal.public));
            poll::until("the request to reach the provider", || {
                (!stub_fixture.stub.requests().is_empty()).then_some(())
            });
            stub_fixture.portal.process.signal(Signal::TERM);
            client.join().unwrap()
        });
        let answer = answer.expect("the running request finishes");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            answer.header("connection").map(str::to_ascii_lowercase).as_deref(),
            Some("close")
        );
        canary::plant_url(&answer.portal_url());
        assert_eq!(stub_fixture.portal.process.finish().code, Some(0));
    });
}

fn incomplete_requests_do_not_delay_shutdown(shared: &SharedFixture) {
    shared.with_user(|user| {
        let launch =
            shared.launch("default", &["serve"]).env("BILLING_SHUTDOWN_GRACE_SECONDS", "300");
        let portal = Portal::start_ready(&launch);
        let mut half_head = Connection::open(portal.public).unwrap();
        half_head.send(b"POST /api/v1/subscriptions/portal HTTP/1.1\r\nHost: x\r\n").unwrap();
        let mut half_body = Connection::open(portal.public).unwrap();
        let token = shared.token("default", &user.id);
        let head = format!(
            "POST {TOKEN_ROUTE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
        );
        half_body.send(head.as_bytes()).unwrap();
        let mut idle = Connection::open(portal.public).unwrap();
        idle.send(&Request::get("/livez").to_bytes(portal.public)).unwrap();
        assert!(
            matches!(idle.answer("GET", "/livez"), Outcome::Answer(answer) if answer.status == 200)
        );
        portal.process.signal(Signal::TERM);
        let signalled = Instant::now();
        assert_eq!(portal.process.finish().code, Some(0));
        assert!(
            signalled.elapsed() < Duration::from_secs(60),
            "incomplete requests delayed the shutdown for {:?}",
            signalled.elapsed()
        );
        assert!(idle.closes_within(Duration::from_secs(10)), "an idle connection stays open");
    });
}

fn second_signal_stops_the_process_immediately(shared: &SharedFixture) {
    shared.with_user(|user| {
        let stub_fixture = shared.start_stub_fixture("default");
        stub_fixture.prepare(user, &["stall".to_owned(), "stall".to_owned(), "stall".to_owned()]);
        let request = portal_request(shared, &user.id);
        let mut connection = Connection::open(stub_fixture.portal.public).unwrap();
        connection.send(&request.to_bytes(stub_fixture.portal.public)).unwrap();
        poll::until("the request to reach the provider", || {
            (!stub_fixture.stub.requests().is_empty()).then_some(())
        });
        let mut process = stub_fixture.portal.process;
        process.signal(Signal::TERM);
        poll::until("the drain to begin", || process.stderr().contains("drain").then_some(()));
        assert!(
            !process.ends_within(Duration::from_millis(300)),
            "the process ended before the running request"
        );
        process.signal(Signal::TERM);
        assert!(
            process.ends_within(Duration::from_secs(3)),
            "a second signal does not end the process"
        );
    });
}

fn sigint_drains_like_sigterm(shared: &SharedFixture) {
    let portal = Portal::start_ready(&shared.launch("default", &["serve"]));
    portal.process.signal(Signal::INT);
    assert_eq!(portal.process.finish().code, Some(0));
}

fn service_serves_4096_connections(shared: &SharedFixture) {
    const CONNECTIONS: usize = 4096;
    // Client and service need a file descriptor each, and the service inherits the test's limit.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let portal =
        Portal::start_ready(&shared.launch("default", &["serve"]).env("BILLING_LOG", "info"));
    let mut open: Vec<Connection> =
        (0..CONNECTIONS).map(|_| Connection::open(portal.public).unwrap()).collect();
    let bytes = Request::get("/livez").to_bytes(portal.public);
    for connection in &mut open {
        connection.send(&bytes).unwrap();
    }
    for (at, connection) in open.iter_mut().enumerate() {
        assert!(
            matches!(connection.answer("GET", "/livez"), Outcome::Answer(a) if a.status == 200),
            "connection {at} is not served"
        );
    }
    assert_eq!(portal.get("/livez").unwrap().status, 200, "one more connection is not served");
}

fn idle_connection_is_kept_for_60_s(shared: &SharedFixture) {
    shared.portal("default", |portal| {
        let exchange = |connection: &mut Connection| {
            connection
                .send(&Request::get("/livez").to_bytes(portal.public))
                .expect("the connection is open");
            assert!(
                matches!(connection.answer("GET", "/livez"), Outcome::Answer(a) if a.status == 200)
            );
        };
        let (mut kept, mut left) =
            (Connection::open(portal.public).unwrap(), Connection::open(portal.public).unwrap());
        exchange(&mut kept);
        exchange(&mut left);
        assert!(
            !kept.closes_within(Duration::from_secs(50)),
            "an idle connection was closed within 50 s"
        );
        exchange(&mut kept);
        assert!(left.closes_within(Duration::from_secs(60)), "an idle connection is never closed");
    });
}

fn killed_service_restarts_with_its_data(shared: &SharedFixture) {
    shared.with_user(|user| {
        let key = shared.valid_key("default", user);
        let launch = shared.launch("default", &["serve"]);
        for _ in 0..2 {
            let portal = Portal::start_ready(&launch);
            let answer = portal.send(&portal_request(shared, &user.id));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let by_key =
                portal.send(&Request::new("POST", workspace_tests::runner::KEY_ROUTE).bearer(&key));
            assert_eq!(by_key.status, 200, "{}", by_key.text());
            [answer, by_key].iter().for_each(|answer| canary::plant_url(&answer.portal_url()));
            portal.process.signal(Signal::KILL);
            assert_eq!(portal.process.finish().code, None);
        }
    });
}

fn readyz_reports_degraded_when_the_provider_is_unreachable(shared: &SharedFixture) {
    shared.with_user(|user| {
        let stub_fixture = shared.start_stub_fixture("default");
        stub_fixture.prepare(user, &[]);
        let before = stub_fixture.portal.get("/readyz").unwrap().text();
        assert!(!before.contains("\"degraded\":[\"provider"), "{before}");
        runtime::wait(stub_fixture.stub.close());
        let answer = stub_fixture.portal.send(&portal_request(shared, &user.id));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "provider_unavailable"),
            "{}",
            answer.text()
        );
        let ready = stub_fixture.portal.get("/readyz").unwrap();
        assert_eq!(ready.status, 200, "an outage shared by all replicas must not empty the pool");
        assert!(
            ready.text().contains("degraded") && ready.text().contains("provider"),
            "{}",
            ready.text()
        );
        assert_eq!(stub_fixture.portal.get("/livez").unwrap().status, 200);
    });
}
