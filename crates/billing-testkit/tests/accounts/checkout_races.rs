//! Tests of concurrent checkouts of one user on two replicas, with late and lost responses.

use std::collections::BTreeSet;
use std::sync::Arc;

use billing_domain::*;
use futures_util::future::join_all;
use proptest::prelude::*;

use crate::unreliable::UnreliableProvider;
use crate::world::{Shop, order, principal};

fn used(shop: &Shop) -> BTreeSet<CustomerId> {
    shop.stores.audit().events().into_iter().filter_map(|event| Some(event.customer?.1)).collect()
}

async fn concurrent_checkouts_create_one_customer(
    concurrency: usize,
    pauses: Vec<u8>,
    lost: Vec<bool>,
    keyed: bool,
) {
    let shop = Shop::open();
    let unreliable = Arc::new(UnreliableProvider::new(&shop.provider, &pauses).losing(&lost));
    let replica = || {
        shop.checkout_over(
            shop.accounts_over(Arc::clone(&unreliable) as _),
            Arc::clone(&unreliable) as _,
        )
    };
    let replicas = [replica(), replica()];
    let mut sessions = BTreeSet::new();
    // Callers retry more often than responses are lost.
    for _ in 0..=lost.len() {
        let ann = principal("ann");
        let started = (0..concurrency)
            .map(|number| replicas[number % 2].start(&ann, order(keyed.then_some("k"))));
        for started in join_all(started).await {
            match started {
                Ok(started) => drop(sessions.insert(started.session.id.as_str().to_owned())),
                Err(error) => assert!(matches!(error, CheckoutError::Provider(_)), "{error}"),
            }
        }
    }
    assert_eq!((shop.provider.customer_count(), used(&shop).len()), (1, 1));
    assert!(!sessions.is_empty() && (!keyed || sessions.len() == 1), "{sessions:?}");
    assert_eq!(shop.claimed("ann").await.unwrap().customer, used(&shop).pop_first());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_number_of_concurrent_checkouts_creates_one_customer(
        concurrency in 1..12usize,
        pauses in prop::collection::vec(0..5u8, 1..12),
        lost in prop::collection::vec(prop::bool::ANY, 0..6),
        keyed in prop::bool::ANY,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(concurrent_checkouts_create_one_customer(concurrency, pauses, lost, keyed));
    }
}

#[tokio::test]
async fn concurrent_checkouts_after_a_payment_are_all_refused() {
    let shop = Shop::open();
    let session = shop.checkout().start(&principal("ann"), order(None)).await.unwrap().session;
    shop.provider.pay(&session.id);
    let unreliable = Arc::new(UnreliableProvider::new(&shop.provider, &[1, 0, 2]));
    let accounts = shop.accounts_over(Arc::clone(&unreliable) as _);
    let checkout = shop.checkout_over(accounts, unreliable);
    let calls = shop.provider.calls();
    let ann = principal("ann");
    let results = join_all((0..20).map(|_| checkout.start(&ann, order(None)))).await;
    assert!(
        results.iter().all(|result| matches!(result, Err(CheckoutError::AlreadySubscribed))),
        "{results:?}"
    );
    assert!(shop.provider.calls() - calls <= 40, "{} calls", shop.provider.calls() - calls);
}
