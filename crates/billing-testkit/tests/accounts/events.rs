//! Events in any order, doubled and late, worked off by two replicas while the history goes on.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::ProviderError;
use billing_domain::*;
use proptest::prelude::*;

use crate::history::{Change, History, LONG, change};
use crate::unsteady::Unsteady;
use crate::world::Shop;

/// Something that happens here or there.
#[derive(Clone, Debug)]
enum Step {
    /// At the provider.
    Change(Change),
    /// One of the events that were posted and not delivered comes in; or once more one that was.
    Deliver(usize),
    DeliverAgain(usize),
    /// Two replicas take and work, while this happens at the provider, and is told at once or
    /// later.
    Work(Vec<(Change, bool)>),
    /// A replica takes, and then is slow: others have the events by the time it works.
    Stall,
    Wake,
    /// The provider's next answer is a failure.
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

/// Two replicas, and what they have done.
struct Replicas {
    both: [EventProcessor; 2],
    stalled: Vec<EventBatch>,
    applied: usize,
}

impl Replicas {
    fn new(shop: &Shop, pauses: &[u8]) -> Self {
        let unsteady = Arc::new(Unsteady::new(&shop.provider, pauses));
        let replica = || {
            EventProcessor::new(
                shop.accounts_over(Arc::clone(&unsteady) as _),
                Arc::clone(&shop.keys) as _,
            )
        };
        Self { both: [replica(), replica()], stalled: Vec::new(), applied: 0 }
    }

    async fn work(&mut self, meanwhile: impl Future<Output = ()>) {
        let [one, other] = &self.both;
        let (first, second, ()) = tokio::join!(work_off(one), work_off(other), meanwhile);
        self.applied += first + second;
    }
}

/// Takes what is due a few times, and works it off at once; gives how many events were applied.
async fn work_off(replica: &EventProcessor) -> usize {
    let mut applied = 0;
    for _ in 0..8 {
        let works = replica.claim().await.unwrap().into_iter().map(|work| apply(replica, work));
        applied += futures_util::future::join_all(works).await.into_iter().sum::<usize>();
        tokio::task::yield_now().await;
    }
    applied
}

async fn apply(replica: &EventProcessor, work: EventBatch) -> usize {
    let events = work.event_count();
    match replica.process(work).await.unwrap() {
        ProcessingOutcome::Applied => events,
        ProcessingOutcome::Ignored
        | ProcessingOutcome::Postponed
        | ProcessingOutcome::Dead
        | ProcessingOutcome::Lost => 0,
    }
}

/// Goes on while others work, and tells of it at once or notes what is to be told later.
async fn meanwhile(
    shop: &Shop,
    history: &mut History,
    changes: &[(Change, bool)],
    [delivered, posted]: [&mut Vec<ProviderEvent>; 2],
) {
    for (change, at_once) in changes {
        tokio::task::yield_now().await;
        for event in history.go_on(shop, change).await {
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
    let context = "told to".to_owned();
    if transient { ProviderError::Timeout { context } } else { ProviderError::Unusable { context } }
}

async fn the_end_is_what_the_provider_says(
    steps: Vec<Step>,
    pauses: Vec<u8>,
    order: Vec<usize>,
    last: Vec<(Change, bool)>,
) {
    let shop = Shop::open();
    let (mut history, mut posted, mut delivered) = (History::default(), Vec::new(), Vec::new());
    let mut replicas = Replicas::new(&shop, &pauses);
    // An event that fails twelve times is a dead letter: another story.
    let mut failures = 0;
    for step in &steps {
        match step {
            Step::Change(change) => posted.extend(history.go_on(&shop, change).await),
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
                    replicas.applied += apply(&replicas.both[0], work).await;
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
    // What happens last is told while older readings are on their way: no event comes after it to
    // make good what they break.
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
        replicas.applied += apply(&replicas.both[0], work).await;
    }
    let kept = shop.inbox().await;
    assert!(kept.iter().all(|event| matches!(event.state, InboxState::Applied(_))), "{kept:#?}");
    assert_eq!((kept.len(), replicas.applied), (delivered.len(), delivered.len()));
    history.check_after_events(&shop).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_order_events_come_in_the_end_is_what_the_provider_says(
        steps in prop::collection::vec(step(), 1..60),
        pauses in prop::collection::vec(prop_oneof![4 => 0..4u8, 1 => 8..16u8], 1..20),
        order in prop::collection::vec(any::<usize>(), 1..20),
        last in prop::collection::vec((change(), prop::bool::weighted(0.9)), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(the_end_is_what_the_provider_says(steps, pauses, order, last));
    }
}

#[tokio::test]
async fn a_purchase_that_is_told_before_the_earlier_customers_end_makes_the_account() {
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
