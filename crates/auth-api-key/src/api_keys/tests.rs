//! Tests of the background tasks and the caches.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use billing_domain::ports::{AuthError, KeyChange, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, Permission, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use super::*;
use crate::testing::{
    CountingRepo, Issued, START, Setup, limits, settings, until, with_wrong_secret,
};
use crate::{OsRandom, PoolLimits};

/// Returns a hash of this key's secret with older parameters.
fn old_hash(issued: &Issued) -> SecretString {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
    let tail = issued.text().rsplit_once('_').unwrap().1;
    let argon2 = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(19_456, 3, 1, Some(32)).unwrap(),
    );
    let hash = argon2
        .hash_password_with_salt(&tail.as_bytes()[..tail.len() - 6], b"0123456789abcdef")
        .unwrap();
    SecretString::from(hash.to_string())
}

fn verifier(repo: &CountingRepo, id: &ApiKeyId) -> KeyVerifier {
    repo.keys.stored(id).verifier
}

fn is_down(error: &AuthError) -> bool {
    matches!(error, AuthError::Store(RepoError::Unavailable(_)))
}

#[tokio::test]
async fn c7_a_verified_key_runs_argon2_once_a_minute() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    for _ in 0..60 {
        setup.present(issued.text()).await.unwrap();
        setup.advance(999);
    }
    assert_eq!(setup.pool.runs(), 2, "issuing, and one proof");
    setup.advance(60);
    setup.present(issued.text()).await.unwrap();
    assert_eq!(setup.pool.runs(), 3);
}

#[tokio::test]
async fn c7_a_cached_key_is_read_again_every_two_or_three_seconds() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    for (passed, reads) in [(0, 1), (1_999, 1), (1, 2), (0, 2), (1_999, 2), (1_001, 3)] {
        setup.advance(passed);
        setup.present(issued.text()).await.unwrap();
        assert_eq!(setup.reads(), reads, "after {passed} ms more");
    }
}

#[tokio::test]
async fn c7_a_cached_key_s_expiry_is_checked_at_every_request() {
    let setup = Setup::new();
    let issued =
        setup.issue_with(|key| key.expires_at = Some(Timestamp::from_millis(START + 500))).await;
    setup.present(issued.text()).await.unwrap();
    setup.advance(499);
    setup.present(issued.text()).await.unwrap();
    setup.advance(1);
    assert!(setup.refusal(issued.text()).await.contains("expired"));
    assert_eq!(setup.reads(), 1);
}

#[tokio::test]
async fn c7_a_changed_verifier_invalidates_the_cached_proof() {
    let setup = Setup::new();
    let (own, other) = (setup.issue().await, setup.issue().await);
    setup.present(own.text()).await.unwrap();
    let foreign = verifier(&setup.repo, &other.key.id);
    setup.repo.keys.change(&own.key.id, |row| row.verifier = foreign);
    setup.advance(3_000);
    assert!(setup.refusal(own.text()).await.contains("wrong secret"));
}

#[tokio::test]
async fn c7_a_cached_proof_accepts_no_other_secret_of_the_same_id() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(issued.text()).await.unwrap();
    for _ in 0..10 {
        assert!(setup.refusal(&with_wrong_secret(&issued)).await.contains("wrong secret"));
    }
    assert_eq!(setup.keys.authenticator().proofs.count().await, 1);
}

#[tokio::test]
async fn c7_a_cached_row_expires_after_3_s_when_the_store_is_down() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(issued.text()).await.unwrap();
    setup.repo.reachability.go_down();
    setup.advance(2_000);
    setup.present(issued.text()).await.unwrap();
    setup.advance(999);
    setup.present(issued.text()).await.unwrap();
    setup.advance(1);
    assert!(is_down(&setup.present(issued.text()).await.unwrap_err()));
    setup.repo.reachability.come_back();
    setup.present(issued.text()).await.unwrap();
    assert_eq!(setup.pool.runs(), 2, "the proof stayed cached");
}

#[tokio::test]
async fn a_clock_that_is_set_back_expires_row_and_proof() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(issued.text()).await.unwrap();
    setup.advance(-1);
    setup.present(issued.text()).await.unwrap();
    assert_eq!((setup.reads(), setup.pool.runs()), (2, 3));
}

#[tokio::test]
async fn c7_concurrent_requests_with_one_key_run_argon2_once() {
    let setup = Arc::new(Setup::new());
    let issued = Arc::new(setup.issue().await);
    let mut presenting = JoinSet::new();
    for _ in 0..100 {
        let (setup, issued) = (Arc::clone(&setup), Arc::clone(&issued));
        presenting.spawn(async move { setup.present(issued.text()).await.is_ok() });
    }
    assert_eq!(presenting.join_all().await, [true; 100]);
    assert_eq!(setup.pool.runs(), 2, "issuing, and one proof");
}

