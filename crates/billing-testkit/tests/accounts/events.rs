//! Tests of events in any order, duplicated and late, processed by two replicas during further
//! changes.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::ProviderError;
use billing_domain::*;
use proptest::prelude::*;

use crate::history::{Change, History, LONG, change};
use crate::unreliable::UnreliableProvider;
use crate::world::Shop;

/// A step of a test.
#[derive(Clone, Debug)]
enum Step {
    /// A change at the provider.
    Change(Change),
    /// Delivery of a posted event.
    Deliver(usize),
    /// Second delivery of an event.
    DeliverAgain(usize),
    /// Two replicas process events during these changes, whose events arrive immediately or later.
    Work(Vec<(Change, bool)>),
    /// A replica claims events and stalls, so that another one claims them too.
    Stall,
    Wake,
    /// The provider's next call fails.
    Fail(bool),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => change().prop_map(Step::Change),
        6 => any::<usize>().prop_map(Step::Deliver),
        2 => any::<usize>().prop_map(Step::DeliverAgain),
        4 => prop::collection::vec((change(), prop::bool::ANY), 0..4).prop_map(Step::Work),
        1 => Just(Step::Stall),
        1 => Just(Step::Wake),
        1 => prop::bool::ANY.prop_map(Step::Fail),
        2 => (0..90u16).prop_map(Step::Wait),
    ]
}

/// Two replicas and their results.
struct Replicas {
    both: [EventProcessor; 2],
    stalled: Vec<EventBatch>,
    applied: usize,
}

impl Replicas {
    fn new(shop: &Shop, pauses: &[u8]) -> Self {
        let unreliable = Arc::new(UnreliableProvider::new(&shop.provider, pauses));
        let replica = || {
            EventProcessor::new(
                shop.accounts_over(Arc::clone(&unreliable) as _),
                Arc::clone(&shop.keys) as _,
            )
        };
        Self { both: [replica(), replica()], stalled: Vec::new(), applied: 0 }
    }

    async fn work(&mut self, meanwhile: impl Future<Output = ()>) {
        let [one, other] = &self.both;
        let (first, second, ()) = tokio::join!(process_due(one), process_due(other), meanwhile);
        self.applied += first + second;
    }
}

/// Claims and concurrently processes due events eight times. Returns the number of applied events.
async fn process_due(replica: &EventProcessor) -> usize {
    let mut applied = 0;
    for _ in 0..8 {
        let works = replica.claim().await.unwrap().into_iter().map(|work| process(replica, work));
        applied += futures_util::future::join_all(works).await.into_iter().sum::<usize>();
        tokio::task::yield_now().await;
    }
    applied
}

async fn process(replica: &EventProcessor, work: EventBatch) -> usize {
    let events = work.event_count();
    match replica.process(work).await.unwrap() {
        ProcessingOutcome::Applied => events,
        ProcessingOutcome::Ignored
        | ProcessingOutcome::Postponed
        | ProcessingOutcome::Dead
        | ProcessingOutcome::Lost => 0,
    }
}

/// Applies changes while replicas work. Delivers each event immediately or adds it to `posted`.
async fn meanwhile(
    shop: &Shop,
    history: &mut History,
    changes: &[(Change, bool)],
    [delivered, posted]: [&mut Vec<ProviderEvent>; 2],
) {
    for (change, at_once) in changes {
        tokio::task::yield_now().await;
        for event in history.apply(shop, change).await {
            if *at_once {
                shop.deliver(&event).await;
                delivered.push(event);
            } else {
                posted.push(event);
            }
        }
    }
}

fn failure(transient: bool) -> ProviderError {
    let context = "configured".to_owned();
    if transient { ProviderError::Timeout { context } } else { ProviderError::Unusable { context } }
}

