//! What goes on behind the requests, and what is remembered between them.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use billing_domain::ports::{AuthError, KeyChange, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, Permission, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use super::*;
use crate::testing::{
    CountingRepo, Desk, Issued, START, limits, settings, until, with_wrong_secret,
};
use crate::{OsRandom, PoolLimits};

/// A hash of this key's secret, made with parameters of another day.
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
async fn c7_a_proven_key_runs_argon2_no_more_for_a_minute() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    for _ in 0..60 {
        desk.present(issued.text()).await.unwrap();
        desk.pass(999);
    }
    assert_eq!(desk.pool.runs(), 2, "issuing, and one proof");
    desk.pass(60);
    desk.present(issued.text()).await.unwrap();
    assert_eq!(desk.pool.runs(), 3);
}

#[tokio::test]
async fn c7_a_cached_key_is_read_again_every_two_or_three_seconds() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    for (passed, reads) in [(0, 1), (1_999, 1), (1, 2), (0, 2), (1_999, 2), (1_001, 3)] {
        desk.pass(passed);
        desk.present(issued.text()).await.unwrap();
        assert_eq!(desk.reads(), reads, "after {passed} ms more");
    }
}

#[tokio::test]
async fn c7_the_expiry_of_a_cached_key_is_judged_at_every_request() {
    let desk = Desk::new();
    let issued =
        desk.issue_with(|key| key.expires_at = Some(Timestamp::from_millis(START + 500))).await;
    desk.present(issued.text()).await.unwrap();
    desk.pass(499);
    desk.present(issued.text()).await.unwrap();
    desk.pass(1);
    assert!(desk.refusal(issued.text()).await.contains("expired"));
    assert_eq!(desk.reads(), 1);
}

#[tokio::test]
async fn c7_what_proves_a_key_has_changed_and_its_proof_counts_no_more() {
    let desk = Desk::new();
    let (own, other) = (desk.issue().await, desk.issue().await);
    desk.present(own.text()).await.unwrap();
    let foreign = verifier(&desk.repo, &other.key.id);
    desk.repo.keys.change(&own.key.id, |row| row.verifier = foreign);
    desk.pass(3_000);
    assert!(desk.refusal(own.text()).await.contains("wrong secret"));
}

#[tokio::test]
async fn c7_a_proven_key_makes_no_other_secret_of_its_id_hold() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(issued.text()).await.unwrap();
    for _ in 0..10 {
        assert!(desk.refusal(&with_wrong_secret(&issued)).await.contains("wrong secret"));
    }
    assert_eq!(desk.keys.authenticator().proofs.count().await, 1);
}

#[tokio::test]
async fn c7_a_store_that_is_down_is_no_reason_to_trust_a_row_for_longer() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(issued.text()).await.unwrap();
    desk.repo.reachability.go_down();
    desk.pass(2_000);
    desk.present(issued.text()).await.unwrap();
    desk.pass(999);
    desk.present(issued.text()).await.unwrap();
    desk.pass(1);
    assert!(is_down(&desk.present(issued.text()).await.unwrap_err()));
    desk.repo.reachability.come_back();
    desk.present(issued.text()).await.unwrap();
    assert_eq!(desk.pool.runs(), 2, "the proof held all the time");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_everything_be_looked_at_again() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(issued.text()).await.unwrap();
    desk.pass(-1);
    desk.present(issued.text()).await.unwrap();
    assert_eq!((desk.reads(), desk.pool.runs()), (2, 3));
}

#[tokio::test]
async fn c7_a_key_presented_by_many_at_once_runs_argon2_once() {
    let desk = Arc::new(Desk::new());
    let issued = Arc::new(desk.issue().await);
    let mut presenting = JoinSet::new();
    for _ in 0..100 {
        let (desk, issued) = (Arc::clone(&desk), Arc::clone(&issued));
        presenting.spawn(async move { desk.present(issued.text()).await.is_ok() });
    }
    assert_eq!(presenting.join_all().await, [true; 100]);
    assert_eq!(desk.pool.runs(), 2, "issuing, and one proof");
}