#[tokio::test]
async fn c7_revocation_takes_effect_immediately_after_a_notification() {
    let setup = Setup::new();
    for all in [false, true] {
        let (issued, other) = (setup.issue().await, setup.issue().await);
        setup.present(issued.text()).await.unwrap();
        setup.present(other.text()).await.unwrap();
        setup
            .repo
            .keys
            .change(&issued.key.id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
        let (reads, listened) = (setup.reads(), setup.repo.listened.load(Ordering::SeqCst));
        let report = if all { KeyChange::Unknown } else { KeyChange::Key(issued.key.id.clone()) };
        setup.repo.reports.send(Ok(report)).unwrap();
        until("the notification", || setup.repo.listened.load(Ordering::SeqCst) > listened).await;
        assert!(setup.refusal(issued.text()).await.contains("revoked"));
        setup.present(other.text()).await.unwrap();
        assert_eq!(
            setup.reads(),
            reads + if all { 2 } else { 1 },
            "only rows that may have changed are read"
        );
    }
}

#[tokio::test]
async fn c7_after_lost_notifications_every_key_is_read_and_the_listener_reconnects() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(issued.text()).await.unwrap();
    setup.repo.keys.change(&issued.key.id, |row| row.key.permissions.clear());
    setup.repo.reports.send(Err(())).unwrap();
    until("another attempt to listen", || setup.repo.listened.load(Ordering::SeqCst) > 1).await;
    assert!(!setup.present(issued.text()).await.unwrap().has_permission(&Permission::portal()));
}

#[tokio::test]
async fn s4_a_pepper_rotation_by_reloads_refuses_no_key_and_runs_no_argon2() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(issued.text()).await.unwrap();
    setup.keys.reload(&settings("qp"));
    setup.present(issued.text()).await.unwrap();
    until("a renewed proof", || setup.repo.replaced.load(Ordering::SeqCst) == 1).await;
    setup.keys.reload(&settings("q"));
    let renewed = verifier(&setup.repo, &issued.key.id);
    assert_eq!(renewed.pepper.as_ref(), settings("q").gate().pepper_ids().next());
    assert_eq!(setup.pool.runs(), 2, "the hash was kept");
    setup.advance(3_000);
    setup.present(issued.text()).await.unwrap();
    assert_eq!(setup.pool.runs(), 3, "removing a pepper invalidates the cached proofs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_no_request_fails_while_settings_are_reloaded() {
    let setup = Arc::new(Setup::new());
    let issued = setup.issue().await;
    let (stop, mut stopped) = watch::channel(false);
    let presenting = tokio::spawn({
        let setup = Arc::clone(&setup);
        let text = issued.text;
        async move {
            let mut accepted = 0_u64;
            while !*stopped.borrow_and_update() {
                setup.present(text.expose_secret()).await.unwrap();
                accepted += 1;
                tokio::task::yield_now().await;
            }
            accepted
        }
    });
    for peppers in ["p", "pq", "qp"] {
        setup.keys.reload(&settings(peppers));
        let reads = setup.reads();
        setup.advance(3_000);
        until("requests under these settings", || setup.reads() > reads).await;
    }
    until("a renewed proof", || setup.repo.replaced.load(Ordering::SeqCst) > 0).await;
    setup.advance(3_000);
    setup.keys.reload(&settings("q"));
    let runs = setup.pool.runs();
    until("a proof under the new pepper", || setup.pool.runs() > runs).await;
    stop.send_replace(true);
    assert!(presenting.await.unwrap() > 0);
}

#[tokio::test]
async fn c7_a_renewed_pepper_does_not_extend_a_proof() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(issued.text()).await.unwrap();
    setup.keys.reload(&settings("qp"));
    setup.advance(59_000);
    setup.present(issued.text()).await.unwrap();
    until("a renewed proof", || setup.repo.replaced.load(Ordering::SeqCst) == 1).await;
    setup.advance(999);
    setup.present(issued.text()).await.unwrap();
    assert_eq!(setup.pool.runs(), 2, "issuing, and one proof");
    setup.advance(1);
    setup.present(issued.text()).await.unwrap();
    assert_eq!(setup.pool.runs(), 3);
}

#[tokio::test]
async fn c7_a_cached_key_under_a_removed_pepper_is_refused() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(issued.text()).await.unwrap();
    setup.keys.reload(&settings("q"));
    assert!(setup.refusal(issued.text()).await.contains("a pepper that is not configured"));
}

#[tokio::test]
async fn c7_a_hash_with_old_parameters_is_renewed_at_its_next_use_and_cached() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.repo.keys.change(&issued.key.id, |row| row.verifier.hash = old_hash(&issued));
    setup.present(issued.text()).await.unwrap();
    until("a renewed proof", || setup.repo.replaced.load(Ordering::SeqCst) == 1).await;
    let renewed = verifier(&setup.repo, &issued.key.id);
    assert!(renewed.hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let runs = setup.pool.runs();
    assert_eq!(runs, 3, "issuing, one proof, one new hash");
    setup.advance(3_000);
    setup.present(issued.text()).await.unwrap();
    assert_eq!((setup.pool.runs(), setup.repo.replaced.load(Ordering::SeqCst)), (runs, 1));
}

