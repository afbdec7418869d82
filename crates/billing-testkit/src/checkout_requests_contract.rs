//! Contract of every [`CheckoutRequests`](billing_domain::ports::CheckoutRequests).

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::time::Duration;

use billing_domain::Mode::{Live, Test};
use billing_domain::ports::{CheckoutRequest, RepoError, StoredCheckoutRequest};
use billing_domain::{ProviderAccount, Timestamp};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::samples::{account, checkout_request, customer, provider_key, session_id, user};

/// Runs every case against a new database: `checkout_requests_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! checkout_requests_contract {
    ($make:path) => {
        $crate::contract_tests!(
            checkout_requests_contract,
            $make,
            [
                a_new_request_is_stored,
                a_second_request_with_the_key_returns_the_first,
                a_completed_request_has_its_session,
                a_second_completion_replaces_the_first,
                completing_an_unknown_request_changes_nothing,
                users_accounts_and_keys_are_isolated,
                any_text_is_stored_exactly,
                one_of_many_concurrent_requests_is_stored,
                prune_deletes_older_requests,
                an_unreachable_database_is_unavailable,
            ]
        );
    };
}

fn after(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).plus(Duration::from_secs(seconds))
}

fn stripe() -> ProviderAccount {
    account("stripe", Test)
}

fn request(owner: &str, key: &str) -> CheckoutRequest {
    checkout_request(&user(owner), &stripe(), key)
}

/// Returns the stored form of a new request.
fn new_request(request: &CheckoutRequest) -> StoredCheckoutRequest {
    let (content, provider_key) = (request.content.clone(), request.provider_key.clone());
    StoredCheckoutRequest { content, provider_key, session: None }
}

async fn begin(ports: &BillingPorts, request: &CheckoutRequest) -> StoredCheckoutRequest {
    ports.checkouts.begin(request, after(0)).await.unwrap()
}

async fn complete(ports: &BillingPorts, request: &CheckoutRequest, to: &str, session: &str) {
    ports.checkouts.complete(request, &customer(to), &session_id(session)).await.unwrap();
}

pub async fn a_new_request_is_stored(ports: &BillingPorts) {
    let request = request("ann", "key");
    assert_eq!(begin(ports, &request).await, new_request(&request));
    assert_eq!(begin(ports, &request).await, new_request(&request));
}

pub async fn a_second_request_with_the_key_returns_the_first(ports: &BillingPorts) {
    let first = request("ann", "key");
    begin(ports, &first).await;
    let other = CheckoutRequest {
        content: "agency yearly".to_owned(),
        provider_key: provider_key("other"),
        ..first.clone()
    };
    assert_eq!(begin(ports, &other).await, new_request(&first));
}

pub async fn a_completed_request_has_its_session(ports: &BillingPorts) {
    let request = request("ann", "key");
    begin(ports, &request).await;
    complete(ports, &request, "cus_1", "cs_1").await;
    let made = Some((customer("cus_1"), session_id("cs_1")));
    assert_eq!(
        begin(ports, &request).await,
        StoredCheckoutRequest { session: made, ..new_request(&request) }
    );
}

pub async fn a_second_completion_replaces_the_first(ports: &BillingPorts) {
    let request = request("ann", "key");
    begin(ports, &request).await;
    complete(ports, &request, "cus_1", "cs_1").await;
    complete(ports, &request, "cus_2", "cs_2").await;
    assert_eq!(begin(ports, &request).await.session, Some((customer("cus_2"), session_id("cs_2"))));
}

pub async fn completing_an_unknown_request_changes_nothing(ports: &BillingPorts) {
    let request = request("ann", "key");
    complete(ports, &request, "cus_1", "cs_1").await;
    assert_eq!(begin(ports, &request).await, new_request(&request));
}

pub async fn users_accounts_and_keys_are_isolated(ports: &BillingPorts) {
    let first = request("ann", "key");
    begin(ports, &first).await;
    complete(ports, &first, "cus_1", "cs_1").await;
    let others = [
        request("Ann", "key"),
        request("ann", "Key"),
        CheckoutRequest { account: account("stripe", Live), ..first.clone() },
        CheckoutRequest { account: account("sandbox", Test), ..first.clone() },
    ];
    for other in others {
        let other = CheckoutRequest { content: format!("{other:?}"), ..other };
        assert_eq!(begin(ports, &other).await, new_request(&other));
    }
}

pub async fn any_text_is_stored_exactly(ports: &BillingPorts) {
    let longest = "🦀".repeat(2000);
    for (n, content) in ["빌링", "'; DROP TABLE checkout_requests; --", "", "a\u{202e}b", &longest]
        .iter()
        .enumerate()
    {
        let key = format!("';--{n}");
        let request =
            CheckoutRequest { content: (*content).to_owned(), ..request("김하늘", &key) };
        assert_eq!(begin(ports, &request).await, new_request(&request));
        assert_eq!(begin(ports, &request).await, new_request(&request));
    }
    let full = CheckoutRequest {
        provider_key: provider_key(&"~".repeat(255)),
        ..request("ann", &"!".repeat(255))
    };
    assert_eq!(begin(ports, &full).await, new_request(&full));
}

pub async fn one_of_many_concurrent_requests_is_stored(ports: &BillingPorts) {
    let requests: Vec<_> = (0..32)
        .map(|n| CheckoutRequest {
            content: format!("request {n}"),
            provider_key: provider_key(&format!("provider-{n}")),
            ..request("ann", "key")
        })
        .collect();
    let returned = join_all(requests.iter().map(|request| begin(ports, request))).await;
    let stored = begin(ports, &requests[0]).await;
    assert!(returned.iter().all(|one| *one == stored), "{returned:?}");
    assert!(requests.iter().any(|request| new_request(request) == stored));
}

pub async fn prune_deletes_older_requests(ports: &BillingPorts) {
    for (key, seconds) in [("a", 1), ("b", 2), ("c", 3)] {
        ports.checkouts.begin(&request("ann", key), after(seconds)).await.unwrap();
    }
    complete(ports, &request("ann", "b"), "cus_1", "cs_1").await;
    assert_eq!(ports.checkouts.prune(after(2)).await.unwrap(), 1);
    assert!(begin(ports, &request("ann", "b")).await.session.is_some());
    assert_eq!(ports.checkouts.prune(after(4)).await.unwrap(), 2);
    assert_eq!(begin(ports, &request("ann", "b")).await.session, None);
}

pub async fn an_unreachable_database_is_unavailable(ports: &BillingPorts) {
    ports.database.close().await;
    let request = request("ann", "key");
    let errors = [
        ports.checkouts.begin(&request, after(0)).await.err(),
        ports.checkouts.complete(&request, &customer("cus_1"), &session_id("cs_1")).await.err(),
        ports.checkouts.prune(after(0)).await.err(),
    ];
    assert!(
        errors.iter().all(|error| matches!(error, Some(RepoError::Unavailable(_)))),
        "{errors:?}"
    );
}
