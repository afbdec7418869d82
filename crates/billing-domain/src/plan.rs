//! What is sold: plans with a price for each billing cycle, and the catalogue of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A plan's id in the catalogue: `[a-z][a-z0-9_-]*`, at most 64 characters. `starter`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanId(String);

/// Why a plan's id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan's id is 1 to 64 of a-z, 0-9, _ and -, and starts with a letter")]
pub struct PlanIdError;

/// A price's id at the provider (`price_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PriceId(String);

/// Why a price id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a price id is 1 to 255 of A-Z a-z 0-9 _ -")]
pub struct PriceIdError;

/// How often a plan is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BillingCycle {
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
}

/// Neither `monthly` nor `yearly`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a billing cycle is `monthly` or `yearly`")]
pub struct BillingCycleError;

/// An ISO 4217 currency code, in lower case as Stripe writes it: `usd`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Currency(String);

/// Not three lower-case letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three lower-case letters, such as usd")]
pub struct CurrencyError;

/// What a plan costs in one billing cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanPrice {
    /// The provider's price.
    pub id: PriceId,
    /// The amount of one cycle, in the currency's minor unit (cents).
    pub amount: u64,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its id in the catalogue.
    pub id: PlanId,
    /// Its name, for people.
    pub name: String,
    /// The credits that it gives a month.
    pub monthly_credits: u64,
    /// What it offers, a line each, for people.
    pub features: Vec<String>,
    /// What it is paid in.
    pub currency: Currency,
    /// What a month costs, where it is sold by the month.
    pub monthly: Option<PlanPrice>,
    /// What a year costs, where it is sold by the year.
    pub yearly: Option<PlanPrice>,
}

/// All plans of this deployment, in the operator's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue(Vec<Plan>);

/// Why plans make no catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Two plans have one id.
    #[error("the plan `{0}` stands there twice")]
    DuplicatePlan(PlanId),
    /// Two plans, or two cycles of one, have one price: a subscription could not be told.
    #[error("the price `{0}` stands there twice")]
    DuplicatePrice(PriceId),
    /// A plan without any price.
    #[error("the plan `{0}` has no price")]
    NoPrice(PlanId),
}

impl Plan {
    /// What a cycle costs, where the plan is sold so.
    #[must_use]
    pub const fn price(&self, cycle: BillingCycle) -> Option<&PlanPrice> {
        match cycle {
            BillingCycle::Monthly => self.monthly.as_ref(),
            BillingCycle::Yearly => self.yearly.as_ref(),
        }
    }

    /// Its prices, with their cycles.
    pub fn prices(&self) -> impl Iterator<Item = (BillingCycle, &PlanPrice)> {
        BillingCycle::ALL.into_iter().filter_map(|cycle| Some((cycle, self.price(cycle)?)))
    }
}

impl Catalogue {
    /// A catalogue of these plans.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub fn new(plans: Vec<Plan>) -> Result<Self, CatalogueError> {
        let (mut ids, mut prices) = (BTreeSet::new(), BTreeSet::new());
        for plan in &plans {
            if !ids.insert(&plan.id) {
                return Err(CatalogueError::DuplicatePlan(plan.id.clone()));
            }
            if plan.prices().next().is_none() {
                return Err(CatalogueError::NoPrice(plan.id.clone()));
            }
            if let Some((_, twice)) = plan.prices().find(|(_, price)| !prices.insert(&price.id)) {
                return Err(CatalogueError::DuplicatePrice(twice.id.clone()));
            }
        }
        Ok(Self(plans))
    }

    /// The plans.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.0
    }

    /// The plan with this id.
    #[must_use]
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.0.iter().find(|plan| plan.id.as_str() == id)
    }

    /// The plan and cycle that a price of the provider's stands for.
    #[must_use]
    pub fn find_by_price(&self, price: &PriceId) -> Option<(&Plan, BillingCycle)> {
        let in_plan =
            |plan: &Plan| plan.prices().find(|(_, own)| own.id == *price).map(|(cycle, _)| cycle);
        self.0.iter().find_map(|plan| Some((plan, in_plan(plan)?)))
    }
}

impl BillingCycle {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Monthly, Self::Yearly];

    /// `monthly` or `yearly`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }
}

impl FromStr for BillingCycle {
    type Err = BillingCycleError;

    fn from_str(text: &str) -> Result<Self, BillingCycleError> {
        Self::ALL.into_iter().find(|cycle| cycle.as_str() == text).ok_or(BillingCycleError)
    }
}