#[tokio::test]
async fn c7_a_reported_revocation_is_seen_at_once() {
    let desk = Desk::new();
    for all in [false, true] {
        let (issued, other) = (desk.issue().await, desk.issue().await);
        desk.present(issued.text()).await.unwrap();
        desk.present(other.text()).await.unwrap();
        desk.repo
            .keys
            .change(&issued.key.id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
        let (reads, listened) = (desk.reads(), desk.repo.listened.load(Ordering::SeqCst));
        let report = if all { KeyChange::Unknown } else { KeyChange::Key(issued.key.id.clone()) };
        desk.repo.reports.send(Ok(report)).unwrap();
        until("a report taken", || desk.repo.listened.load(Ordering::SeqCst) > listened).await;
        assert!(desk.refusal(issued.text()).await.contains("revoked"));
        desk.present(other.text()).await.unwrap();
        assert_eq!(
            desk.reads(),
            reads + if all { 2 } else { 1 },
            "only what may have changed is read"
        );
    }
}

#[tokio::test]
async fn c7_lost_reports_make_every_key_be_read_again_and_listening_goes_on() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(issued.text()).await.unwrap();
    desk.repo.keys.change(&issued.key.id, |row| row.key.permissions.clear());
    desk.repo.reports.send(Err(())).unwrap();
    until("another attempt to listen", || desk.repo.listened.load(Ordering::SeqCst) > 1).await;
    assert!(!desk.present(issued.text()).await.unwrap().has_permission(&Permission::portal()));
}

#[tokio::test]
async fn s4_the_pepper_is_rotated_by_reloads_without_a_refusal_and_without_argon2() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(issued.text()).await.unwrap();
    desk.keys.reload(&settings("qp"));
    desk.present(issued.text()).await.unwrap();
    until("a renewed proof", || desk.repo.replaced.load(Ordering::SeqCst) == 1).await;
    desk.keys.reload(&settings("q"));
    let renewed = verifier(&desk.repo, &issued.key.id);
    assert_eq!(renewed.pepper.as_ref(), settings("q").gate().pepper_ids().next());
    assert_eq!(desk.pool.runs(), 2, "the hash was kept");
    desk.pass(3_000);
    desk.present(issued.text()).await.unwrap();
    assert_eq!(desk.pool.runs(), 3, "where a pepper goes, what was proven under it is proven anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_no_request_fails_while_settings_are_reloaded() {
    let desk = Arc::new(Desk::new());
    let issued = desk.issue().await;
    let (stop, mut stopped) = watch::channel(false);
    let presenting = tokio::spawn({
        let (desk, text) = (Arc::clone(&desk), issued.text);
        async move {
            let mut accepted = 0_u64;
            while !*stopped.borrow_and_update() {
                desk.present(text.expose_secret()).await.unwrap();
                accepted += 1;
                tokio::task::yield_now().await;
            }
            accepted
        }
    });
    for peppers in ["p", "pq", "qp"] {
        desk.keys.reload(&settings(peppers));
        let reads = desk.reads();
        desk.pass(3_000);
        until("requests under these settings", || desk.reads() > reads).await;
    }
    until("a renewed proof", || desk.repo.replaced.load(Ordering::SeqCst) > 0).await;
    desk.pass(3_000);
    desk.keys.reload(&settings("q"));
    let runs = desk.pool.runs();
    until("a proof under the new pepper", || desk.pool.runs() > runs).await;
    stop.send_replace(true);
    assert!(presenting.await.unwrap() > 0);
}

#[tokio::test]
async fn c7_a_renewed_pepper_makes_no_proof_hold_for_longer() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(issued.text()).await.unwrap();
    desk.keys.reload(&settings("qp"));
    desk.pass(59_000);
    desk.present(issued.text()).await.unwrap();
    until("a renewed proof", || desk.repo.replaced.load(Ordering::SeqCst) == 1).await;
    desk.pass(999);
    desk.present(issued.text()).await.unwrap();
    assert_eq!(desk.pool.runs(), 2, "issuing, and one proof");
    desk.pass(1);
    desk.present(issued.text()).await.unwrap();
    assert_eq!(desk.pool.runs(), 3);
}

#[tokio::test]
async fn c7_a_key_under_a_pepper_that_is_gone_holds_no_more_though_it_was_cached() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(issued.text()).await.unwrap();
    desk.keys.reload(&settings("q"));
    assert!(desk.refusal(issued.text()).await.contains("a pepper that is not configured"));
}

#[tokio::test]
async fn c7_a_hash_of_other_parameters_is_renewed_at_its_next_use_and_proven_by_that() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.repo.keys.change(&issued.key.id, |row| row.verifier.hash = old_hash(&issued));
    desk.present(issued.text()).await.unwrap();
    until("a renewed proof", || desk.repo.replaced.load(Ordering::SeqCst) == 1).await;
    let renewed = verifier(&desk.repo, &issued.key.id);
    assert!(renewed.hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let runs = desk.pool.runs();
    assert_eq!(runs, 3, "issuing, a proof, a new hash");
    desk.pass(3_000);
    desk.present(issued.text()).await.unwrap();
    assert_eq!((desk.pool.runs(), desk.repo.replaced.load(Ordering::SeqCst)), (runs, 1));
}

