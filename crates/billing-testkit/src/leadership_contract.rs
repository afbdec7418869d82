//! Contract of every [`Leadership`](billing_domain::ports::Leadership).

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::time::Duration;

use billing_domain::Timestamp;
use billing_domain::ports::RepoError;
use futures_util::future::join_all;

use crate::BillingPorts;

/// Runs every case against a new database: `leadership_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! leadership_contract {
    ($make:path) => {
        $crate::contract_tests!(
            leadership_contract,
            $make,
            [
                a_free_duty_is_acquired,
                another_holder_acquires_the_duty_after_the_lease_expires,
                the_holder_may_extend_or_shorten_its_lease,
                duties_are_independent,
                one_of_many_concurrent_holders_acquires_the_duty,
                one_of_many_concurrent_holders_acquires_an_expired_duty,
                duties_and_holders_may_be_any_text,
                an_unreachable_database_is_unavailable,
            ]
        );
    };
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).plus(Duration::from_secs(seconds))
}

async fn take(ports: &BillingPorts, holder: &str, now: u64, until: u64) -> bool {
    ports.leadership.acquire("reconcile", holder, at(now), at(until)).await.unwrap()
}

pub async fn a_free_duty_is_acquired(ports: &BillingPorts) {
    assert!(take(ports, "one", 0, 10).await);
}

pub async fn another_holder_acquires_the_duty_after_the_lease_expires(ports: &BillingPorts) {
    assert!(take(ports, "one", 0, 10).await);
    assert!(!take(ports, "two", 0, 10).await);
    assert!(!take(ports, "two", 9, 19).await);
    assert!(take(ports, "two", 10, 20).await);
    assert!(!take(ports, "one", 11, 21).await);
    assert!(take(ports, "one", 20, 30).await);
}

pub async fn the_holder_may_extend_or_shorten_its_lease(ports: &BillingPorts) {
    assert!(take(ports, "one", 0, 10).await);
    assert!(take(ports, "one", 5, 15).await);
    assert!(!take(ports, "two", 10, 20).await);
    assert!(take(ports, "one", 10, 12).await);
    assert!(take(ports, "two", 12, 20).await);
}

pub async fn duties_are_independent(ports: &BillingPorts) {
    assert!(take(ports, "one", 0, 10).await);
    assert!(ports.leadership.acquire("prune", "two", at(0), at(10)).await.unwrap());
    assert!(!ports.leadership.acquire("prune", "one", at(1), at(10)).await.unwrap());
    assert!(ports.leadership.acquire("Prune", "one", at(1), at(10)).await.unwrap());
}

async fn takers(ports: &BillingPorts, now: u64, until: u64) -> Vec<String> {
    let holders: Vec<String> = (0..32).map(|n| format!("holder-{now}-{n}")).collect();
    let taken = join_all(holders.iter().map(|holder| take(ports, holder, now, until))).await;
    holders.into_iter().zip(taken).filter_map(|(holder, taken)| taken.then_some(holder)).collect()
}

pub async fn one_of_many_concurrent_holders_acquires_the_duty(ports: &BillingPorts) {
    let winners = takers(ports, 0, 10).await;
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert!(take(ports, &winners[0], 1, 11).await);
}

pub async fn one_of_many_concurrent_holders_acquires_an_expired_duty(ports: &BillingPorts) {
    for round in 0..5 {
        assert_eq!(takers(ports, round * 10, round * 10 + 10).await.len(), 1);
    }
}

pub async fn duties_and_holders_may_be_any_text(ports: &BillingPorts) {
    for text in ["빌링", "'; DROP TABLE leaderships; --", "NULL", "%", &"🦀".repeat(255)] {
        assert!(ports.leadership.acquire(text, text, at(0), at(10)).await.unwrap());
        assert!(!ports.leadership.acquire(text, "another", at(0), at(10)).await.unwrap());
    }
}

pub async fn an_unreachable_database_is_unavailable(ports: &BillingPorts) {
    ports.database.close().await;
    let taken = ports.leadership.acquire("reconcile", "one", at(0), at(10)).await;
    assert!(matches!(taken, Err(RepoError::Unavailable(_))), "{taken:?}");
}
