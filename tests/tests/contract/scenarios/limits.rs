//! Limits per principal, and for failed credentials per source and key id.

use std::sync::atomic::{AtomicUsize, Ordering};

use workspace_tests::response::Response;
use workspace_tests::runner::{KEY_ROUTE, TOKEN_ROUTE};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{SharedFixture, now};
use workspace_tests::wire::Request;
use workspace_tests::{canary, invariants};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        rate_limit_headers_count_down_until_429(shared),
        "Q1.headers",
        "Q1.count",
        "E1.rate_limited"
    ),
    scenario!(each_principal_has_its_own_rate_limit(shared), "Q1.principal"),
    scenario!(
        rejected_request_carries_rate_limit_headers(shared),
        "Q1.headers",
        "H5.rate_limit_place"
    ),
    scenario!(rate_limit_is_sixty_a_minute_by_default(shared), "Q1.count"),
    scenario!(
        failures_beyond_the_limit_return_429(shared),
        "Q2.rejected",
        "Q2.correct_passes",
        "C7.other_failures"
    ),
    scenario!(failures_are_counted_per_key_id(shared), "Q2.key_id", "Q2.correct_passes"),
    scenario!(x_forwarded_for_is_used_from_trusted_proxies_only(shared), "Q2.forwarded"),
    scenario!(
        valid_credential_passes_during_a_flood_of_failures(shared),
        "Q2.correct_passes",
        "C7.other_failures"
    ),
];

/// The rate limit and the failure limit of profile `limited`.
const LIMIT: u32 = 3;

fn send(shared: &SharedFixture, profile: &str, request: &Request) -> Response {
    let answer = shared.portal(profile, |portal| portal.send(request));
    invariants::check(&request.method, &request.target, &answer).unwrap();
    canary::plant_url(&answer.portal_url());
    answer
}

fn number(answer: &Response, name: &str) -> i64 {
    let value =
        answer.header(name).unwrap_or_else(|| panic!("{name} is missing in {:?}", answer.headers));
    value.parse().unwrap_or_else(|_| panic!("{name} is {value}"))
}

fn rejected(answer: &Response) {
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limited"), "{}", answer.text());
    assert!((1..=60).contains(&number(answer, "retry-after")));
}

fn by_token(shared: &SharedFixture, user: &str) -> Request {
    Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("limited", user))
}

/// Builds a request that fails authentication, from this source.
fn failing(from: &str) -> Request {
    Request::new("POST", TOKEN_ROUTE).bearer("bm90.YQ.dG9rZW4").header("x-forwarded-for", from)
}

fn rate_limit_headers_count_down_until_429(shared: &SharedFixture) {
    let mut user = shared.new_user();
    let key = shared.valid_key("limited", &mut user);
    for request in [by_token(shared, &user.id), Request::new("POST", KEY_ROUTE).bearer(&key)] {
        let before = shared.requests_for("limited", &user.customer).len();
        for left in (0..i64::from(LIMIT)).rev() {
            let answer = send(shared, "limited", &request);
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(number(&answer, "x-ratelimit-limit"), i64::from(LIMIT));
            assert_eq!(number(&answer, "x-ratelimit-remaining"), left);
            let reset = number(&answer, "x-ratelimit-reset");
            assert!(
                (now() - 1..=now() + 61).contains(&reset),
                "reset at {reset}, now is {}",
                now()
            );
        }
        for _ in 0..2 {
            let answer = send(shared, "limited", &request);
            rejected(&answer);
            assert_eq!(number(&answer, "x-ratelimit-remaining"), 0);
            assert_eq!(number(&answer, "x-ratelimit-limit"), i64::from(LIMIT));
        }
        let reached = shared.requests_for("limited", &user.customer).len() - before;
        assert_eq!(reached, 3, "a rejected request reached the provider");
    }
}

fn each_principal_has_its_own_rate_limit(shared: &SharedFixture) {
    let (mut one, two) = (shared.new_user(), shared.new_user());
    let keys = [
        shared.valid_key("limited", &mut one),
        shared.create_key("limited", &one.id, &[])["key"].as_str().unwrap().to_owned(),
    ];
    let by_key = |key: &str| Request::new("POST", KEY_ROUTE).bearer(key);
    for _ in 0..LIMIT {
        assert_eq!(send(shared, "limited", &by_token(shared, &one.id)).status, 200);
    }
    rejected(&send(shared, "limited", &by_token(shared, &one.id)));
    // All routes with a user's token share the user's limit. Other users and keys have their own.
    let list = Request::get("/api/v1/api-keys").bearer(&shared.token("limited", &one.id));
    rejected(&send(shared, "limited", &list));
    assert_eq!(send(shared, "limited", &by_token(shared, &two.id)).status, 200);
    for key in &keys {
        for _ in 0..LIMIT {
            assert_eq!(send(shared, "limited", &by_key(key)).status, 200);
        }
        rejected(&send(shared, "limited", &by_key(key)));
    }
}

