//! Property tests of billing: invariants of every sequence of changes to a subscription.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::cards;
use crate::clock::Clock;
use crate::model::{
    Customer, Interval, Invoice, InvoiceStatus, Metadata, MissingPaymentMethod, Price,
    ProrationBehavior, Recurring, Subscription,
};
use crate::state::State;
use crate::store::Store;
use crate::transaction::Transaction;

const DAY: i64 = 24 * 60 * 60;
const CUSTOMER: &str = "cus_1";
const PRICES: [(&str, i64, Interval); 4] = [
    ("price_small", 997, Interval::Month),
    ("price_large", 3_001, Interval::Month),
    ("price_free", 0, Interval::Month),
    ("price_year", 9_973, Interval::Year),
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Change { price: usize, quantity: i64, proration: ProrationBehavior, ago: i64 },
    Wait(i64),
    CancelAtPeriodEnd,
    Undo,
}

#[derive(Debug)]
struct MovableClock(AtomicI64);

impl Clock for MovableClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let proration = prop::sample::select(ProrationBehavior::ALL);
    prop_oneof![
        4 => (0..PRICES.len(), 1..5_i64, proration, 0..600_i64)
            .prop_map(|(price, quantity, proration, ago)| Step::Change { price, quantity, proration, ago }),
        3 => (1..50 * DAY).prop_map(Step::Wait),
        1 => Just(Step::CancelAtPeriodEnd),
        1 => Just(Step::Undo),
    ]
}

fn setup() -> io::Result<(Store, Arc<MovableClock>, String)> {
    let clock = Arc::new(MovableClock(AtomicI64::new(1_795_348_260)));
    let store = Store::open(None, clock.clone(), "".into())?;
    let id = store.transact(|transaction| {
        let now = transaction.now();
        for (id, unit_amount, interval) in PRICES {
            transaction.put(Price {
                id: id.to_owned(),
                created: now,
                active: true,
                product: "prod_1".to_owned(),
                currency: "usd".to_owned(),
                unit_amount,
                recurring: Some(Recurring { interval, interval_count: 1 }),
                nickname: None,
                lookup_key: None,
                tax_behavior: "unspecified".to_owned(),
                metadata: Metadata::new(),
            });
        }
        let card = cards::by_name("pm_card_visa").ok_or_else(|| io::Error::other("a card"))?;
        let mut card = card.payment_method(now)?;
        // The card outlives every generated sequence.
        card.card.exp_year = 2_099;
        card.customer = Some(CUSTOMER.to_owned());
        let customer = Customer {
            id: CUSTOMER.to_owned(),
            invoice_prefix: "TEST".to_owned(),
            next_invoice_sequence: 1,
            default_payment_method: Some(card.id.clone()),
            ..Customer::default()
        };
        transaction.put(card);
        transaction.put(customer.clone());
        let price = transaction
            .get::<Price>(PRICES[0].0)
            .cloned()
            .ok_or_else(|| io::Error::other("a price"))?;
        let new = NewSubscription {
            customer,
            items: vec![NewItem { price, quantity: 1, metadata: Metadata::new() }],
            recurring: Recurring { interval: Interval::Month, interval_count: 1 },
            trial_end: None,
            missing_payment_method: MissingPaymentMethod::CreateInvoice,
            default_payment_method: None,
            behavior: PaymentBehavior::ErrorIfIncomplete,
            authenticated: false,
            description: None,
            metadata: Metadata::new(),
        };
        subscribe(transaction, new).map(|made| made.id).map_err(io::Error::other)
    })?;
    Ok((store, clock, id))
}

