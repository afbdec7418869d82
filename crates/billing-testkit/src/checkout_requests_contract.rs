//! What every [`CheckoutRequests`](billing_domain::ports::CheckoutRequests) promises.

#![expect(missing_docs, reason = "the cases' names are the promises")]

use std::time::Duration;

use billing_domain::Mode::{Live, Test};
use billing_domain::ports::{CheckoutRequest, RepoError, StoredCheckoutRequest};
use billing_domain::{ProviderAccount, Timestamp};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::samples::{account, checkout_request, customer, provider_key, session_id, user};

/// Runs every case against fresh databases: `checkout_requests_contract!(make)`, where `make` is an async function that gives
/// a pair of an `Arc<BillingPorts>` and what must outlive it.
#[macro_export]
macro_rules! checkout_requests_contract {
    ($make:path) => {
        $crate::contract_tests!(
            checkout_requests_contract,
            $make,
            [
                a_new_request_is_remembered,
                the_request_that_stands_is_given,
                what_was_made_is_remembered,
                what_is_made_anew_takes_the_place_of_the_old,
                completing_what_nobody_began_changes_nothing,
                users_places_and_keys_never_meet,
                text_of_all_kinds_comes_back,
                of_many_requests_at_once_one_is_remembered,
                pruning_forgets_what_is_older,
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

/// What begins with this request.
fn fresh(request: &CheckoutRequest) -> StoredCheckoutRequest {
    let (content, provider_key) = (request.content.clone(), request.provider_key.clone());
    StoredCheckoutRequest { content, provider_key, session: None }
}

async fn begin(ports: &BillingPorts, request: &CheckoutRequest) -> StoredCheckoutRequest {
    ports.checkouts.begin(request, after(0)).await.unwrap()
}

async fn complete(ports: &BillingPorts, request: &CheckoutRequest, to: &str, session: &str) {
    ports.checkouts.complete(request, &customer(to), &session_id(session)).await.unwrap();
}

pub async fn a_new_request_is_remembered(ports: &BillingPorts) {
    let request = request("ann", "key");
    assert_eq!(begin(ports, &request).await, fresh(&request));
    assert_eq!(begin(ports, &request).await, fresh(&request));
}

pub async fn the_request_that_stands_is_given(ports: &BillingPorts) {
    let first = request("ann", "key");
    begin(ports, &first).await;
    let other = CheckoutRequest {
        content: "agency yearly".to_owned(),
        provider_key: provider_key("other"),
        ..first.clone()
    };
    assert_eq!(begin(ports, &other).await, fresh(&first));
}

pub async fn what_was_made_is_remembered(ports: &BillingPorts) {
    let request = request("ann", "key");
    begin(ports, &request).await;
    complete(ports, &request, "cus_1", "cs_1").await;
    let made = Some((customer("cus_1"), session_id("cs_1")));
    assert_eq!(
        begin(ports, &request).await,
        StoredCheckoutRequest { session: made, ..fresh(&request) }
    );
}

pub async fn what_is_made_anew_takes_the_place_of_the_old(ports: &BillingPorts) {
    let request = request("ann", "key");
    begin(ports, &request).await;
    complete(ports, &request, "cus_1", "cs_1").await;
    complete(ports, &request, "cus_2", "cs_2").await;
    assert_eq!(begin(ports, &request).await.session, Some((customer("cus_2"), session_id("cs_2"))));
}

pub async fn completing_what_nobody_began_changes_nothing(ports: &BillingPorts) {
    let request = request("ann", "key");
    complete(ports, &request, "cus_1", "cs_1").await;
    assert_eq!(begin(ports, &request).await, fresh(&request));
}

pub async fn users_places_and_keys_never_meet(ports: &BillingPorts) {
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
        assert_eq!(begin(ports, &other).await, fresh(&other));
    }
}

pub async fn text_of_all_kinds_comes_back(ports: &BillingPorts) {
    let longest = "🦀".repeat(2000);
    for (n, content) in ["빌링", "'; DROP TABLE checkout_requests; --", "", "a\u{202e}b", &longest]
        .iter()
        .enumerate()
    {
        let key = format!("';--{n}");
        let request =
            CheckoutRequest { content: (*content).to_owned(), ..request("김하늘", &key) };
        assert_eq!(begin(ports, &request).await, fresh(&request));
        assert_eq!(begin(ports, &request).await, fresh(&request));
    }
    let full = CheckoutRequest {
        provider_key: provider_key(&"~".repeat(255)),
        ..request("ann", &"!".repeat(255))
    };
    assert_eq!(begin(ports, &full).await, fresh(&full));
}

pub async fn of_many_requests_at_once_one_is_remembered(ports: &BillingPorts) {
    let requests: Vec<_> = (0..32)
        .map(|n| CheckoutRequest {
            content: format!("request {n}"),
            provider_key: provider_key(&format!("provider-{n}")),
            ..request("ann", "key")
        })
        .collect();
    let given = join_all(requests.iter().map(|request| begin(ports, request))).await;
    let stands = begin(ports, &requests[0]).await;
    assert!(given.iter().all(|remembered| *remembered == stands), "{given:?}");
    assert!(requests.iter().any(|request| fresh(request) == stands));
}

pub async fn pruning_forgets_what_is_older(ports: &BillingPorts) {
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
