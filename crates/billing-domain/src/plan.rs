//! Plans, their prices, and the catalogue.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A plan's id in the catalogue, for example `starter`: `[a-z][a-z0-9_-]*`, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanId(String);

/// The text is not a plan id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan's id must have 1 to 64 of a-z, 0-9, _ and -, and start with a letter")]
pub struct PlanIdError;

/// A price's id at the provider (`price_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PriceId(String);

/// The text is not a price id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a price id must have 1 to 255 of A-Z a-z 0-9 _ -")]
pub struct PriceIdError;

/// A billing cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BillingCycle {
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
}

/// The text is not a billing cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a billing cycle must be `monthly` or `yearly`")]
pub struct BillingCycleError;

/// An ISO 4217 currency code in lower case, for example `usd`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Currency(String);

/// The text is not a currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency must be three lower-case letters, such as usd")]
pub struct CurrencyError;

/// A plan's price for a billing cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanPrice {
    /// The price's id at the provider.
    pub id: PriceId,
    /// The amount per cycle, in the currency's minor unit (cents).
    pub amount: u64,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The id in the catalogue.
    pub id: PlanId,
    /// The display name.
    pub name: String,
    /// The credits per month.
    pub monthly_credits: u64,
    /// The features, as lines for display.
    pub features: Vec<String>,
    /// The currency of both prices.
    pub currency: Currency,
    /// The monthly price, if the plan has one.
    pub monthly: Option<PlanPrice>,
    /// The yearly price, if the plan has one.
    pub yearly: Option<PlanPrice>,
}

/// All plans of this deployment, in the operator's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue(Vec<Plan>);

/// The reasons why a catalogue is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Two plans have the same id.
    #[error("the plan `{0}` is listed twice")]
    DuplicatePlan(PlanId),
    /// Two plans or cycles have the same price, so the price does not identify the plan.
    #[error("the price `{0}` is listed twice")]
    DuplicatePrice(PriceId),
    /// A plan has no price.
    #[error("the plan `{0}` has no price")]
    NoPrice(PlanId),
}

impl Plan {
    /// Returns the price for a cycle, if there is one.
    #[must_use]
    pub const fn price(&self, cycle: BillingCycle) -> Option<&PlanPrice> {
        match cycle {
            BillingCycle::Monthly => self.monthly.as_ref(),
            BillingCycle::Yearly => self.yearly.as_ref(),
        }
    }

    /// Returns the prices with their cycles.
    pub fn prices(&self) -> impl Iterator<Item = (BillingCycle, &PlanPrice)> {
        BillingCycle::ALL.into_iter().filter_map(|cycle| Some((cycle, self.price(cycle)?)))
    }
}

impl Catalogue {
    /// Creates a catalogue.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub fn new(plans: Vec<Plan>) -> Result<Self, CatalogueError> {
        let mut ids = BTreeSet::new();
        let mut prices = BTreeSet::new();
        for plan in &plans {
            if !ids.insert(&plan.id) {
                return Err(CatalogueError::DuplicatePlan(plan.id.clone()));
            }
            if plan.prices().next().is_none() {
                return Err(CatalogueError::NoPrice(plan.id.clone()));
            }
            if let Some((_, duplicate)) = plan.prices().find(|(_, price)| !prices.insert(&price.id))
            {
                return Err(CatalogueError::DuplicatePrice(duplicate.id.clone()));
            }
        }
        Ok(Self(plans))
    }

    /// Returns the plans.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.0
    }

    /// Returns the plan with this id.
    #[must_use]
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.0.iter().find(|plan| plan.id.as_str() == id)
    }

    /// Returns the plan and the cycle of a price.
    #[must_use]
    pub fn find_by_price(&self, price: &PriceId) -> Option<(&Plan, BillingCycle)> {
        let in_plan =
            |plan: &Plan| plan.prices().find(|(_, own)| own.id == *price).map(|(cycle, _)| cycle);
        self.0.iter().find_map(|plan| Some((plan, in_plan(plan)?)))
    }
}

impl BillingCycle {
    /// Every cycle.
    pub const ALL: [Self; 2] = [Self::Monthly, Self::Yearly];

    /// Returns `monthly` or `yearly`.
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
    /// Currencies without decimals (<https://docs.stripe.com/currencies#zero-decimal>). Stripe
    /// lists UGX as a special case: its amounts have two decimals.
    const ZERO_DECIMAL: [&str; 15] = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
        "xof", "xpf",
    ];
    /// Currencies with three decimals (<https://docs.stripe.com/currencies#three-decimal>).
    const THREE_DECIMAL: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

    /// Returns the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the number of decimals.
    #[must_use]
    pub fn decimals(&self) -> u32 {
        match self.as_str() {
            code if Self::ZERO_DECIMAL.contains(&code) => 0,
            code if Self::THREE_DECIMAL.contains(&code) => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let is_valid = text.len() == 3 && text.bytes().all(|b| b.is_ascii_lowercase());
        if is_valid { Ok(Self(text.to_owned())) } else { Err(CurrencyError) }
    }
}

impl PlanId {
    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanId {
    type Err = PlanIdError;

    fn from_str(text: &str) -> Result<Self, PlanIdError> {
        let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
        let starts_with_letter = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let is_valid = starts_with_letter && text.len() <= 64 && text.bytes().all(is_allowed);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(PlanIdError) }
    }
}

impl PriceId {
    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PriceId {
    type Err = PriceIdError;

    fn from_str(text: &str) -> Result<Self, PriceIdError> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        let is_valid = (1..=255).contains(&text.len()) && text.bytes().all(is_allowed);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(PriceIdError) }
    }
}

macro_rules! impl_display {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

impl_display!(PlanId, PriceId, BillingCycle, Currency);

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
    fn find_by_price_returns_plan_and_cycle() {
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
    fn catalogue_with_duplicate_plan_or_price_is_rejected() {
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
    fn invalid_ids_and_currencies_are_rejected() {
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
