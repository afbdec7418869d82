//! Contract of every [`CustomerClaims`](billing_domain::ports::CustomerClaims).

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::time::Duration;

use billing_domain::Mode::{Live, Test};
use billing_domain::ports::RepoError;
use billing_domain::{CustomerClaim, ProviderAccount, Timestamp};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::samples::{account, customer, provider_key, user};

/// Runs every case against a new database: `customer_claims_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! customer_claims_contract {
    ($make:path) => {
        $crate::contract_tests!(
            customer_claims_contract,
            $make,
            [
                a_user_without_a_claim_has_none,
                a_stored_claim_is_found,
                a_second_claim_returns_the_first,
                a_claim_is_fulfilled_once,
                claim_is_not_fulfilled_with_a_different_key,
                a_missing_claim_is_neither_fulfilled_nor_renewed,
                a_renewed_claim_has_the_new_key_and_time,
                only_an_open_claim_under_the_old_key_is_renewed,
                users_providers_and_modes_are_isolated,
                ids_are_stored_exactly,
                concurrent_claims_all_return_the_same_claim,
                one_of_many_concurrent_fulfilments_succeeds,
                one_of_many_concurrent_renewals_succeeds,
                concurrent_fulfil_and_renew_are_consistent,
                an_unreachable_database_is_unavailable,
            ]
        );
    };
}

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn later() -> Timestamp {
    NOW.plus(Duration::from_millis(1))
}

fn stripe() -> ProviderAccount {
    account("stripe", Test)
}

fn stored(key: &str, fulfilled: Option<&str>) -> CustomerClaim {
    CustomerClaim { key: provider_key(key), customer: fulfilled.map(customer), claimed_at: NOW }
}

async fn claim(ports: &BillingPorts, owner: &str, key: &str) -> CustomerClaim {
    ports.claims.claim(&user(owner), &stripe(), &provider_key(key), NOW).await.unwrap()
}

async fn fulfil(ports: &BillingPorts, owner: &str, key: &str, id: &str) -> Option<CustomerClaim> {
    ports.claims.fulfil(&user(owner), &stripe(), &provider_key(key), &customer(id)).await.unwrap()
}

async fn renew(ports: &BillingPorts, owner: &str, old: &str, new: &str) -> Option<CustomerClaim> {
    let (old, new) = (provider_key(old), provider_key(new));
    ports.claims.replace_key(&user(owner), &stripe(), &old, &new, later()).await.unwrap()
}

async fn found(ports: &BillingPorts, owner: &str) -> Option<CustomerClaim> {
    ports.claims.find(&user(owner), &stripe()).await.unwrap()
}

pub async fn a_user_without_a_claim_has_none(ports: &BillingPorts) {
    assert_eq!(found(ports, "unknown").await, None);
}

pub async fn a_stored_claim_is_found(ports: &BillingPorts) {
    assert_eq!(claim(ports, "ann", "key-1").await, stored("key-1", None));
    assert_eq!(found(ports, "ann").await, Some(stored("key-1", None)));
}

pub async fn a_second_claim_returns_the_first(ports: &BillingPorts) {
    claim(ports, "ann", "key-1").await;
    let again =
        ports.claims.claim(&user("ann"), &stripe(), &provider_key("key-2"), later()).await.unwrap();
    assert_eq!(again, stored("key-1", None));
    fulfil(ports, "ann", "key-1", "cus_1").await;
    assert_eq!(claim(ports, "ann", "key-3").await, stored("key-1", Some("cus_1")));
    assert_eq!(found(ports, "ann").await, Some(stored("key-1", Some("cus_1"))));
}

pub async fn a_claim_is_fulfilled_once(ports: &BillingPorts) {
    claim(ports, "ann", "key-1").await;
    for id in ["cus_1", "cus_1", "cus_2"] {
        assert_eq!(fulfil(ports, "ann", "key-1", id).await, Some(stored("key-1", Some("cus_1"))));
    }
    assert_eq!(found(ports, "ann").await, Some(stored("key-1", Some("cus_1"))));
}

pub async fn claim_is_not_fulfilled_with_a_different_key(ports: &BillingPorts) {
    claim(ports, "ann", "key-1").await;
    assert_eq!(fulfil(ports, "ann", "key-2", "cus_2").await, Some(stored("key-1", None)));
    assert_eq!(found(ports, "ann").await, Some(stored("key-1", None)));
}

pub async fn a_missing_claim_is_neither_fulfilled_nor_renewed(ports: &BillingPorts) {
    assert_eq!(fulfil(ports, "ann", "key-1", "cus_1").await, None);
    assert_eq!(renew(ports, "ann", "key-1", "key-2").await, None);
    assert_eq!(found(ports, "ann").await, None);
}

pub async fn a_renewed_claim_has_the_new_key_and_time(ports: &BillingPorts) {
    claim(ports, "ann", "key-1").await;
    let renewed = CustomerClaim { claimed_at: later(), ..stored("key-2", None) };
    assert_eq!(renew(ports, "ann", "key-1", "key-2").await, Some(renewed.clone()));
    assert_eq!(found(ports, "ann").await, Some(renewed));
    assert_eq!(fulfil(ports, "ann", "key-1", "cus_1").await.unwrap().customer, None);
    assert_eq!(
        fulfil(ports, "ann", "key-2", "cus_2").await.unwrap().customer,
        Some(customer("cus_2"))
    );
}

