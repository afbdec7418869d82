//! [`FakeBillingProvider`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::Instant;

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{
    Capabilities, CustomerId, FlowKind, LocaleSupport, PortalFlow, PortalRequest, PortalSession,
    ProviderAccount, SubscriptionId,
};

/// A provider with registered customers, recorded requests and configurable failures.
#[derive(Debug)]
pub struct FakeBillingProvider {
    account: ProviderAccount,
    capabilities: Capabilities,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    customers: BTreeMap<CustomerId, Vec<SubscriptionId>>,
    failures: VecDeque<ProviderError>,
    requests: Vec<PortalRequest>,
}

impl FakeBillingProvider {
    /// Creates a provider with all capabilities, three locales and no customers.
    #[must_use]
    pub fn new(account: ProviderAccount) -> Self {
        let capabilities = Capabilities {
            return_url: true,
            locales: LocaleSupport { auto: Some("auto"), tags: &["en", "ko", "pt-BR"] },
            flows: BTreeSet::from(FlowKind::ALL),
            expiry: false,
        };
        Self { account, capabilities, state: Mutex::default() }
    }

    /// Sets the capabilities.
    #[must_use]
    pub fn with_capabilities(self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// Registers a customer with these subscriptions.
    pub fn add_customer(
        &self,
        id: CustomerId,
        subscriptions: impl IntoIterator<Item = SubscriptionId>,
    ) {
        self.state.lock().unwrap().customers.insert(id, subscriptions.into_iter().collect());
    }

    /// Makes the next call fail with this error. Several errors are used in turn.
    pub fn fail_next(&self, error: ProviderError) {
        self.state.lock().unwrap().failures.push_back(error);
    }

    /// Returns all requests, including failed ones. The id of the session for the nth request
    /// contains `n`, from one.
    #[must_use]
    pub fn requests(&self) -> Vec<PortalRequest> {
        self.state.lock().unwrap().requests.clone()
    }
}

#[async_trait]
impl BillingProvider for FakeBillingProvider {
    fn account(&self) -> &ProviderAccount {
        &self.account
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn create_portal_session(
        &self,
        request: &PortalRequest,
    ) -> Result<PortalSession, ProviderError> {
        if request.deadline.remaining(Instant::now()).is_zero() {
            return Err(ProviderError::Timeout { context: "the deadline has passed".to_owned() });
        }
        let mut state = self.state.lock().unwrap();
        state.requests.push(request.clone());
        if let Some(error) = state.failures.pop_front() {
            return Err(error);
        }
        let context = "the fake has no such customer or subscription".to_owned();
        let Some(subscriptions) = state.customers.get(&request.customer) else {
            return Err(ProviderError::CustomerNotFound { context });
        };
        let subscription = request.flow.as_ref().and_then(PortalFlow::subscription);
        if subscription.is_some_and(|id| !subscriptions.contains(id)) {
            return Err(ProviderError::SubscriptionNotFound { context });
        }
        let number = state.requests.len();
        let url =
            format!("https://portal.example.com/session/{number}").parse().expect("a portal URL");
        Ok(PortalSession { url, id: Some(format!("bps_fake_{number}")), expires_at: None })
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::Mode;

    use super::*;
    use crate::provider_contract::{Population, ProviderWorld};
    use crate::samples::{account, customer};

    struct World(FakeBillingProvider);

    #[async_trait]
    impl ProviderWorld for World {
        fn provider(&self) -> &dyn BillingProvider {
            &self.0
        }

        fn population(&self) -> Population {
            Population {
                customer: customer("cus_ann"),
                subscription: "sub_ann".parse().unwrap(),
                other_customer: customer("cus_bob"),
                deleted_customer: customer("cus_deleted"),
                unknown_customer: customer("cus_unknown"),
                unknown_subscription: "sub_unknown".parse().unwrap(),
            }
        }

        async fn was_called(&self) -> bool {
            !self.0.requests().is_empty()
        }

        async fn return_link(&self, session: &PortalSession) -> Option<String> {
            let number: usize = session.id.as_ref()?.strip_prefix("bps_fake_")?.parse().ok()?;
            self.0
                .requests()
                .get(number - 1)?
                .return_url
                .as_ref()
                .map(|url| url.as_str().to_owned())
        }

        fn secrets(&self) -> Vec<String> {
            Vec::new()
        }
    }

    async fn populated() -> (Box<dyn ProviderWorld>, ()) {
        let world = World(FakeBillingProvider::new(account("fake", Mode::Test)));
        let Population { customer, subscription, other_customer, .. } = world.population();
        world.0.add_customer(customer, [subscription]);
        world.0.add_customer(other_customer, []);
        (Box::new(world), ())
    }

    crate::provider_contract!(populated);
}