#[tokio::test]
async fn c7_a_key_of_a_release_that_named_no_pepper_gets_one() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
    desk.present(issued.text()).await.unwrap();
    until("a renewed proof", || desk.repo.replaced.load(Ordering::SeqCst) == 1).await;
    assert!(verifier(&desk.repo, &issued.key.id).pepper.is_some());
}

/// Renewals happen in the order of requests: once a key's is seen, all before it are over.
async fn renew_another(desk: &Desk) {
    let another = desk.issue().await;
    desk.repo.keys.change(&another.key.id, |row| row.verifier.pepper = None);
    desk.present(another.text()).await.unwrap();
    until("another key's renewed proof", || verifier(&desk.repo, &another.key.id).pepper.is_some())
        .await;
}

#[tokio::test]
async fn a_wrong_secret_renews_nothing() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
    desk.refusal(&with_wrong_secret(&issued)).await;
    renew_another(&desk).await;
    assert!(verifier(&desk.repo, &issued.key.id).pepper.is_none());
}

#[tokio::test]
async fn a_key_is_renewed_at_most_once_a_minute() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    for (passed, renewed) in [(0, true), (3_000, false), (56_999, false), (1, true)] {
        desk.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
        desk.pass(passed);
        desk.present(issued.text()).await.unwrap();
        renew_another(&desk).await;
        assert_eq!(
            verifier(&desk.repo, &issued.key.id).pepper.is_some(),
            renewed,
            "after {passed} ms more"
        );
    }
}

#[tokio::test]
async fn what_another_replica_stored_meanwhile_is_left_alone_and_read() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.repo.keys.change(&issued.key.id, |row| row.verifier.pepper = None);
    desk.refusal(&with_wrong_secret(&issued)).await;
    let others = old_hash(&issued);
    desk.repo.keys.change(&issued.key.id, |row| row.verifier.hash = others.clone());
    desk.present(issued.text()).await.unwrap();
    renew_another(&desk).await;
    assert_eq!(verifier(&desk.repo, &issued.key.id).hash.expose_secret(), others.expose_secret());
    let reads = desk.reads();
    desk.present(issued.text()).await.unwrap();
    assert_eq!(desk.reads(), reads + 1);
}

#[tokio::test]
async fn c7_a_key_revoked_while_it_waits_for_argon2_does_not_hold() {
    let limits =
        PoolLimits { threads: NonZeroUsize::MIN, patience: Duration::from_secs(60), ..limits() };
    let desk = Arc::new(Desk::with(&settings("p"), Arc::default(), Arc::new(OsRandom), limits));
    let issued = desk.issue().await;
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let busy = tokio::spawn({
        let pool = Arc::clone(&desk.pool);
        async move { pool.run(move |_| wait.recv().is_err()).await }
    });
    let (id, text) = (issued.key.id, issued.text);
    let waiting = tokio::spawn({
        let desk = Arc::clone(&desk);
        async move { desk.refusal(text.expose_secret()).await }
    });
    until("the key's row read", || desk.reads() == 1).await;
    desk.repo.keys.change(&id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
    desk.pass(3_000);
    drop(release);
    assert_eq!(busy.await.unwrap(), Ok(true));
    assert!(waiting.await.unwrap().contains("revoked"));
}

#[tokio::test]
async fn c7_argon2_runs_for_a_waiting_caller_when_the_first_one_is_cancelled() {
    let limits = PoolLimits { threads: NonZeroUsize::MIN, ..limits() };
    let desk = Arc::new(Desk::with(&settings("p"), Arc::default(), Arc::new(OsRandom), limits));
    let issued = Arc::new(desk.issue().await);
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let pool = Arc::clone(&desk.pool);
    let busy = tokio::spawn(async move { pool.run(move |_| wait.recv().is_err()).await });
    let present = || {
        let (desk, issued) = (Arc::clone(&desk), Arc::clone(&issued));
        tokio::spawn(async move { desk.present(issued.text()).await.is_ok() })
    };
    // On the test's one thread, every task has run as far as it can after this many turns.
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
    assert_eq!(desk.pool.runs(), 3, "issuing, the busy thread, and one proof");
}

#[tokio::test]
async fn dropped_keys_leave_no_task_behind() {
    let desk = Desk::new();
    desk.present(desk.issue().await.text()).await.unwrap();
    let repo = Arc::downgrade(&desk.repo);
    drop(desk);
    until("the store let go", || repo.strong_count() == 0).await;
}