fn rejected_request_carries_rate_limit_headers(shared: &SharedFixture) {
    let mut user = shared.new_user();
    let body = Request { body: Some(b"{".to_vec()), ..by_token(shared, &user.id) };
    let malformed = send(shared, "limited", &body.header("content-type", "application/json"));
    assert_eq!((malformed.status, number(&malformed, "x-ratelimit-remaining")), (400, 2));
    let powerless = shared.special_key("limited", &mut user, "reports_only");
    let powerless = Request::new("POST", KEY_ROUTE).bearer(&powerless);
    for left in (0..i64::from(LIMIT)).rev() {
        let answer = send(shared, "limited", &powerless);
        assert_eq!(
            (answer.status, number(&answer, "x-ratelimit-remaining")),
            (403, left),
            "{}",
            answer.text()
        );
    }
    // The rate limit is checked before the permission.
    rejected(&send(shared, "limited", &powerless));
    let anonymous = send(shared, "limited", &failing("198.51.100.1"));
    assert_eq!(anonymous.status, 401);
    assert!(anonymous.header("x-ratelimit-limit").is_none(), "an unauthenticated response has it");
}

fn rate_limit_is_sixty_a_minute_by_default(shared: &SharedFixture) {
    let user = shared.new_user();
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("by_default", &user.id));
    let statuses: Vec<u16> = (0..61).map(|_| send(shared, "by_default", &request).status).collect();
    assert!(statuses[..60].iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(statuses[60], 429);
}

fn failures_beyond_the_limit_return_429(shared: &SharedFixture) {
    let user = shared.new_user();
    let here = "198.51.100.2";
    for _ in 0..LIMIT {
        let answer = send(shared, "limited", &failing(here));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_token"),
            "{}",
            answer.text()
        );
    }
    for _ in 0..3 {
        rejected(&send(shared, "limited", &failing(here)));
    }
    let good = by_token(shared, &user.id).header("x-forwarded-for", here);
    assert_eq!(
        send(shared, "limited", &good).status,
        200,
        "a correct credential is rejected after other clients' failures"
    );
    assert_eq!(
        send(shared, "limited", &failing("198.51.100.3")).status,
        401,
        "another source is rejected"
    );
}

fn failures_are_counted_per_key_id(shared: &SharedFixture) {
    let mut user = shared.new_user();
    let good = shared.valid_key("limited", &mut user);
    let wrong = shared.special_key("limited", &mut user, "wrong_secret");
    let from = |key: &str, host: u32| {
        Request::new("POST", KEY_ROUTE)
            .bearer(key)
            .header("x-forwarded-for", format!("203.0.113.{host}"))
    };
    for host in 0..LIMIT {
        let answer = send(shared, "limited", &from(&wrong, host + 1));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_api_key"),
            "{}",
            answer.text()
        );
    }
    rejected(&send(shared, "limited", &from(&wrong, 100)));
    assert_eq!(
        send(shared, "limited", &from(&good, 100)).status,
        200,
        "the key's owner is locked out"
    );
}

fn x_forwarded_for_is_used_from_trusted_proxies_only(shared: &SharedFixture) {
    // 192.0.2.0/24 is trusted, 198.51.100.0/24 is not: addresses to the left of it can be forged.
    for forged in 0..LIMIT {
        let chain = format!("203.0.113.{}, 198.51.100.40, 192.0.2.7", forged + 150);
        assert_eq!(send(shared, "limited", &failing(&chain)).status, 401);
    }
    rejected(&send(shared, "limited", &failing("203.0.113.160, 198.51.100.40")));
    assert_eq!(
        send(shared, "limited", &failing("203.0.113.150, 192.0.2.9")).status,
        401,
        "the address from a trusted proxy is not used"
    );
    // Without trusted proxies the header is ignored: all of these requests have one source.
    let statuses: Vec<u16> = (0..140)
        .map(|n| send(shared, "by_default", &failing(&format!("203.0.113.{n}"))).status)
        .collect();
    assert!(statuses.contains(&429), "a client can choose its source: {statuses:?}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
}

fn valid_credential_passes_during_a_flood_of_failures(shared: &SharedFixture) {
    const ATTACKERS: usize = 8;
    const FRIENDLY: usize = 50;
    let mut user = shared.new_user();
    let key = shared.valid_key("by_default", &mut user);
    let wrong = shared.special_key("by_default", &mut user, "wrong_secret");
    let good = [
        Request::new("POST", TOKEN_ROUTE).bearer(&shared.token("by_default", &user.id)),
        Request::new("POST", KEY_ROUTE).bearer(&key),
    ];
    let bad = [failing("203.0.113.1"), Request::new("POST", KEY_ROUTE).bearer(&wrong)];
    let (failures, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for attacker in 0..ATTACKERS {
            let (bad, failures, done) = (&bad, &failures, &done);
            scope.spawn(move || {
                while done.load(Ordering::Relaxed) == 0 {
                    let status = send(shared, "by_default", &bad[attacker % 2]).status;
                    assert!([401, 429].contains(&status), "{status}");
                    failures.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let codes: Vec<String> = (0..FRIENDLY)
            .flat_map(|_| good.iter().map(|request| send(shared, "by_default", request)))
            .filter(|response| response.status != 200)
            .map(|response| response.code())
            .collect();
        done.store(1, Ordering::Relaxed);
        // A slow disk may delay an audit record beyond the database's limit of 3 s.
        let rejected = codes.iter().any(|code| code != "database_unavailable");
        assert!(!rejected && codes.len() < 10, "a valid credential was rejected: {codes:?}");
    });
    assert!(failures.load(Ordering::Relaxed) > 120, "there was no flood");
}
