//! The demo customer of a new sandbox.

mod catalog;

use std::io;

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;

use self::catalog::{PRICE, PRODUCT, PRODUCT_NAME, UNIT_AMOUNT};
use crate::billing::period_end;
use crate::model::{
    BillingDetails, BillingReason, Cancellation, Card, CardBehaviour, Customer, HostedToken,
    Interval, Invoice, InvoiceLine, InvoiceStatus, Metadata, MissingPaymentMethod, PaymentMethod,
    Recurring, Subscription, SubscriptionItem, SubscriptionStatus, Timestamp,
};
use crate::store::Store;

// The demo's ids are the same in every sandbox. A service that stored a link to the customer
// still finds it after the sandbox lost its state.
const CUSTOMER: &str = "cus_SandboxDemo001";
const CARD: &str = "pm_1SandboxDemoVisa4242000001";
const SUBSCRIPTION: &str = "sub_1SandboxDemoSubscription1";
const ITEM: &str = "si_SandboxDemo0001";
const INVOICES: [(&str, &str); 2] = [
    ("in_1SandboxDemoInvoice0000001", "il_1SandboxDemoLine000000001"),
    ("in_1SandboxDemoInvoice0000002", "il_1SandboxDemoLine000000002"),
];

const MONTHLY: Recurring = Recurring { interval: Interval::Month, interval_count: 1 };
const CURRENCY: &str = "usd";

/// Age of the demo subscription at seeding: after its first renewal and before the second.
const AGE_DAYS: i64 = 40;

/// The ids of the demo's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// The customer, `cus_…`.
    pub customer: String,
    /// The customer's name.
    pub customer_name: String,
    /// The customer's e-mail address.
    pub customer_email: String,
    /// The customer's active subscription, `sub_…`.
    pub subscription: String,
    /// The subscribed product, `prod_…`.
    pub product: String,
    /// Its monthly price, `price_…`.
    pub price: String,
    /// The saved card, `pm_…`.
    pub payment_method: String,
}

/// Creates the demo customer and the missing products and prices.
pub(crate) fn seed(store: &Store) -> io::Result<Demo> {
    store.transact(|transaction| {
        let signed_up = transaction.now() - AGE_DAYS * 24 * 60 * 60;
        catalog::seed(transaction, signed_up);
        let existing = transaction.state().live_customer(CUSTOMER);
        let (name, email) = match existing {
            Some(customer) => (customer.name.clone(), customer.email.clone()),
            None => {
                let customer = customer(transaction.now());
                let names = (customer.name.clone(), customer.email.clone());
                let renewed = period_end(signed_up, MONTHLY)?;
                let renews = period_end(renewed, MONTHLY)?;
                transaction.put(Customer { created: signed_up, ..customer });
                transaction.put(card(signed_up));
                transaction.put(subscription(signed_up, renewed, renews));
                transaction.put(invoice(0, BillingReason::SubscriptionCreate, signed_up, renewed)?);
                transaction.put(invoice(1, BillingReason::SubscriptionCycle, renewed, renews)?);
                names
            }
        };
        Ok(Demo {
            customer: CUSTOMER.to_owned(),
            customer_name: name.unwrap_or_default(),
            customer_email: email.unwrap_or_default(),
            subscription: SUBSCRIPTION.to_owned(),
            product: PRODUCT.to_owned(),
            price: PRICE.to_owned(),
            payment_method: CARD.to_owned(),
        })
    })
}

fn customer(created: Timestamp) -> Customer {
    Customer {
        id: CUSTOMER.to_owned(),
        created,
        name: Some("Demo User".to_owned()),
        email: Some("demo@example.com".to_owned()),
        currency: Some(CURRENCY.to_owned()),
        invoice_prefix: "DEMO0001".to_owned(),
        next_invoice_sequence: 3,
        default_payment_method: Some(CARD.to_owned()),
        ..Customer::default()
    }
}

fn card(created: Timestamp) -> PaymentMethod {
    let year = Instant::from_second(created)
        .map_or(2030, |instant| instant.to_zoned(TimeZone::UTC).year());
    PaymentMethod {
        id: CARD.to_owned(),
        created,
        customer: Some(CUSTOMER.to_owned()),
        card: Card {
            brand: "visa".to_owned(),
            last4: "4242".to_owned(),
            exp_month: 12,
            exp_year: year.saturating_add(4),
            country: "US".to_owned(),
            funding: "credit".to_owned(),
            fingerprint: "SandboxVisa4242x".to_owned(),
        },
        behaviour: CardBehaviour::Succeeds,
        detached: false,
        set_up: true,
        billing_details: BillingDetails {
            name: Some("Demo User".to_owned()),
            email: Some("demo@example.com".to_owned()),
            ..BillingDetails::default()
        },
        metadata: Metadata::new(),
    }
}

fn subscription(signed_up: Timestamp, renewed: Timestamp, renews: Timestamp) -> Subscription {
    Subscription {
        id: SUBSCRIPTION.to_owned(),
        created: signed_up,
        customer: CUSTOMER.to_owned(),
        status: SubscriptionStatus::Active,
        currency: CURRENCY.to_owned(),
        start_date: signed_up,
        billing_cycle_anchor: signed_up,
        items: vec![SubscriptionItem {
            id: ITEM.to_owned(),
            created: signed_up,
            price: PRICE.to_owned(),
            quantity: 1,
            current_period_start: renewed,
            current_period_end: renews,
            metadata: Metadata::new(),
        }],
        cancellation: Cancellation::default(),
        default_payment_method: None,
        latest_invoice: Some(INVOICES[1].0.to_owned()),
        pending: Vec::new(),
        trial: None,
        missing_payment_method: MissingPaymentMethod::CreateInvoice,
        description: None,
        metadata: Metadata::new(),
    }
}

fn invoice(
    index: usize,
    billing_reason: BillingReason,
    from: Timestamp,
    to: Timestamp,
) -> io::Result<Invoice> {
    let (id, line) = INVOICES[index];
    Ok(Invoice {
        id: id.to_owned(),
        created: from,
        number: Some(format!("DEMO0001-{:04}", index + 1)),
        customer: CUSTOMER.to_owned(),
        customer_name: Some("Demo User".to_owned()),
        customer_email: Some("demo@example.com".to_owned()),
        subscription: Some(SUBSCRIPTION.to_owned()),
        status: InvoiceStatus::Paid,
        billing_reason,
        currency: CURRENCY.to_owned(),
        period_start: from,
        period_end: from,
        lines: vec![InvoiceLine {
            id: line.to_owned(),
            description: format!("1 × {PRODUCT_NAME} (at $20.00 / month)"),
            amount: UNIT_AMOUNT,
            quantity: 1,
            price: PRICE.to_owned(),
            product: PRODUCT.to_owned(),
            unit_amount: UNIT_AMOUNT,
            subscription_item: Some(ITEM.to_owned()),
            proration: false,
            period_start: from,
            period_end: to,
        }],
        starting_balance: 0,
        ending_balance: Some(0),
        amount_paid: UNIT_AMOUNT,
        attempt_count: 1,
        failure: None,
        hosted_token: Some(HostedToken::mint()?),
        finalized_at: Some(from),
        paid_at: Some(from),
        voided_at: None,
        metadata: Metadata::new(),
    })
}
