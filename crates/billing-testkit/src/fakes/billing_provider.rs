//! [`FakeBillingProvider`].

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{
    Capabilities, CustomerId, FlowKind, LocaleSupport, PortalRequest, PortalSession, ProviderAccount,
};

/// Knows the customers it was told of, remembers what it was asked, and fails as it was told to.
#[derive(Debug)]
pub struct FakeBillingProvider {
    account: ProviderAccount,
    capabilities: Capabilities,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    customers: BTreeSet<CustomerId>,
    failures: VecDeque<ProviderError>,
    requests: Vec<PortalRequest>,
}

impl FakeBillingProvider {
    /// A provider that can do everything, in a few languages, and knows nobody.
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

    /// The same with other capabilities.
    #[must_use]
    pub fn with_capabilities(self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// Knows this customer from now on.
    pub fn add_customer(&self, id: CustomerId) {
        self.state.lock().unwrap().customers.insert(id);
    }

    /// Fails the next call so; several are used up in turn.
    pub fn fail_next(&self, error: ProviderError) {
        self.state.lock().unwrap().failures.push_back(error);
    }

    /// What was asked for so far, failures too.
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

    async fn create_portal_session(&self, request: &PortalRequest) -> Result<PortalSession, ProviderError> {
        let mut state = self.state.lock().unwrap();
        state.requests.push(request.clone());
        if let Some(error) = state.failures.pop_front() {
            return Err(error);
        }
        if !state.customers.contains(&request.customer) {
            return Err(ProviderError::CustomerNotFound {
                context: "nobody told the fake of this customer".to_owned(),
            });
        }
        let number = state.requests.len();
        let url = format!("https://portal.example.com/session/{number}").parse().expect("a portal URL");
        Ok(PortalSession { url, id: Some(format!("bps_fake_{number}")), expires_at: None })
    }
}
