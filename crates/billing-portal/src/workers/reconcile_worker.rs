//! [`ReconcileWorker`]: compares the mirror with the provider at intervals, on one replica at a
//! time.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{Clock, Leadership};
use billing_domain::{ReconcileReport, Reconciler, RunMode, error_chain};
use tokio::time::sleep;

use crate::readiness::Readiness;
use crate::wiring::accounts::Accounts;

/// Name of the lease in the store.
const LEASE: &str = "reconcile";
/// Maximum time between two attempts to acquire the lease.
const LONGEST_POLL: Duration = Duration::from_secs(600);
/// Pause after a failed run.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Reconciles the accounts of one provider.
#[derive(Debug)]
pub(crate) struct ReconcileWorker {
    pub(crate) accounts: Accounts,
    pub(crate) leadership: Arc<dyn Leadership>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) every: Duration,
}

impl ReconcileWorker {
    /// Runs until it is cancelled. The replica that acquires the lease reconciles; other replicas
    /// wait for the interval.
    pub(crate) async fn run(self) {
        self.readiness.wait_until_ready().await;
        let poll = (self.every / 10).clamp(Duration::from_millis(500), LONGEST_POLL);
        loop {
            // It sleeps first, so that a service with many restarts does not reconcile at each of
            // them.
            sleep(poll).await;
            self.reconcile_with_lease().await;
        }
    }

    /// Reconciles if this replica acquires the lease. Returns whether it did.
    async fn reconcile_with_lease(&self) -> bool {
        let (holder, now) = (self.accounts.unique_name(), self.clock.now());
        let taken = self.leadership.acquire(LEASE, &holder, now, now.plus(self.every)).await;
        if let Err(error) = &taken {
            tracing::debug!(
                cause = error_chain(error),
                "the lease to reconcile could not be acquired"
            );
        }
        let acquired = taken.unwrap_or(false);
        if acquired && !reconcile(&self.accounts.reconciler()).await {
            let (now, pause) = (self.clock.now(), self.every.min(RETRY_AFTER));
            // Shortens the lease. Otherwise the next run starts an interval later.
            let _ = self.leadership.acquire(LEASE, &holder, now, now.plus(pause)).await;
        }
        acquired
    }
}

/// Returns whether the run completed.
async fn reconcile(reconciler: &Reconciler) -> bool {
    match reconciler.run(RunMode::Apply).await {
        Ok(report) => {
            log_report(&report);
            true
        }
        Err(error) => {
            metrics::counter!("reconcile_runs_total", "outcome" => "failed").increment(1);
            tracing::warn!(
                cause = error_chain(&error),
                "the mirror could not be compared with the provider"
            );
            false
        }
    }
}

fn log_report(report: &ReconcileReport) {
    metrics::counter!("reconcile_runs_total", "outcome" => "done").increment(1);
    metrics::counter!("reconcile_repairs_total").increment(report.differed.len() as u64);
    let (compared, repaired, failed) =
        (report.compared, report.differed.len(), report.failed.len());
    let (linked, unlinked) = (report.linked.len(), report.unlinked.len());
    if repaired > 0 || failed > 0 {
        tracing::info!(
            compared,
            repaired,
            linked,
            unlinked,
            failed,
            "the mirror was compared with the provider"
        );
    } else {
        tracing::debug!(compared, "the mirror agrees with the provider");
    }
    for customer in &report.ambiguous {
        tracing::warn!(
            %customer,
            "the provider's data contains several owners, or an invalid one: no link was created"
        );
    }
    for (customer, other) in &report.conflicts {
        tracing::warn!(
            %customer,
            %other,
            "the customer's owner is linked to another customer: the link was not changed"
        );
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::ports::{ProviderError, SchemaState};
    use billing_domain::{Mode, Timestamp};
    use billing_testkit::{
        FakeBillingAccountProvider, FakeBillingProvider, FakeDatabase, FixedClock,
        InMemoryApiKeyUsage, InMemoryBilling, Reachability, samples,
    };
    use http_edge::Drain;

    use super::*;
    use crate::wiring::provider::ProviderPorts;
    use crate::wiring::store::Stores;

    const HOUR: Duration = Duration::from_secs(3600);

    fn stores() -> Stores {
        let (stores, switch) =
            (InMemoryBilling::with(Reachability::default()), Reachability::default());
        Stores {
            customers: stores.customers(),
            api_keys: stores.api_keys(),
            usage: Arc::new(InMemoryApiKeyUsage::of(stores.api_keys())),
            audit: stores.audit(),
            inbox: stores.inbox(),
            mirror: stores.mirror(),
            claims: stores.claims(),
            checkouts: stores.checkouts(),
            leadership: stores.leadership(),
            database: Arc::new(FakeDatabase::in_state(SchemaState::Current, switch)),
        }
    }

    fn replica(
        stores: &Stores,
        provider: &Arc<FakeBillingAccountProvider>,
        clock: &Arc<FixedClock>,
    ) -> ReconcileWorker {
        let ports = ProviderPorts {
            billing: Arc::new(FakeBillingProvider::new(samples::account("stripe", Mode::Test))),
            checkout: provider.clone(),
            reader: provider.clone(),
            directory: provider.clone(),
        };
        ReconcileWorker {
            accounts: Accounts::new(stores, ports, clock.clone()),
            leadership: stores.leadership.clone(),
            readiness: Arc::new(Readiness::new(Drain::new(), clock.clone())),
            clock: clock.clone(),
            every: HOUR,
        }
    }

    #[tokio::test]
    async fn one_replica_reconciles_per_interval_and_a_failed_run_is_retried_after_a_minute() {
        let (stores, provider) = (stores(), Arc::new(FakeBillingAccountProvider::new()));
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1)));
        let (one, other) =
            (replica(&stores, &provider, &clock), replica(&stores, &provider, &clock));
        assert!(one.reconcile_with_lease().await);
        let calls = provider.calls();
        assert!(calls > 0);
        assert!(!other.reconcile_with_lease().await);
        assert_eq!(provider.calls(), calls);
        clock.advance(HOUR);
        provider.fail_next(ProviderError::Overloaded { retry_after: Duration::from_secs(1) });
        assert!(other.reconcile_with_lease().await);
        assert!(!one.reconcile_with_lease().await);
        clock.advance(RETRY_AFTER);
        assert!(one.reconcile_with_lease().await);
        clock.advance(RETRY_AFTER);
        assert!(!other.reconcile_with_lease().await);
    }
}
