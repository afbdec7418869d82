//! Limits per principal, and for failed credentials per source and key id.

use std::sync::atomic::{AtomicUsize, Ordering};

use workspace_tests::response::Response;
use workspace_tests::runner::{KEY_ROUTE, TOKEN_ROUTE};
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::wire::Request;
use workspace_tests::world::{World, now};
use workspace_tests::{canary, invariants};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        headers_count_down_and_the_next_is_refused(world),
        "Q1.headers",
        "Q1.count",
        "E1.rate_limited"
    ),
    scenario!(principals_have_limits_of_their_own(world), "Q1.principal"),
    scenario!(a_refusal_tells_the_limit_too(world), "Q1.headers", "H5.rate_limit_place"),
    scenario!(sixty_a_minute_by_default(world), "Q1.count"),
    scenario!(
        failures_beyond_the_limit_are_refused(world),
        "Q2.refused",
        "Q2.correct_passes",
        "C7.never_for_others"
    ),
    scenario!(failures_of_one_key_id_are_counted(world), "Q2.key_id", "Q2.correct_passes"),
    scenario!(a_forwarded_source_is_believed_of_proxies_alone(world), "Q2.forwarded"),
    scenario!(
        a_flood_of_failures_refuses_no_good_credential(world),
        "Q2.correct_passes",
        "C7.never_for_others"
    ),
];

/// The limit of the profile `limited`, for both.
const LIMIT: u32 = 3;

fn send(world: &World, profile: &str, request: &Request) -> Response {
    let answer = world.portal(profile, |portal| portal.send(request));
    invariants::check(&request.method, &request.target, &answer).unwrap();
    canary::plant_url(&answer.portal_url());
    answer
}

fn number(answer: &Response, name: &str) -> i64 {
    let value =
        answer.header(name).unwrap_or_else(|| panic!("{name} is missing in {:?}", answer.headers));
    value.parse().unwrap_or_else(|_| panic!("{name} is {value}"))
}

fn refused(answer: &Response) {
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limited"), "{}", answer.text());
    assert!((1..=60).contains(&number(answer, "retry-after")));
}

fn by_token(world: &World, user: &str) -> Request {
    Request::new("POST", TOKEN_ROUTE).bearer(&world.token("limited", user))
}

/// A failed attempt from this source: a token that nobody signed.
fn failing(from: &str) -> Request {
    Request::new("POST", TOKEN_ROUTE).bearer("bm90.YQ.dG9rZW4").header("x-forwarded-for", from)
}

fn headers_count_down_and_the_next_is_refused(world: &World) {
    let mut user = world.new_user();
    let key = world.good_key("limited", &mut user);
    for request in [by_token(world, &user.id), Request::new("POST", KEY_ROUTE).bearer(&key)] {
        let before = world.requests_for("limited", &user.customer).len();
        for left in (0..i64::from(LIMIT)).rev() {
            let answer = send(world, "limited", &request);
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
            let answer = send(world, "limited", &request);
            refused(&answer);
            assert_eq!(number(&answer, "x-ratelimit-remaining"), 0);
            assert_eq!(number(&answer, "x-ratelimit-limit"), i64::from(LIMIT));
        }
        let reached = world.requests_for("limited", &user.customer).len() - before;
        assert_eq!(reached, 3, "a refused request reached the provider");
    }
}

fn principals_have_limits_of_their_own(world: &World) {
    let (mut one, two) = (world.new_user(), world.new_user());
    let keys = [
        world.good_key("limited", &mut one),
        world.create_key("limited", &one.id, &[])["key"].as_str().unwrap().to_owned(),
    ];
    let by_key = |key: &str| Request::new("POST", KEY_ROUTE).bearer(key);
    for _ in 0..LIMIT {
        assert_eq!(send(world, "limited", &by_token(world, &one.id)).status, 200);
    }
    refused(&send(world, "limited", &by_token(world, &one.id)));
    // The user's other routes share the user's limit; other users and keys have their own.
    let list = Request::get("/api/v1/api-keys").bearer(&world.token("limited", &one.id));
    refused(&send(world, "limited", &list));
    assert_eq!(send(world, "limited", &by_token(world, &two.id)).status, 200);
    for key in &keys {
        for _ in 0..LIMIT {
            assert_eq!(send(world, "limited", &by_key(key)).status, 200);
        }
        refused(&send(world, "limited", &by_key(key)));
    }
}

