//! Tests of reloads while tokens are presented.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth_jwt::ReloadError;

use crate::issuer::{Answer, Issuer};
use crate::jwks::{following, loaded, present, token};
use crate::published_key::PublishedKey;
use crate::support::{GOOD_CLAIMS, ISSUED, SECRET, answer, authenticator, hs256, judge, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_rotated_without_a_failed_request() {
    let new = "n".repeat(32);
    let authenticator = Arc::new(authenticator(&[("JWT_HS256_SECRET", SECRET)]));
    let ended = Arc::new(AtomicBool::new(false));
    let by_old = hs256(r#"{"alg":"HS256"}"#, GOOD_CLAIMS);
    let presenting = {
        let authenticator = Arc::clone(&authenticator);
        let ended = Arc::clone(&ended);
        let token = by_old.clone();
        tokio::task::spawn_blocking(move || {
            let mut judged = 0;
            while judged == 0 || !ended.load(Ordering::SeqCst) {
                assert_eq!(answer(&judge(&authenticator, &token)), "200");
                judged += 1;
            }
        })
    };
    for _ in 0..100 {
        authenticator
            .reload(settings(&[("JWT_HS256_SECRET", &format!("{new},{SECRET}"))]))
            .await
            .unwrap();
        authenticator
            .reload(settings(&[("JWT_HS256_SECRET", &format!("{SECRET},{new}"))]))
            .await
            .unwrap();
    }
    ended.store(true, Ordering::SeqCst);
    presenting.await.unwrap();
    authenticator.reload(settings(&[("JWT_HS256_SECRET", &new)])).await.unwrap();
    assert_eq!(answer(&judge(&authenticator, &by_old)), "401 invalid_token");
}

#[tokio::test]
async fn a_reload_replaces_all_settings() {
    let authenticator = authenticator(&[("JWT_HS256_SECRET", SECRET)]);
    let token = hs256(r#"{"alg":"HS256"}"#, GOOD_CLAIMS);
    let with = |more| settings(&[("JWT_HS256_SECRET", SECRET), more]);
    authenticator.reload(with(ISSUED[0])).await.unwrap();
    assert_eq!(answer(&judge(&authenticator, &token)), "401 invalid_token");
    authenticator.reload(with(("JWT_REQUIRED_CLAIMS", "role=owner"))).await.unwrap();
    assert_eq!(answer(&judge(&authenticator, &token)), "403 insufficient_permission");
    let public_key = ("JWT_PUBLIC_KEY", include_str!("../data/keys/p256.public.pem"));
    authenticator.reload(settings(&[public_key, ISSUED[0], ISSUED[1]])).await.unwrap();
    assert_eq!(answer(&judge(&authenticator, &token)), "401 invalid_token");
}

#[tokio::test]
async fn a_new_key_set_is_loaded_before_it_is_used() {
    let (a, b) = (PublishedKey::new("a"), PublishedKey::new("b"));
    let (first, second) = (Issuer::of(&[&a]).await, Issuer::of(&[&b]).await);
    let (authenticator, _) = loaded(&first).await;
    authenticator.reload(following(&second.url())).await.unwrap();
    assert_eq!(answer(&judge(&authenticator, &token(&b))), "200", "one poll is enough");
    assert_eq!(answer(&present(&authenticator, &token(&a)).await), "401 invalid_token");
    authenticator.reload(settings(&[("JWT_HS256_SECRET", SECRET)])).await.unwrap();
    assert_eq!(answer(&judge(&authenticator, &token(&b))), "401 invalid_token");
    assert!(authenticator.keys_loaded());
}

#[tokio::test]
async fn an_unchanged_key_set_is_not_fetched_again() {
    let a = PublishedKey::new("a");
    let issuer = Issuer::of(&[&a]).await;
    let (authenticator, _) = loaded(&issuer).await;
    issuer.answer(Answer::nothing());
    authenticator.reload(following(&issuer.url())).await.unwrap();
    assert_eq!(answer(&judge(&authenticator, &token(&a))), "200");
    assert_eq!(issuer.requests().len(), 1);
}

#[tokio::test]
async fn a_reload_fails_and_keeps_the_settings_when_the_key_set_does_not_load() {
    let issuer = Issuer::start(Answer::nothing()).await;
    let authenticator = authenticator(&[("JWT_HS256_SECRET", SECRET)]);
    let refused = authenticator.reload(following(&issuer.url())).await;
    assert!(matches!(refused, Err(ReloadError::NotLoaded(_))), "{refused:?}");
    assert_eq!(answer(&judge(&authenticator, &hs256(r#"{"alg":"HS256"}"#, GOOD_CLAIMS))), "200");
}