impl Currency {
    /// Currencies whose minor unit is the whole (<https://docs.stripe.com/currencies#zero-decimal>). Of those that stand there,
    /// UGX is left out: its amounts have two decimals all the same, as the special cases on that page say.
    const WHOLE: [&str; 15] = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
        "xof", "xpf",
    ];
    /// Currencies with a thousandth (<https://docs.stripe.com/currencies#three-decimal>).
    const THOUSANDTHS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many decimals an amount has.
    #[must_use]
    pub fn decimals(&self) -> u32 {
        match self.as_str() {
            code if Self::WHOLE.contains(&code) => 0,
            code if Self::THOUSANDTHS.contains(&code) => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let holds = text.len() == 3 && text.bytes().all(|b| b.is_ascii_lowercase());
        if holds { Ok(Self(text.to_owned())) } else { Err(CurrencyError) }
    }
}

impl PlanId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanId {
    type Err = PlanIdError;

    fn from_str(text: &str) -> Result<Self, PlanIdError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let holds = starts_well && text.len() <= 64 && text.bytes().all(allowed);
        if holds { Ok(Self(text.to_owned())) } else { Err(PlanIdError) }
    }
}

impl PriceId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PriceId {
    type Err = PriceIdError;

    fn from_str(text: &str) -> Result<Self, PriceIdError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        let holds = (1..=255).contains(&text.len()) && text.bytes().all(allowed);
        if holds { Ok(Self(text.to_owned())) } else { Err(PriceIdError) }
    }
}

macro_rules! displayed {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

displayed!(PlanId, PriceId, BillingCycle, Currency);

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(id: &str, monthly: Option<&str>, yearly: Option<&str>) -> Plan {
        let price = |id: &str| PlanPrice { id: id.parse().unwrap(), amount: 900 };
        Plan {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            monthly_credits: 1,
            features: vec![],
            currency: "usd".parse().unwrap(),
            monthly: monthly.map(price),
            yearly: yearly.map(price),
        }
    }

    #[test]
    fn a_price_leads_to_its_plan_and_cycle() {
        let all =
            Catalogue::new(vec![plan("a", Some("p1"), Some("p2")), plan("b", None, Some("p3"))])
                .unwrap();
        let found = |price: &str| {
            all.find_by_price(&price.parse().unwrap())
                .map(|(plan, cycle)| (plan.id.as_str().to_owned(), cycle))
        };
        assert_eq!(found("p2"), Some(("a".to_owned(), BillingCycle::Yearly)));
        assert_eq!(found("p3"), Some(("b".to_owned(), BillingCycle::Yearly)));
        assert_eq!(found("p4"), None);
        assert!(all.plan("b").unwrap().price(BillingCycle::Monthly).is_none());
    }

    #[test]
    fn what_could_not_be_told_apart_is_no_catalogue() {
        let two = |a, b| Catalogue::new(vec![a, b]).unwrap_err();
        let a = || plan("a", Some("p1"), None);
        assert_eq!(
            two(a(), plan("a", Some("p2"), None)),
            CatalogueError::DuplicatePlan("a".parse().unwrap())
        );
        assert_eq!(
            two(a(), plan("b", None, Some("p1"))),
            CatalogueError::DuplicatePrice("p1".parse().unwrap())
        );
        assert_eq!(two(a(), plan("b", None, None)), CatalogueError::NoPrice("b".parse().unwrap()));
        let own = Catalogue::new(vec![plan("a", Some("p1"), Some("p1"))]).unwrap_err();
        assert_eq!(own, CatalogueError::DuplicatePrice("p1".parse().unwrap()));
    }

    #[test]
    fn ids_and_currencies_have_a_form() {
        assert!("pro_2-x".parse::<PlanId>().is_ok());
        for bad in ["", "Pro", "2x", "a b", &"a".repeat(65)] {
            assert_eq!(bad.parse::<PlanId>(), Err(PlanIdError), "{bad}");
        }
        for bad in ["", "price 1", "price/1", &"a".repeat(256)] {
            assert_eq!(bad.parse::<PriceId>(), Err(PriceIdError), "{bad}");
        }
        assert_eq!("USD".parse::<Currency>(), Err(CurrencyError));
        let decimals = |code: &str| code.parse::<Currency>().unwrap().decimals();
        assert_eq!(["usd", "jpy", "kwd"].map(decimals), [2, 0, 3]);
    }
}