/// Changes the only item as the pages do: preview, then confirm.
fn change(
    transaction: &mut Transaction<'_>,
    id: &str,
    price: &str,
    quantity: i64,
    proration: ProrationBehavior,
    ago: i64,
) -> io::Result<()> {
    let missing = || io::Error::other("gone");
    let before = transaction.get::<Subscription>(id).cloned().ok_or_else(missing)?;
    let start = before.items.first().map_or(0, |item| item.current_period_start);
    let item = ItemChange {
        id: before.items.first().map(|item| item.id.clone()),
        price: Some(price.to_owned()),
        quantity: Some(quantity),
        ..ItemChange::default()
    };
    let at = (transaction.now() - ago).max(start);
    let change = PlanChange {
        items: vec![item],
        proration,
        at,
        begins: at,
        resets_anchor: false,
        ends_trial: false,
    };
    let planned = plan(transaction, &before, &change).map_err(io::Error::other)?;
    let customer = transaction.get::<Customer>(CUSTOMER).cloned().ok_or_else(missing)?;
    let preview = preview(transaction, &customer, &planned)?;
    let planned = plan(transaction, &before, &change).map_err(io::Error::other)?;
    let at_once = planned.at_once;
    let after = confirm(transaction, planned, PaymentBehavior::ErrorIfIncomplete, false)
        .map_err(io::Error::other)?;
    if at_once {
        let invoice = after
            .latest_invoice
            .as_deref()
            .and_then(|id| transaction.get::<Invoice>(id))
            .ok_or_else(missing)?;
        let shown = |invoice: &Invoice| {
            let lines = invoice
                .lines
                .iter()
                .map(|line| (line.description.clone(), line.amount))
                .collect::<Vec<_>>();
            (lines, invoice.total(), invoice.amount_due(), invoice.starting_balance)
        };
        assert_eq!(shown(invoice), shown(&preview));
    }
    Ok(())
}

fn check(state: &State) {
    let customer = state.live_customer(CUSTOMER).expect("the customer");
    let invoices: Vec<&Invoice> = state.invoices.oldest_first().collect();
    for (index, invoice) in invoices.iter().enumerate() {
        assert_eq!(invoice.number.as_deref(), Some(format!("TEST-{:04}", index + 1).as_str()));
        assert_eq!(invoice.status, InvoiceStatus::Paid);
        assert_eq!(invoice.amount_paid, invoice.amount_due());
        let ending = invoice.ending_balance.expect("final");
        assert_eq!(invoice.starting_balance + invoice.total(), invoice.amount_due() + ending);
        assert!(ending <= 0);
    }
    // The balance is the invoiced and unpaid amount, to the cent.
    let invoiced: i64 = invoices.iter().map(|invoice| invoice.total()).sum();
    let paid: i64 = invoices.iter().map(|invoice| invoice.amount_paid).sum();
    assert_eq!(invoiced - paid, customer.balance);
}

proptest! {
    #[test]
    fn no_sequence_loses_a_cent_and_invoices_match_previews(steps in prop::collection::vec(step(), 1..12)) {
        let (store, clock, id) = setup().expect("a store");
        for step in steps {
            let running = |state: &State| state.subscriptions.get(&id).is_some_and(Subscription::is_running);
            if !store.read(running) {
                break;
            }
            match step {
                Step::Wait(seconds) => {
                    clock.0.fetch_add(seconds, Ordering::SeqCst);
                }
                Step::Change { price, quantity, proration, ago } => store
                    .transact(|transaction| change(transaction, &id, PRICES[price].0, quantity, proration, ago))
                    .expect("changed"),
                Step::CancelAtPeriodEnd | Step::Undo => store
                    .transact(|transaction| {
                        let now = transaction.now();
                        let mut subscription = transaction.get::<Subscription>(&id).cloned().expect("there");
                        match step {
                            Step::Undo => undo_cancellation(&mut subscription),
                            _ => cancel_at_period_end(&mut subscription, Cancelling::default(), now),
                        }
                        transaction.put(subscription);
                        Ok::<_, io::Error>(())
                    })
                    .expect("written"),
            }
            store.read(check);
        }
    }

    #[test]
    fn an_immediate_change_and_its_reversal_cost_nothing(quantity in 1..9_i64, wait in 0..27 * DAY) {
        let (store, clock, id) = setup().expect("a store");
        clock.0.fetch_add(wait, Ordering::SeqCst);
        for (price, quantity) in [(PRICES[1].0, quantity), (PRICES[0].0, 1)] {
            store
                .transact(|transaction| change(transaction, &id, price, quantity, ProrationBehavior::AlwaysInvoice, 0))
                .expect("changed");
        }
        store.read(check);
        let total: i64 = store.read(|state| state.invoices.oldest_first().skip(1).map(Invoice::total).sum());
        prop_assert_eq!(total, 0);
    }
}
