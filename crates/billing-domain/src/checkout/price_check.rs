//! [`PriceCheck`]: compares the catalogue with the provider, so that users pay the price that they
//! see.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ports::{CheckoutProvider, Clock, ProviderError};
use crate::{
    BillingCycle, Catalogue, Deadline, Plan, PlanPrice, PriceId, ProviderPrice, Timestamp,
};

/// TTL of a matching price. Stripe never changes the amount of a price; an operator can only
/// archive it.
const TTL: Duration = Duration::from_secs(600);

/// Compares prices and caches matching ones.
#[derive(Debug)]
pub struct PriceCheck {
    provider: Arc<dyn CheckoutProvider>,
    clock: Arc<dyn Clock>,
    matching: Mutex<BTreeMap<PriceId, Timestamp>>,
}

/// A difference between the catalogue and the provider. For operators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plan `{plan}`, {cycle}, price `{price}`: {difference}")]
pub struct PriceMismatch {
    /// The plan.
    pub plan: String,
    /// The cycle.
    pub cycle: BillingCycle,
    /// The price.
    pub price: PriceId,
    /// The difference.
    pub difference: String,
}

impl PriceCheck {
    /// Creates a check with an empty cache.
    #[must_use]
    pub fn new(provider: Arc<dyn CheckoutProvider>, clock: Arc<dyn Clock>) -> Self {
        Self { provider, clock, matching: Mutex::default() }
    }

    /// Compares a price of the catalogue with the provider's price.
    ///
    /// # Errors
    /// The provider call failed. A different price is an outcome, not an error.
    pub async fn check(
        &self,
        plan: &Plan,
        cycle: BillingCycle,
        price: &PlanPrice,
        deadline: Deadline,
    ) -> Result<Result<(), PriceMismatch>, ProviderError> {
        let now = self.clock.now();
        let checked_at =
            self.matching.lock().unwrap_or_else(PoisonError::into_inner).get(&price.id).copied();
        if checked_at.is_some_and(|at| at <= now && now < at.plus(TTL)) {
            return Ok(Ok(()));
        }

        let found = self.provider.price(&price.id, deadline).await?;
        Ok(match difference(plan, cycle, price, found.as_ref()) {
            None => {
                self.matching
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

    /// Returns all differences between a catalogue and the provider.
    ///
    /// # Errors
    /// A provider call failed.
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

/// Describes the difference between the catalogue's price and the provider's price.
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
        return Some("the provider has archived the price".to_owned());
    }
    if found.cycle != Some(cycle) {
        return Some(format!(
            "the provider's price is {}",
            found.cycle.map_or("on another schedule", BillingCycle::as_str)
        ));
    }
    let amount = |amount: Option<u64>| {
        amount.map_or("no fixed amount of".to_owned(), |amount| amount.to_string())
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
    fn each_difference_is_described() {
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
        let described = |found: Option<ProviderPrice>| {
            difference(&plan, BillingCycle::Monthly, &price, found.as_ref())
        };
        assert_eq!(described(Some(same.clone())), None);
        for (found, word) in [
            (None, "no such price"),
            (Some(ProviderPrice { active: false, ..same.clone() }), "archived"),
            (Some(ProviderPrice { cycle: None, ..same.clone() }), "another schedule"),
            (Some(ProviderPrice { cycle: Some(BillingCycle::Yearly), ..same.clone() }), "yearly"),
            (Some(ProviderPrice { amount: Some(901), ..same.clone() }), "901"),
            (Some(ProviderPrice { amount: None, ..same.clone() }), "no fixed amount"),
            (Some(ProviderPrice { currency: "eur".parse().unwrap(), ..same }), "eur"),
        ] {
            let text = described(found).unwrap();
            assert!(text.contains(word), "{text}");
        }
    }
}
