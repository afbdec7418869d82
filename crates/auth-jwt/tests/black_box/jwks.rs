//! Tests of published key sets, with a real web server, a manual clock, and complete tokens.

use std::sync::Arc;
use std::time::Duration;

use auth_jwt::{JwtAuthenticator, JwtSettings};
use billing_domain::ports::{AuthError, Authenticator};
use billing_domain::{Credential, Principal};
use billing_testkit::FixedClock;
use jsonwebtoken::{Algorithm, EncodingKey};

use crate::issuer::{Answer, Issuer};
use crate::published_key::{PublishedKey, set_of};
use crate::support::{
    ISSUED, NOW, answer, judge, settings, signature, start, unsigned, with_signature,
};

macro_rules! private {
    ($name:literal) => {
        include_bytes!(concat!("../data/keys/", $name, ".private.pem"))
    };
}

const CASES: &str = include_str!("../data/jwks.txt");

/// Claims that are valid for days, so that tests can advance the clock.
const CLAIMS: &str =
    r#"{"sub":"user_1","exp":1800900000,"iss":"https://issuer.test","aud":"billing"}"#;

/// Returns settings with the key set at `url`.
pub(crate) fn following(url: &str) -> JwtSettings {
    settings(&[
        ("JWT_JWKS_URL", url),
        ISSUED[0],
        ISSUED[1],
        ("JWT_MAX_LIFETIME_SECONDS", "1000000"),
    ])
}

fn start_following(url: &str) -> (JwtAuthenticator, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    (start(following(url), Arc::clone(&clock)), clock)
}

pub(crate) async fn loaded(issuer: &Issuer) -> (JwtAuthenticator, Arc<FixedClock>) {
    let (authenticator, clock) = start_following(&issuer.url());
    until("the keys are loaded", || authenticator.keys_loaded()).await;
    (authenticator, clock)
}

/// Polls until a condition is true.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let polling = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), polling)
        .await
        .unwrap_or_else(|_| panic!("timed out waiting until {what}"));
}

/// Returns a valid token signed with this key.
pub(crate) fn token(key: &PublishedKey) -> String {
    signed(key, &format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, key.id))
}

fn signed(key: &PublishedKey, header: &str) -> String {
    let message = unsigned(header, CLAIMS);
    with_signature(&message, &key.sign(&message))
}

/// Returns a token signed with an unpublished key.
fn forged(n: usize) -> String {
    token(&PublishedKey::new(&format!("forged {n}")))
}

pub(crate) async fn present(
    authenticator: &JwtAuthenticator,
    token: &str,
) -> Result<Principal, AuthError> {
    authenticator.authenticate(&Credential::new(token)).await
}

#[tokio::test]
async fn tokens_are_not_ready_until_the_keys_are_loaded() {
    let a = PublishedKey::new("a");
    let issuer = Issuer::start(Answer::nothing()).await;
    let (authenticator, clock) = start_following(&issuer.url());
    until("a first fetch is attempted", || !issuer.requests().is_empty()).await;
    assert!(!authenticator.keys_loaded());
    let refused = judge(&authenticator, &token(&a));
    assert!(matches!(refused, Err(AuthError::NotReady { .. })), "{refused:?}");
    issuer.publish(&[&a]);
    // The backoff starts when a fetch fails, possibly after the clock was advanced here.
    until("the keys are loaded", || {
        clock.advance(Duration::from_secs(1));
        authenticator.keys_loaded()
    })
    .await;
    clock.set(NOW);
    assert_eq!(answer(&judge(&authenticator, &token(&a))), "200");
}

