//! Published key sets: loading, rotation, forged key ids, and outages.

use serde_json::{Map, json};
use workspace_tests::key_set::{KeySetServer, es256};
use workspace_tests::placeholders::Placeholders;
use workspace_tests::portal::Portal;
use workspace_tests::process::Launch;
use workspace_tests::response::Response;
use workspace_tests::runner::TOKEN_ROUTE;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::{SharedFixture, now};
use workspace_tests::tokens::{self, TokenChanges};
use workspace_tests::user::User;
use workspace_tests::wire::Request;
use workspace_tests::{canary, invariants, poll};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(service_is_unready_until_the_key_set_is_loaded(shared), "C9.unready", "B1.readyz"),
    scenario!(token_signed_with_a_new_key_of_the_set_is_accepted(shared), "C9.rotation"),
    scenario!(
        unknown_key_ids_cause_one_fetch_in_30_s(shared),
        "C9.unknown_kid",
        "C9.configured_only"
    ),
    scenario!(last_key_set_is_used_while_the_endpoint_is_down(shared), "C9.endpoint_down"),
];

fn launch(shared: &SharedFixture, server: &KeySetServer) -> Launch {
    let launch = shared.launch("es256", &["serve"]).without("BILLING_JWT_PUBLIC_KEY_FILE");
    launch.env("BILLING_JWT_JWKS_URL", server.url())
}

/// Creates a token with this key id, signed with this key.
fn token(shared: &SharedFixture, user: &User, key_id: &str, key: &str) -> String {
    let mut placeholders = Placeholders::at(now());
    placeholders.set("user", &user.id);
    let header = Map::from_iter([("kid".to_owned(), json!(key_id))]);
    let changes = TokenChanges { header, key: Some(key.to_owned()), ..TokenChanges::default() };
    let token = tokens::mint(&shared.profiles().get("es256").issuer, &changes, &placeholders);
    canary::plant_token(&token);
    token
}

fn request_portal(portal: &Portal, token: &str) -> Response {
    let answer = portal.send(&Request::new("POST", TOKEN_ROUTE).bearer(token));
    invariants::check("POST", TOKEN_ROUTE, &answer).unwrap();
    canary::plant_url(&answer.portal_url());
    answer
}

fn service_is_unready_until_the_key_set_is_loaded(shared: &SharedFixture) {
    let user = shared.new_user();
    let server = KeySetServer::start();
    server.publish(&[es256("one", "own")]);
    server.set_up(false);
    let portal = Portal::start(&launch(shared, &server));
    poll::until("the key set to be requested", || (server.fetches() > 0).then_some(()));
    let unready = portal.get("/readyz").unwrap();
    assert_eq!((unready.status, unready.code().as_str()), (503, "not_ready"), "{}", unready.text());
    let named = poll::within(poll::TIMEOUT, || {
        portal
            .get("/readyz")
            .ok()
            .filter(|answer| answer.json()["detail"].as_str().is_some_and(|d| d.contains("key")))
    });
    assert!(
        named.is_some(),
        "the failing check is not named: {}",
        portal.get("/readyz").unwrap().text()
    );
    let rejected = request_portal(&portal, &token(shared, &user, "one", "own"));
    assert_eq!(rejected.status, 503, "{}", rejected.text());
    assert_eq!(portal.get("/livez").unwrap().status, 200);
    server.set_up(true);
    portal.wait_ready();
    assert_eq!(request_portal(&portal, &token(shared, &user, "one", "own")).status, 200);
}

fn token_signed_with_a_new_key_of_the_set_is_accepted(shared: &SharedFixture) {
    let user = shared.new_user();
    let server = KeySetServer::start();
    server.publish(&[es256("one", "own")]);
    let portal = Portal::start_ready(&launch(shared, &server));
    let (old, new) = (token(shared, &user, "one", "own"), token(shared, &user, "two", "other"));
    assert_eq!(request_portal(&portal, &old).status, 200);
    server.publish(&[es256("one", "own"), es256("two", "other")]);
    for token in [&new, &old, &new] {
        let answer = request_portal(&portal, token);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // The key id selects the key that verifies the signature.
    let crossed = request_portal(&portal, &token(shared, &user, "one", "other"));
    assert_eq!((crossed.status, crossed.code().as_str()), (401, "invalid_token"));
}

fn unknown_key_ids_cause_one_fetch_in_30_s(shared: &SharedFixture) {
    let user = shared.new_user();
    let (server, elsewhere) = (KeySetServer::start(), KeySetServer::start());
    server.publish(&[es256("one", "own")]);
    elsewhere.publish(&[es256("forged", "other")]);
    let portal = Portal::start_ready(&launch(shared, &server));
    let before = server.fetches();
    std::thread::scope(|scope| {
        for forger in 0..4 {
            let (portal, user) = (&portal, &user);
            scope.spawn(move || {
                for attempt in 0..10 {
                    let forged = request_portal(
                        portal,
                        &token(shared, user, &format!("forged-{forger}-{attempt}"), "other"),
                    );
                    assert_eq!(
                        (forged.status, forged.code().as_str()),
                        (401, "invalid_token"),
                        "{}",
                        forged.text()
                    );
                    assert_eq!(
                        request_portal(portal, &token(shared, user, "one", "own")).status,
                        200
                    );
                }
            });
        }
    });
    let caused = server.fetches() - before;
    assert!(caused <= 2, "40 forged key ids caused {caused} fetches within half a minute");
    let mut placeholders = Placeholders::at(now());
    placeholders.set("user", &user.id);
    let header = Map::from_iter([
        ("kid".to_owned(), json!("forged")),
        ("jku".to_owned(), json!(elsewhere.url())),
        ("jwk".to_owned(), es256("forged", "other")),
    ]);
    let changes = TokenChanges { header, key: Some("other".to_owned()), ..TokenChanges::default() };
    let redirected = request_portal(
        &portal,
        &tokens::mint(&shared.profiles().get("es256").issuer, &changes, &placeholders),
    );
    assert_eq!((redirected.status, redirected.code().as_str()), (401, "invalid_token"));
    assert_eq!(elsewhere.fetches(), 0, "the service fetched a URL from a token");
}

fn last_key_set_is_used_while_the_endpoint_is_down(shared: &SharedFixture) {
    let user = shared.new_user();
    let server = KeySetServer::start();
    server.publish(&[es256("one", "own")]);
    let portal = Portal::start_ready(&launch(shared, &server));
    server.set_up(false);
    let unknown = request_portal(&portal, &token(shared, &user, "two", "other"));
    assert!([401, 503].contains(&unknown.status), "{}", unknown.text());
    for _ in 0..5 {
        assert_eq!(request_portal(&portal, &token(shared, &user, "one", "own")).status, 200);
    }
    assert_eq!(portal.get("/readyz").unwrap().status, 200);
}