async fn final_state_equals_the_provider_s(
    steps: Vec<Step>,
    pauses: Vec<u8>,
    order: Vec<usize>,
    last: Vec<(Change, bool)>,
) {
    let shop = Shop::open();
    let mut history = History::default();
    let mut posted = Vec::new();
    let mut delivered = Vec::new();
    let mut replicas = Replicas::new(&shop, &pauses);
    // At most five failures: an event is dead-lettered after twelve.
    let mut failures = 0;
    for step in &steps {
        match step {
            Step::Change(change) => posted.extend(history.apply(&shop, change).await),
            Step::Deliver(number) => {
                if let Some(at) = number.checked_rem(posted.len()) {
                    let event: ProviderEvent = posted.swap_remove(at);
                    shop.deliver(&event).await;
                    delivered.push(event);
                }
            }
            Step::DeliverAgain(number) => {
                if let Some(at) = number.checked_rem(delivered.len()) {
                    shop.deliver(&delivered[at]).await;
                }
            }
            Step::Work(changes) => {
                replicas
                    .work(meanwhile(&shop, &mut history, changes, [&mut delivered, &mut posted]))
                    .await
            }
            Step::Stall => replicas.stalled.extend(replicas.both[0].claim().await.unwrap()),
            Step::Wake => {
                for work in std::mem::take(&mut replicas.stalled) {
                    replicas.applied += process(&replicas.both[0], work).await;
                }
            }
            Step::Fail(transient) if failures < 5 => {
                failures += 1;
                shop.provider.fail_next(failure(*transient));
            }
            Step::Fail(_) => {}
            Step::Wait(seconds) => shop.advance(Duration::from_secs(u64::from(*seconds))),
        }
    }
    for number in order.iter().cycle() {
        let Some(at) = number.checked_rem(posted.len()) else { break };
        let event = posted.swap_remove(at);
        shop.deliver(&event).await;
        if number % 3 == 0 {
            shop.deliver(&event).await;
        }
        delivered.push(event);
    }
    // The last changes are delivered while older readings are in transit. No later event could
    // repair a wrong write.
    replicas.work(meanwhile(&shop, &mut history, &last, [&mut delivered, &mut posted])).await;
    for event in posted {
        shop.deliver(&event).await;
        delivered.push(event);
    }
    // Each failure may cost each event an attempt.
    for _ in 0..12 {
        shop.advance(LONG);
        replicas.work(async {}).await;
    }
    for work in std::mem::take(&mut replicas.stalled) {
        replicas.applied += process(&replicas.both[0], work).await;
    }
    let kept = shop.inbox().await;
    assert!(kept.iter().all(|event| matches!(event.state, InboxState::Applied(_))), "{kept:#?}");
    assert_eq!((kept.len(), replicas.applied), (delivered.len(), delivered.len()));
    history.check_after_events(&shop).await;
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 250,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn mirror_equals_the_provider_after_events_in_any_order(
        steps in prop::collection::vec(step(), 1..60),
        pauses in prop::collection::vec(prop_oneof![4 => 0..4u8, 1 => 8..16u8], 1..20),
        order in prop::collection::vec(any::<usize>(), 1..20),
        last in prop::collection::vec((change(), prop::bool::weighted(0.9)), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(final_state_equals_the_provider_s(steps, pauses, order, last));
    }
}

#[tokio::test]
async fn a_new_purchase_links_its_customer_even_if_its_event_precedes_the_old_ones_deletion() {
    let shop = Shop::open();
    let (first, _) = shop.subscriber("ann").await;
    let ended = shop.provider.delete_customer(&first);
    let (second, created) =
        shop.provider.add_customer(NamedOwner::User("ann".parse().unwrap()), None);
    let (_, sold) = shop.provider.subscribe(&second, &crate::world::price("price_monthly"));
    shop.deliver_all([vec![created], sold].concat()).await;
    assert_eq!(shop.linked("ann").await.as_ref(), Some(&second));
    shop.deliver_all(ended).await;
    assert_eq!(shop.linked("ann").await.as_ref(), Some(&second));
}