fn a_refusal_tells_the_limit_too(world: &World) {
    let mut user = world.new_user();
    let body = Request { body: Some(b"{".to_vec()), ..by_token(world, &user.id) };
    let malformed = send(world, "limited", &body.header("content-type", "application/json"));
    assert_eq!((malformed.status, number(&malformed, "x-ratelimit-remaining")), (400, 2));
    let powerless = world.special_key("limited", &mut user, "reports_only");
    let powerless = Request::new("POST", KEY_ROUTE).bearer(&powerless);
    for left in (0..i64::from(LIMIT)).rev() {
        let answer = send(world, "limited", &powerless);
        assert_eq!(
            (answer.status, number(&answer, "x-ratelimit-remaining")),
            (403, left),
            "{}",
            answer.text()
        );
    }
    // Judged before the permission.
    refused(&send(world, "limited", &powerless));
    let nobody = send(world, "limited", &failing("198.51.100.1"));
    assert_eq!(nobody.status, 401);
    assert!(nobody.header("x-ratelimit-limit").is_none(), "nobody was authenticated");
}

fn sixty_a_minute_by_default(world: &World) {
    let user = world.new_user();
    let request = Request::new("POST", TOKEN_ROUTE).bearer(&world.token("by_default", &user.id));
    let statuses: Vec<u16> = (0..61).map(|_| send(world, "by_default", &request).status).collect();
    assert!(statuses[..60].iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(statuses[60], 429);
}

fn failures_beyond_the_limit_are_refused(world: &World) {
    let user = world.new_user();
    let here = "198.51.100.2";
    for _ in 0..LIMIT {
        let answer = send(world, "limited", &failing(here));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_token"),
            "{}",
            answer.text()
        );
    }
    for _ in 0..3 {
        refused(&send(world, "limited", &failing(here)));
    }
    let good = by_token(world, &user.id).header("x-forwarded-for", here);
    assert_eq!(
        send(world, "limited", &good).status,
        200,
        "a correct credential is refused for somebody's failures"
    );
    assert_eq!(
        send(world, "limited", &failing("198.51.100.3")).status,
        401,
        "another source is refused"
    );
}

fn failures_of_one_key_id_are_counted(world: &World) {
    let mut user = world.new_user();
    let good = world.good_key("limited", &mut user);
    let wrong = world.special_key("limited", &mut user, "wrong_secret");
    let from = |key: &str, host: u32| {
        Request::new("POST", KEY_ROUTE)
            .bearer(key)
            .header("x-forwarded-for", format!("203.0.113.{host}"))
    };
    for host in 0..LIMIT {
        let answer = send(world, "limited", &from(&wrong, host + 1));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_api_key"),
            "{}",
            answer.text()
        );
    }
    refused(&send(world, "limited", &from(&wrong, 100)));
    assert_eq!(
        send(world, "limited", &from(&good, 100)).status,
        200,
        "the key's owner is locked out"
    );
}

fn a_forwarded_source_is_believed_of_proxies_alone(world: &World) {
    // 192.0.2.0/24 is a trusted proxy's, 198.51.100.0/24 is not: what stands left of it is made up.
    for made_up in 0..LIMIT {
        let chain = format!("203.0.113.{}, 198.51.100.40, 192.0.2.7", made_up + 150);
        assert_eq!(send(world, "limited", &failing(&chain)).status, 401);
    }
    refused(&send(world, "limited", &failing("203.0.113.160, 198.51.100.40")));
    assert_eq!(
        send(world, "limited", &failing("203.0.113.150, 192.0.2.9")).status,
        401,
        "a proxy is not believed"
    );
    // Without trusted proxies the header says nothing: all of these come from one address.
    let statuses: Vec<u16> = (0..140)
        .map(|n| send(world, "by_default", &failing(&format!("203.0.113.{n}"))).status)
        .collect();
    assert!(statuses.contains(&429), "a client chooses its own source: {statuses:?}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
}

fn a_flood_of_failures_refuses_no_good_credential(world: &World) {
    const ATTACKERS: usize = 8;
    const FRIENDLY: usize = 50;
    let mut user = world.new_user();
    let key = world.good_key("by_default", &mut user);
    let wrong = world.special_key("by_default", &mut user, "wrong_secret");
    let good = [
        Request::new("POST", TOKEN_ROUTE).bearer(&world.token("by_default", &user.id)),
        Request::new("POST", KEY_ROUTE).bearer(&key),
    ];
    let bad = [failing("203.0.113.1"), Request::new("POST", KEY_ROUTE).bearer(&wrong)];
    let (failures, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for attacker in 0..ATTACKERS {
            let (bad, failures, done) = (&bad, &failures, &done);
            scope.spawn(move || {
                while done.load(Ordering::Relaxed) == 0 {
                    let status = send(world, "by_default", &bad[attacker % 2]).status;
                    assert!([401, 429].contains(&status), "{status}");
                    failures.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let statuses: Vec<u16> = (0..FRIENDLY)
            .flat_map(|_| good.iter().map(|request| send(world, "by_default", request).status))
            .collect();
        done.store(1, Ordering::Relaxed);
        assert!(
            statuses.iter().all(|status| *status == 200),
            "a good credential was refused: {statuses:?}"
        );
    });
    assert!(failures.load(Ordering::Relaxed) > 120, "there was no flood");
}
