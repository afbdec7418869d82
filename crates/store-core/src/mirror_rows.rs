//! Rows of the mirror, and their conversion to customers.

use billing_domain::ports::RepoError;
use billing_domain::{
    CustomerId, CustomerState, MirroredCustomer, PriceId, Subscription, Timestamp,
};

use crate::error::corrupt;
use crate::rows::{list, optional, value};

const CUSTOMERS: &str = "customer_mirror";
const SUBSCRIPTIONS: &str = "subscription_mirror";

/// The states of a customer.
const PRESENT: &str = "present";
const GONE: &str = "gone";

/// A customer joined with one of its subscriptions.
#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct MirrorRow {
    pub customer_id: String,
    pub version: Option<i64>,
    pub state: Option<String>,
    pub read_at: Option<i64>,
    pub subscription_id: Option<String>,
    pub status: Option<String>,
    pub prices: Option<String>,
    pub cycle: Option<String>,
    pub created_at: Option<i64>,
    pub period_start: Option<i64>,
    pub period_end: Option<i64>,
    pub cancel_at_period_end: Option<i64>,
    pub cancel_at: Option<i64>,
}

impl MirrorRow {
    /// Parses the customer without subscriptions. A customer that was never read has no mirror row.
    fn customer(&self) -> Result<MirroredCustomer, RepoError> {
        let state = match self.state.as_deref() {
            Some(PRESENT) | None => CustomerState::Present(Vec::new()),
            Some(GONE) => CustomerState::Gone,
            Some(_) => return Err(corrupt(CUSTOMERS, "state", "unknown state")),
        };
        Ok(MirroredCustomer {
            customer: value(CUSTOMERS, "customer_id", &self.customer_id)?,
            version: u64::try_from(self.version.unwrap_or(0))
                .map_err(|e| corrupt(CUSTOMERS, "version", e))?,
            read_at: Timestamp::from_millis(self.read_at.unwrap_or(0)),
            state,
        })
    }

    fn subscription(self) -> Result<Option<Subscription>, RepoError> {
        let timestamp = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        let (Some(id), Some(status), Some(prices), Some(created)) =
            (self.subscription_id, self.status, self.prices, self.created_at)
        else {
            return Ok(None);
        };
        Ok(Some(Subscription {
            id: value(SUBSCRIPTIONS, "subscription_id", &id)?,
            status: value(SUBSCRIPTIONS, "status", &status)?,
            prices: list(SUBSCRIPTIONS, "prices", &prices)?,
            cycle: optional(SUBSCRIPTIONS, "cycle", self.cycle.as_deref())?,
            created: Timestamp::from_millis(created),
            period_start: timestamp(self.period_start),
            period_end: timestamp(self.period_end),
            cancel_at_period_end: self.cancel_at_period_end == Some(1),
            cancel_at: timestamp(self.cancel_at),
        }))
    }
}

/// Parses joined rows. The rows of a customer must be consecutive.
pub fn customers(rows: Vec<MirrorRow>) -> Result<Vec<MirroredCustomer>, RepoError> {
    let mut all: Vec<MirroredCustomer> = Vec::new();
    for row in rows {
        if all.last().is_none_or(|last| last.customer.as_str() != row.customer_id) {
            all.push(row.customer()?);
        }
        let Some(MirroredCustomer { state: CustomerState::Present(subscriptions), .. }) =
            all.last_mut()
        else {
            continue;
        };
        subscriptions.extend(row.subscription()?);
    }
    Ok(all)
}

/// The row of a subscription.
#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct NewSubscriptionRow {
    pub subscription_id: String,
    pub status: &'static str,
    pub prices: String,
    pub cycle: Option<&'static str>,
    pub created_at: i64,
    pub period_start: Option<i64>,
    pub period_end: Option<i64>,
    pub cancel_at_period_end: i64,
    pub cancel_at: Option<i64>,
}

impl From<&Subscription> for NewSubscriptionRow {
    fn from(subscription: &Subscription) -> Self {
        Self {
            subscription_id: subscription.id.as_str().to_owned(),
            status: subscription.status.as_str(),
            prices: subscription.prices.iter().map(PriceId::as_str).collect::<Vec<_>>().join(" "),
            cycle: subscription.cycle.map(|cycle| cycle.as_str()),
            created_at: subscription.created.as_millis(),
            period_start: subscription.period_start.map(Timestamp::as_millis),
            period_end: subscription.period_end.map(Timestamp::as_millis),
            cancel_at_period_end: i64::from(subscription.cancel_at_period_end),
            cancel_at: subscription.cancel_at.map(Timestamp::as_millis),
        }
    }
}

/// Returns the column value of a customer's state.
pub const fn state_text(state: &CustomerState) -> &'static str {
    match state {
        CustomerState::Present(_) => PRESENT,
        CustomerState::Gone => GONE,
    }
}

/// Returns the column value of a version.
pub fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Parses the customer of a subscription.
pub fn subscription_customer(text: String) -> Result<CustomerId, RepoError> {
    value(SUBSCRIPTIONS, "customer_id", &text)
}
