//! Tests of reconciliation after lost events.

use std::collections::BTreeSet;

use billing_domain::ports::BillingMirror;
use billing_domain::*;
use billing_testkit::samples::{add_link, link, remove_link, user};
use proptest::prelude::*;

use crate::history::{Change, History, LONG, USERS, change};
use crate::world::{Shop, at, price};

/// Returns all stored state.
async fn stored_state(
    shop: &Shop,
) -> (Vec<MirroredCustomer>, Vec<Option<CustomerId>>, Vec<InboxEvent>, usize) {
    let mut links = Vec::new();
    for name in USERS {
        links.push(shop.linked(name).await);
    }
    let mirrored = shop.stores.mirror().list(&at(), None, u32::MAX).await.unwrap();
    (mirrored, links, shop.inbox().await, shop.stores.audit().events().len())
}

async fn a_run_repairs_lost_events(changes: Vec<(Change, u8)>) {
    let shop = Shop::open();
    let mut history = History::default();
    for (change, dice) in &changes {
        for event in history.apply(&shop, change).await {
            // Some events are lost.
            if dice % 2 == 0 {
                shop.deliver(&event).await;
            }
        }
        if dice % 5 == 0 {
            shop.work().await;
        }
    }
    shop.advance(LONG);
    shop.work().await;

    let before = stored_state(&shop).await;
    let dry = shop.reconciler().run(RunMode::DryRun).await.unwrap();
    assert_eq!(stored_state(&shop).await, before);
    let run = shop.reconciler().run(RunMode::Apply).await.unwrap();
    history.check_after_reconciling(&shop).await;
    let previewed: BTreeSet<_> = dry.differed.iter().collect();
    assert!(run.differed.iter().all(|customer| previewed.contains(customer)), "{dry:#?} {run:#?}");

    for mode in [RunMode::Apply, RunMode::DryRun] {
        let again = shop.reconciler().run(mode).await.unwrap();
        let found = (again.differed, again.linked, again.unlinked, again.failed);
        assert_eq!(found, (vec![], vec![], vec![], vec![]));
    }
    history.check_after_reconciling(&shop).await;
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_run_repairs_any_lost_events(
        changes in prop::collection::vec((change(), any::<u8>()), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(a_run_repairs_lost_events(changes));
    }
}

#[tokio::test]
async fn a_linked_customer_without_owner_metadata_is_read_once() {
    let shop = Shop::open();
    let (customer, _) = shop.provider.add_customer(NamedOwner::None, None);
    shop.provider.subscribe(&customer, &price("price_monthly"));
    shop.provider.add_paid_session(&customer, NamedOwner::User(user("ann")));
    let run = shop.reconciler().run(RunMode::Apply).await.unwrap();
    assert_eq!(run.linked, [(user("ann"), customer.clone())]);
    let read_at = shop.mirrored(&customer).await.unwrap().version;
    let run = shop.reconciler().run(RunMode::Apply).await.unwrap();
    assert_eq!((run.compared, run.differed), (1, vec![]));
    assert_eq!(shop.mirrored(&customer).await.unwrap().version, read_at);
    remove_link(&*shop.stores.customers(), &user("ann"), &at()).await.unwrap();
    let run = shop.reconciler().run(RunMode::Apply).await.unwrap();
    assert_eq!(run.linked, [(user("ann"), customer)]);
}

#[tokio::test]
async fn a_dry_run_reports_the_changes_of_a_run_and_makes_none() {
    let shop = Shop::open();
    let (first, _) = shop.subscriber("ann").await;
    let (second, _) = shop.provider.add_customer(NamedOwner::User(user("ann")), None);
    shop.provider.subscribe(&second, &price("price_monthly"));
    let (unclear, _) = shop.provider.add_customer(NamedOwner::Ambiguous, None);
    let (new, _) = shop.provider.add_customer(NamedOwner::User(user("bob")), None);
    shop.provider.subscribe(&new, &price("price_monthly"));
    let dry = shop.reconciler().run(RunMode::DryRun).await.unwrap();
    assert_eq!(dry, shop.reconciler().run(RunMode::Apply).await.unwrap());
    assert_eq!(dry.linked, [(user("bob"), new)]);
    assert_eq!(dry.conflicts, [(second, first)]);
    assert_eq!(dry.ambiguous, std::slice::from_ref(&unclear));
    let again = shop.reconciler().run(RunMode::DryRun).await.unwrap();
    assert_eq!((again.differed, again.ambiguous), (vec![], vec![unclear]));
}

#[tokio::test]
async fn a_link_to_a_deleted_customer_is_removed() {
    let shop = Shop::open();
    let (customer, _) = shop.subscriber("ann").await;
    shop.deliver_all(shop.provider.delete_customer(&customer)).await;
    let stale = link(&user("bob"), &at(), &customer);
    assert!(add_link(&*shop.stores.customers(), &stale).await.unwrap());
    let dry = shop.reconciler().run(RunMode::DryRun).await.unwrap();
    let run = shop.reconciler().run(RunMode::Apply).await.unwrap();
    assert_eq!(dry, run);
    assert_eq!(run.unlinked, [(user("bob"), customer)]);
    assert_eq!(shop.linked("bob").await, None);
}
