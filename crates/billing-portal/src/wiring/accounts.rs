//! [`Accounts`]: creates the services around billing accounts.

use std::sync::Arc;

use billing_domain::ports::{Clock, KeyGenerator};
use billing_domain::{
    AccountPorts, BillingAccounts, Catalogue, CheckoutPorts, CheckoutService, CheckoutUrls,
    CustomerImport, EventProcessor, PriceCheck, Reconciler, SubscriptionService,
};

use super::key_generator::UuidKeys;
use super::provider::ProviderPorts;
use super::store::Stores;

/// Creates the services for the accounts of one provider in one mode.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    stores: Stores,
    provider: ProviderPorts,
    clock: Arc<dyn Clock>,
    keys: Arc<dyn KeyGenerator>,
    billing: BillingAccounts,
}

impl Accounts {
    pub(crate) fn new(stores: &Stores, provider: ProviderPorts, clock: Arc<dyn Clock>) -> Self {
        let account = provider.billing.account().clone();
        let ports = AccountPorts {
            reader: provider.reader.clone(),
            mirror: stores.mirror.clone(),
            customers: stores.customers.clone(),
            claims: stores.claims.clone(),
            inbox: stores.inbox.clone(),
            clock: clock.clone(),
        };
        let billing = BillingAccounts::new(account, ports);
        Self { stores: stores.clone(), provider, clock, keys: Arc::new(UuidKeys), billing }
    }

    pub(crate) fn billing(&self) -> BillingAccounts {
        self.billing.clone()
    }

    pub(crate) fn prices(&self) -> Arc<PriceCheck> {
        Arc::new(PriceCheck::new(self.provider.checkout.clone(), self.clock.clone()))
    }

    pub(crate) fn checkout(
        &self,
        prices: Arc<PriceCheck>,
        catalogue: Arc<Catalogue>,
        urls: CheckoutUrls,
    ) -> CheckoutService {
        let ports = CheckoutPorts {
            provider: self.provider.checkout.clone(),
            prices,
            requests: self.stores.checkouts.clone(),
            audit: self.stores.audit.clone(),
            keys: self.keys.clone(),
        };
        CheckoutService::new(self.billing(), ports, catalogue, urls)
    }

    pub(crate) fn subscriptions(&self, catalogue: Arc<Catalogue>) -> SubscriptionService {
        SubscriptionService::new(self.billing(), catalogue)
    }

    pub(crate) fn processor(&self) -> EventProcessor {
        EventProcessor::new(self.billing(), self.keys.clone())
    }

    pub(crate) fn reconciler(&self) -> Reconciler {
        Reconciler::new(self.billing(), self.provider.directory.clone())
    }

    pub(crate) fn import(&self) -> CustomerImport {
        let (directory, reader) = (self.provider.directory.clone(), self.provider.reader.clone());
        CustomerImport::new(
            self.billing.account().clone(),
            directory,
            reader,
            self.stores.customers.clone(),
        )
    }

    /// Returns a unique name.
    pub(crate) fn unique_name(&self) -> String {
        self.keys.claim_token().0
    }
}