#[tokio::test]
async fn c7_a_key_without_a_pepper_id_gets_one() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
    setup.present(issued.text()).await.unwrap();
    until("a renewed proof", || setup.repo.replaced.load(Ordering::SeqCst) == 1).await;
    assert!(verifier(&setup.repo, &issued.key.id).pepper.is_some());
}

/// Waits for the renewal of another key. Renewals run in the order of requests, so all earlier ones
/// are then complete.
async fn renew_another(setup: &Setup) {
    let another = setup.issue().await;
    setup.repo.keys.change(&another.key.id, |row| row.verifier.pepper = None);
    setup.present(another.text()).await.unwrap();
    until("another key's renewed proof", || {
        verifier(&setup.repo, &another.key.id).pepper.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_wrong_secret_renews_nothing() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
    setup.refusal(&with_wrong_secret(&issued)).await;
    renew_another(&setup).await;
    assert!(verifier(&setup.repo, &issued.key.id).pepper.is_none());
}

#[tokio::test]
async fn a_key_is_renewed_at_most_once_a_minute() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    for (passed, renewed) in [(0, true), (3_000, false), (56_999, false), (1, true)] {
        setup.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
        setup.advance(passed);
        setup.present(issued.text()).await.unwrap();
        renew_another(&setup).await;
        assert_eq!(
            verifier(&setup.repo, &issued.key.id).pepper.is_some(),
            renewed,
            "after {passed} ms more"
        );
    }
}

#[tokio::test]
async fn a_verifier_stored_by_another_replica_is_kept_and_read() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
    setup.refusal(&with_wrong_secret(&issued)).await;
    let others = old_hash(&issued);
    setup.repo.keys.change(&issued.key.id, |row| row.verifier.hash = others.clone());
    setup.present(issued.text()).await.unwrap();
    renew_another(&setup).await;
    assert_eq!(verifier(&setup.repo, &issued.key.id).hash.expose_secret(), others.expose_secret());
    let reads = setup.reads();
    setup.present(issued.text()).await.unwrap();
    assert_eq!(setup.reads(), reads + 1);
}

#[tokio::test]
async fn c7_a_key_revoked_while_it_waits_for_argon2_is_refused() {
    let limits =
        PoolLimits { threads: NonZeroUsize::MIN, timeout: Duration::from_secs(60), ..limits() };
    let setup = Arc::new(Setup::with(&settings("p"), Arc::default(), Arc::new(OsRandom), limits));
    let issued = setup.issue().await;
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let busy = tokio::spawn({
        let pool = Arc::clone(&setup.pool);
        async move { pool.run(move |_| wait.recv().is_err()).await }
    });
    let (id, text) = (issued.key.id, issued.text);
    let waiting = tokio::spawn({
        let setup = Arc::clone(&setup);
        async move { setup.refusal(text.expose_secret()).await }
    });
    until("the key's row read", || setup.reads() == 1).await;
    setup.repo.keys.change(&id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
    setup.advance(3_000);
    drop(release);
    assert_eq!(busy.await.unwrap(), Ok(true));
    assert!(waiting.await.unwrap().contains("revoked"));
}

#[tokio::test]
async fn c7_argon2_runs_for_a_waiting_caller_when_the_first_one_is_cancelled() {
    let limits = PoolLimits { threads: NonZeroUsize::MIN, ..limits() };
    let setup = Arc::new(Setup::with(&settings("p"), Arc::default(), Arc::new(OsRandom), limits));
    let issued = Arc::new(setup.issue().await);
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let pool = Arc::clone(&setup.pool);
    let busy = tokio::spawn(async move { pool.run(move |_| wait.recv().is_err()).await });
    let present = || {
        let (setup, issued) = (Arc::clone(&setup), Arc::clone(&issued));
        tokio::spawn(async move { setup.present(issued.text()).await.is_ok() })
    };
    // The test has one thread: after 100 yields every task has run as far as it can.
    let settle = async || {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    let first = present();
    settle().await;
    let waiting = [present(), present()];
    settle().await;
    first.abort();
    settle().await;
    drop(release);
    assert_eq!(busy.await.unwrap(), Ok(true));
    for caller in waiting {
        assert!(caller.await.unwrap());
    }
    assert_eq!(setup.pool.runs(), 3, "issuing, the busy thread, and one proof");
}

#[tokio::test]
async fn dropped_keys_leave_no_task_behind() {
    let setup = Setup::new();
    setup.present(setup.issue().await.text()).await.unwrap();
    let repo = Arc::downgrade(&setup.repo);
    drop(setup);
    until("the store released", || repo.strong_count() == 0).await;
}