pub async fn only_an_open_claim_under_the_old_key_is_renewed(ports: &BillingPorts) {
    claim(ports, "ann", "key-1").await;
    assert_eq!(renew(ports, "ann", "key-9", "key-2").await, Some(stored("key-1", None)));
    fulfil(ports, "ann", "key-1", "cus_1").await;
    assert_eq!(renew(ports, "ann", "key-1", "key-2").await, Some(stored("key-1", Some("cus_1"))));
    assert_eq!(found(ports, "ann").await, Some(stored("key-1", Some("cus_1"))));
}

pub async fn users_providers_and_modes_are_isolated(ports: &BillingPorts) {
    claim(ports, "ann", "key-1").await;
    assert_eq!(claim(ports, "Ann", "key-2").await.key, provider_key("key-2"));
    for (place, key) in [(account("stripe", Live), "key-3"), (account("sandbox", Test), "key-4")] {
        assert_eq!(ports.claims.find(&user("ann"), &place).await.unwrap(), None);
        let made = ports.claims.claim(&user("ann"), &place, &provider_key(key), NOW).await.unwrap();
        assert_eq!(made, stored(key, None));
    }
    fulfil(ports, "ann", "key-1", "cus_1").await;
    let live = ports.claims.find(&user("ann"), &account("stripe", Live)).await.unwrap();
    assert_eq!(live, Some(stored("key-3", None)));
}

pub async fn ids_are_stored_exactly(ports: &BillingPorts) {
    let longest = "🦀".repeat(255);
    for owner in ["김하늘", "'; DROP TABLE customer_claims; --", "%", "a ", "a", &longest] {
        let key = "~".repeat(255);
        assert_eq!(claim(ports, owner, &key).await, stored(&key, None));
        let id = "'".repeat(255);
        assert_eq!(fulfil(ports, owner, &key, &id).await, Some(stored(&key, Some(&id))));
    }
}

pub async fn concurrent_claims_all_return_the_same_claim(ports: &BillingPorts) {
    let keys: Vec<String> = (0..32).map(|n| format!("key-{n}")).collect();
    let returned = join_all(keys.iter().map(|key| claim(ports, "ann", key))).await;
    let stored = found(ports, "ann").await.unwrap();
    assert!(returned.iter().all(|claim| *claim == stored), "{returned:?}");
}

pub async fn one_of_many_concurrent_fulfilments_succeeds(ports: &BillingPorts) {
    claim(ports, "ann", "key-1").await;
    let ids: Vec<String> = (0..32).map(|n| format!("cus_{n}")).collect();
    let returned = join_all(ids.iter().map(|id| fulfil(ports, "ann", "key-1", id))).await;
    let stored = found(ports, "ann").await;
    assert!(stored.as_ref().unwrap().customer.is_some());
    assert!(returned.iter().all(|claim| *claim == stored), "{returned:?}");
}

pub async fn one_of_many_concurrent_renewals_succeeds(ports: &BillingPorts) {
    claim(ports, "ann", "old").await;
    let keys: Vec<String> = (0..32).map(|n| format!("key-{n}")).collect();
    let returned = join_all(keys.iter().map(|key| renew(ports, "ann", "old", key))).await;
    let stored = found(ports, "ann").await;
    assert_ne!(stored.as_ref().unwrap().key, provider_key("old"));
    assert!(returned.iter().all(|claim| *claim == stored), "{returned:?}");
}

pub async fn concurrent_fulfil_and_renew_are_consistent(ports: &BillingPorts) {
    for round in 0..10 {
        let owner = format!("ann{round}");
        claim(ports, &owner, "old").await;
        let (fulfilled, renewed) =
            tokio::join!(fulfil(ports, &owner, "old", "cus_1"), renew(ports, &owner, "old", "new"));
        let stored = found(ports, &owner).await;
        assert_eq!(fulfilled, stored);
        match stored.unwrap() {
            CustomerClaim { customer: Some(_), key, .. } => assert_eq!(key, provider_key("old")),
            CustomerClaim { customer: None, key, .. } => assert_eq!(key, provider_key("new")),
        }
        assert!(renewed.is_some());
    }
}

pub async fn an_unreachable_database_is_unavailable(ports: &BillingPorts) {
    ports.database.close().await;
    let ann = user("ann");
    let at = stripe();
    let key = provider_key("key");
    let errors = [
        ports.claims.find(&ann, &at).await.err(),
        ports.claims.claim(&ann, &at, &key, NOW).await.err(),
        ports.claims.fulfil(&ann, &at, &key, &customer("cus_1")).await.err(),
        ports.claims.replace_key(&ann, &at, &key, &key, NOW).await.err(),
    ];
    assert!(
        errors.iter().all(|error| matches!(error, Some(RepoError::Unavailable(_)))),
        "{errors:?}"
    );
}
