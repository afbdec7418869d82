//! The demo's catalogue: four plans, each with a monthly and a yearly price.

use super::CURRENCY;
use crate::model::{Interval, Metadata, Price, Product, Recurring, Timestamp};
use crate::state::Catalog as _;
use crate::transaction::Transaction;

/// A plan. Its ids are the same in every sandbox.
struct Plan {
    product: &'static str,
    name: &'static str,
    monthly: (&'static str, i64),
    yearly: (&'static str, i64),
}

/// The demo customer's product.
pub(super) const PRODUCT: &str = "prod_SandboxDemo01";

/// Its monthly price.
pub(super) const PRICE: &str = "price_1SandboxDemoProMonthly01";

pub(super) const PRODUCT_NAME: &str = "Professional plan";

pub(super) const UNIT_AMOUNT: i64 = 2_000;

const PLANS: [Plan; 4] = [
    Plan {
        product: "prod_SandboxDemo02",
        name: "Starter plan",
        monthly: ("price_1SandboxDemoStartMonthly1", 900),
        yearly: ("price_1SandboxDemoStartYearly01", 9_000),
    },
    Plan {
        product: PRODUCT,
        name: PRODUCT_NAME,
        monthly: (PRICE, UNIT_AMOUNT),
        yearly: ("price_1SandboxDemoProYearly001", 20_000),
    },
    Plan {
        product: "prod_SandboxDemo03",
        name: "Business plan",
        monthly: ("price_1SandboxDemoBizMonthly01", 6_000),
        yearly: ("price_1SandboxDemoBizYearly001", 60_000),
    },
    Plan {
        product: "prod_SandboxDemo04",
        name: "Agency plan",
        monthly: ("price_1SandboxDemoAgencyMonth01", 15_000),
        yearly: ("price_1SandboxDemoAgencyYear001", 150_000),
    },
];

/// Creates the missing products and prices. A state from an earlier version may have some.
pub(super) fn seed(transaction: &mut Transaction<'_>, created: Timestamp) {
    for plan in PLANS {
        if transaction.product(plan.product).is_none() {
            transaction.put(Product {
                id: plan.product.to_owned(),
                created,
                updated: created,
                active: true,
                name: plan.name.to_owned(),
                default_price: Some(plan.monthly.0.to_owned()),
                ..Product::default()
            });
        }
        for (terms, interval) in [(plan.monthly, Interval::Month), (plan.yearly, Interval::Year)] {
            if transaction.price(terms.0).is_none() {
                transaction.put(price(plan.product, terms, interval, created));
            }
        }
    }
}

fn price(
    product: &str,
    (id, unit_amount): (&str, i64),
    interval: Interval,
    created: Timestamp,
) -> Price {
    Price {
        id: id.to_owned(),
        created,
        active: true,
        product: product.to_owned(),
        currency: CURRENCY.to_owned(),
        unit_amount,
        recurring: Some(Recurring { interval, interval_count: 1 }),
        nickname: None,
        lookup_key: None,
        tax_behavior: "unspecified".to_owned(),
        metadata: Metadata::new(),
    }
}
