//! [`PriceCheck`]: holds the catalogue against the provider, so that nobody is charged another price than the one shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ports::{CheckoutProvider, Clock, ProviderError};
use crate::{
    BillingCycle, Catalogue, Deadline, Plan, PlanPrice, PriceId, ProviderPrice, Timestamp,
};

/// For so long a price that agreed counts as agreeing: an active price's amount cannot be changed at Stripe, only be archived.
const MEMORY: Duration = Duration::from_secs(600);

/// Compares prices, and remembers those that agree.
#[derive(Debug)]
pub struct PriceCheck {
    provider: Arc<dyn CheckoutProvider>,
    clock: Arc<dyn Clock>,
    agreed: Mutex<BTreeMap<PriceId, Timestamp>>,
}

/// Why a price of the catalogue cannot be sold. For operators: it names what differs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plan `{plan}`, {cycle}, price `{price}`: {difference}")]
pub struct PriceMismatch {
    /// The plan.
    pub plan: String,
    /// The cycle.
    pub cycle: BillingCycle,
    /// The price.
    pub price: PriceId,
    /// What the provider says instead.
    pub difference: String,
}

impl PriceCheck {
    /// A check that has asked about no price yet.
    #[must_use]
    pub fn new(provider: Arc<dyn CheckoutProvider>, clock: Arc<dyn Clock>) -> Self {
        Self { provider, clock, agreed: Mutex::default() }
    }

    /// Whether the provider charges what the catalogue says.
    ///
    /// # Errors
    /// The provider gave no answer. A price that differs is an outcome, not an error.
    pub async fn check(
        &self,
        plan: &Plan,
        cycle: BillingCycle,
        price: &PlanPrice,
        deadline: Deadline,
    ) -> Result<Result<(), PriceMismatch>, ProviderError> {
        let now = self.clock.now();
        let known =
            self.agreed.lock().unwrap_or_else(PoisonError::into_inner).get(&price.id).copied();
        if known.is_some_and(|at| at <= now && now < at.plus(MEMORY)) {
            return Ok(Ok(()));
        }
        let found = self.provider.price(&price.id, deadline).await?;
        Ok(match difference(plan, cycle, price, found.as_ref()) {
            None => {
                self.agreed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(price.id.clone(), now);
                Ok(())
            }
            Some(difference) => {
                let plan = plan.id.as_str().to_owned();
                Err(PriceMismatch { plan, cycle, price: price.id.clone(), difference })
            }
        })
    }

    /// All prices of a catalogue that the provider does not have as it says.
    ///
    /// # Errors
    /// The provider gave no answer about one.
    pub async fn check_all(
        &self,
        catalogue: &Catalogue,
        budget: Duration,
    ) -> Result<Vec<PriceMismatch>, ProviderError> {
        let mut mismatches = Vec::new();
        for plan in catalogue.plans() {
            for (cycle, price) in plan.prices() {
                mismatches
                    .extend(self.check(plan, cycle, price, Deadline::after(budget)).await?.err());
            }
        }
        Ok(mismatches)
    }
}

/// What differs between the catalogue's price and the provider's.
fn difference(
    plan: &Plan,
    cycle: BillingCycle,
    price: &PlanPrice,
    found: Option<&ProviderPrice>,
) -> Option<String> {
    let Some(found) = found else {
        return Some("the provider has no such price in this mode".to_owned());
    };
    if !found.active {
        return Some("it is archived at the provider".to_owned());
    }
    if found.cycle != Some(cycle) {
        return Some(format!(
            "at the provider it is {}",
            found.cycle.map_or("on another schedule", BillingCycle::as_str)
        ));
    }
    let amount = |amount: Option<u64>| {
        amount.map_or("no plain amount".to_owned(), |amount| amount.to_string())
    };
    ((found.amount, &found.currency) != (Some(price.amount), &plan.currency)).then(|| {
        let (ours, theirs) = (&plan.currency, &found.currency);
        format!(
            "the catalogue says {} {ours}, the provider {} {theirs}",
            price.amount,
            amount(found.amount)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_is_named() {
        let price = PlanPrice { id: "p1".parse().unwrap(), amount: 900 };
        let plan = Plan {
            id: "starter".parse().unwrap(),
            name: "Starter".to_owned(),
            monthly_credits: 1,
            features: vec![],
            currency: "usd".parse().unwrap(),
            monthly: Some(price.clone()),
            yearly: None,
        };
        let same = ProviderPrice {
            amount: Some(900),
            currency: "usd".parse().unwrap(),
            cycle: Some(BillingCycle::Monthly),
            active: true,
        };
        let told = |found: Option<ProviderPrice>| {
            difference(&plan, BillingCycle::Monthly, &price, found.as_ref())
        };
        assert_eq!(told(Some(same.clone())), None);
        for (found, word) in [
            (None, "no such price"),
            (Some(ProviderPrice { active: false, ..same.clone() }), "archived"),
            (Some(ProviderPrice { cycle: None, ..same.clone() }), "another schedule"),
            (Some(ProviderPrice { cycle: Some(BillingCycle::Yearly), ..same.clone() }), "yearly"),
            (Some(ProviderPrice { amount: Some(901), ..same.clone() }), "901"),
            (Some(ProviderPrice { amount: None, ..same.clone() }), "no plain amount"),
            (Some(ProviderPrice { currency: "eur".parse().unwrap(), ..same }), "eur"),
        ] {
            let said = told(found).unwrap();
            assert!(said.contains(word), "{said}");
        }
    }
}