#[tokio::test]
async fn each_type_of_key_verifies_only_its_algorithm() {
    let jwk = |name: &str| {
        CASES.lines().find_map(|line| line.strip_prefix(&format!("{name} | "))?.split_once(" | "))
    };
    let [rsa, p256, ed25519] = ["RSA", "P-256", "Ed25519"].map(|name| jwk(name).unwrap().1);
    let with_id = |id: &str, key: &str| key.replacen('{', &format!(r#"{{"kid":"{id}","#), 1);
    let set = [with_id("rsa", rsa), with_id("p256", p256), with_id("ed25519", ed25519)].join(",");
    let issuer = Issuer::start(Answer::json(&format!(r#"{{"keys":[{set}]}}"#))).await;
    let (authenticator, _) = loaded(&issuer).await;
    let keys = [
        ("rsa", Algorithm::RS256, EncodingKey::from_rsa_pem(private!("rsa2048")).unwrap()),
        ("p256", Algorithm::ES256, EncodingKey::from_ec_pem(private!("p256")).unwrap()),
        ("ed25519", Algorithm::EdDSA, EncodingKey::from_ed_pem(private!("ed25519")).unwrap()),
    ];
    for (signer, algorithm, key) in &keys {
        for id in ["rsa", "p256", "ed25519"] {
            for named in ["RS256", "ES256", "EdDSA", "HS256", "PS256", "RS512", "none"] {
                let header = |kid: &str| format!(r#"{{"alg":"{named}"{kid}}}"#);
                let sign =
                    |message: &str| with_signature(message, &signature(message, *algorithm, key));
                let token = sign(&unsigned(&header(&format!(r#","kid":"{id}""#)), CLAIMS));
                let good = named == format!("{algorithm:?}");
                let expected = if good && id == *signer { "200" } else { "401 invalid_token" };
                assert_eq!(
                    answer(&judge(&authenticator, &token)),
                    expected,
                    "{signer} as {id}, {named}"
                );
                let token = sign(&unsigned(&header(""), CLAIMS));
                let expected = if good { "200" } else { "401 invalid_token" };
                assert_eq!(
                    answer(&judge(&authenticator, &token)),
                    expected,
                    "{signer} without an id, {named}"
                );
            }
        }
    }
    assert_eq!(issuer.requests().len(), 1, "none of them names an unknown key");
}

#[tokio::test]
async fn tokens_that_no_published_key_can_verify_start_no_fetch() {
    let a = PublishedKey::new("a");
    let issuer = Issuer::of(&[&a]).await;
    let (authenticator, _) = loaded(&issuer).await;
    let message = unsigned(r#"{"alg":"HS256","kid":"new"}"#, CLAIMS);
    for secret in [set_of(&[&a]), a.jwk(), String::new()] {
        let mac =
            signature(&message, Algorithm::HS256, &EncodingKey::from_secret(secret.as_bytes()));
        assert_eq!(
            answer(&judge(&authenticator, &with_signature(&message, &mac))),
            "401 invalid_token"
        );
    }
    for header in [
        r#"{"alg":"none","kid":"new"}"#,
        r#"{"alg":"ES512","kid":"new"}"#,
        r#"{"alg":"EdDSA","kid":7}"#,
        r#"{"alg":"EdDSA","kid":["new"]}"#,
        r#"{"alg":"EdDSA","kid":null}"#,
        r#"{"alg":"EdDSA","kid":"new","crit":["kid"]}"#,
        r#"{"kid":"new"}"#,
    ] {
        assert_eq!(
            answer(&judge(&authenticator, &signed(&a, header))),
            "401 invalid_token",
            "{header}"
        );
    }
    assert_eq!(issuer.requests().len(), 1);
}

#[tokio::test]
async fn a_url_in_a_token_is_never_fetched() {
    let (a, theirs) = (PublishedKey::new("a"), PublishedKey::new("theirs"));
    let (issuer, elsewhere) = (Issuer::of(&[&a]).await, Issuer::of(&[&theirs]).await);
    let (authenticator, clock) = loaded(&issuer).await;
    let url = elsewhere.url();
    for id in ["a", "theirs", url.as_str(), "../keys", "a' OR '1'='1"] {
        for more in [
            format!(r#""jku":"{url}""#),
            format!(r#""x5u":"{url}""#),
            format!(r#""jwk":{}"#, theirs.jwk()),
        ] {
            let header = format!(r#"{{"alg":"EdDSA","kid":"{id}",{more}}}"#);
            clock.advance(Duration::from_secs(31));
            assert_eq!(
                answer(&present(&authenticator, &signed(&theirs, &header)).await),
                "401 invalid_token"
            );
        }
    }
    assert!(elsewhere.requests().is_empty());
    assert!(
        issuer.requests().iter().all(|head| head.starts_with("GET /keys?tenant=1 HTTP/1.1\r\n"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forged_ids_starts_one_fetch_and_delays_no_valid_token() {
    let a = PublishedKey::new("a");
    let issuer = Issuer::of(&[&a]).await;
    let (authenticator, _) = loaded(&issuer).await;
    let authenticator = Arc::new(authenticator);
    let good = token(&a);
    let mut flood = tokio::task::JoinSet::new();
    for n in 0..500 {
        let authenticator = Arc::clone(&authenticator);
        let forged = forged(n);
        flood.spawn(async move { present(&authenticator, &forged).await });
    }
    for _ in 0..500 {
        assert_eq!(answer(&judge(&authenticator, &good)), "200", "one poll is enough");
        tokio::task::yield_now().await;
    }
    while let Some(judged) = flood.join_next().await {
        assert_eq!(answer(&judged.unwrap()), "401 invalid_token");
    }
    assert_eq!(issuer.requests().len(), 2);
}

#[tokio::test]
async fn a_known_key_does_not_wait_while_the_issuer_hangs() {
    let a = PublishedKey::new("a");
    let issuer = Issuer::of(&[&a]).await;
    let (authenticator, _) = loaded(&issuer).await;
    issuer.answer(Answer::Stuck(Vec::new()));
    let forged = forged(0);
    let mut waiting = Box::pin(present(&authenticator, &forged));
    let hangs = until("the issuer hangs", || issuer.requests().len() == 2);
    tokio::select! {
        judged = &mut waiting => panic!("{judged:?}"),
        () = hangs => {}
    }
    assert_eq!(answer(&judge(&authenticator, &token(&a))), "200");
    let refused = waiting.await;
    assert!(matches!(refused, Err(AuthError::NotReady { .. })), "the wait is bounded: {refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_while_forged_ids_arrive_refuses_no_valid_token() {
    let mut keys = [PublishedKey::new("0"), PublishedKey::new("1")];
    let issuer = Issuer::of(&[&keys[0]]).await;
    let (authenticator, clock) = loaded(&issuer).await;
    let authenticator = Arc::new(authenticator);
    let mut flood = tokio::task::JoinSet::new();
    for n in 0..8 {
        let authenticator = Arc::clone(&authenticator);
        flood.spawn(async move {
            for m in 0.. {
                let judged = present(&authenticator, &forged(n * 1_000_000 + m)).await;
                assert_eq!(answer(&judged), "401 invalid_token");
                tokio::task::yield_now().await;
            }
        });
    }
    for rotation in 2..12 {
        issuer.publish(&[&keys[0], &keys[1]]);
        clock.advance(Duration::from_secs(300));
        for key in &keys {
            let judged = present(&authenticator, &token(key)).await;
            assert_eq!(answer(&judged), "200", "{}: {judged:?}", key.id);
        }
        keys.rotate_left(1);
        keys[1] = PublishedKey::new(&rotation.to_string());
    }
    flood.abort_all();
    while let Some(ended) = flood.join_next().await {
        assert!(ended.is_err_and(|error| error.is_cancelled()));
    }
}

#[tokio::test]
async fn the_last_valid_keys_are_used_for_24_hours_after_any_failure_of_the_issuer() {
    let (a, b) = (PublishedKey::new("a"), PublishedKey::new("b"));
    let issuer = Issuer::of(&[&a]).await;
    let (authenticator, clock) = loaded(&issuer).await;
    for failure in [
        Answer::nothing(),
        Answer::head("500 Internal Server Error\r\nContent-Length: 0"),
        Answer::head("302 Found\r\nLocation: /keys\r\nContent-Length: 0"),
        Answer::json("<!doctype html>"),
        Answer::json(&format!("{}{}", set_of(&[&b]), " ".repeat(256 * 1024))),
        Answer::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 64 * 1024]),
        Answer::json(r#"{"keys":[]}"#),
        Answer::json(&format!("{0}{0}", set_of(&[&b]))),
    ] {
        issuer.answer(failure.clone());
        clock.advance(Duration::from_secs(31));
        let refused = present(&authenticator, &token(&b)).await;
        assert!(matches!(refused, Err(AuthError::NotReady { .. })), "{failure:?}: {refused:?}");
        assert_eq!(answer(&judge(&authenticator, &token(&a))), "200", "{failure:?}");
    }
    clock.set(NOW.plus(Duration::from_secs(24 * 60 * 60 - 1)));
    assert_eq!(answer(&judge(&authenticator, &token(&a))), "200");
    clock.set(NOW.plus(Duration::from_secs(24 * 60 * 60)));
    let refused = judge(&authenticator, &token(&a));
    assert!(matches!(refused, Err(AuthError::NotReady { .. })), "{refused:?}");
    assert!(!authenticator.keys_loaded());
    issuer.publish(&[&b]);
    until("the issuer is back", || {
        clock.advance(Duration::from_millis(100));
        authenticator.keys_loaded()
    })
    .await;
    clock.set(NOW.plus(Duration::from_secs(24 * 60 * 60)));
    assert_eq!(answer(&judge(&authenticator, &token(&b))), "200");
    assert_eq!(answer(&present(&authenticator, &token(&a)).await), "401 invalid_token");
}
