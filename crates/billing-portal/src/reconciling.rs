//! Compares the mirror with the provider now and then, on one replica at a time; and the catalogue, once.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::error_chain;
use billing_domain::ports::{Clock, Leadership};
use billing_domain::{Catalogue, PriceCheck, ReconcileReport, Reconciler, Repair};
use tokio::time::sleep;

use crate::readiness::Readiness;
use crate::wiring::accounts::Accounts;

/// The duty's name in the store.
const DUTY: &str = "reconcile";
/// The longest time between two looks at whether it is time.
const LONGEST_LOOK: Duration = Duration::from_secs(600);
/// When the next try follows a run that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// So long a call about a price may take.
const PRICE_BUDGET: Duration = Duration::from_secs(10);

/// What is compared, and how often.
#[derive(Debug)]
pub(crate) struct Reconciling {
    pub(crate) accounts: Accounts,
    pub(crate) leadership: Arc<dyn Leadership>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) every: Duration,
}

impl Reconciling {
    /// Runs for as long as the process does. Of all replicas the one that takes the duty runs, and nobody for an interval after.
    pub(crate) async fn run(self) {
        self.readiness.wait_until_ready().await;
        let reconciler = self.accounts.reconciler();
        let look = (self.every / 10).clamp(Duration::from_millis(500), LONGEST_LOOK);
        loop {
            // Also before the first time: a start is no reason, and many starts must not be many runs.
            sleep(look).await;
            let (holder, now) = (self.accounts.fresh_name(), self.clock.now());
            match self.leadership.take(DUTY, &holder, now, now.plus(self.every)).await {
                Ok(true) => {
                    if !reconcile(&reconciler).await {
                        let (now, pause) = (self.clock.now(), self.every.min(AFTER_FAILURE));
                        // Without it the next try only comes an interval later.
                        let _ = self.leadership.take(DUTY, &holder, now, now.plus(pause)).await;
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(cause = error_chain(&error), "who reconciles is not known")
                }
            }
        }
    }
}

/// Whether a run came to its end.
async fn reconcile(reconciler: &Reconciler) -> bool {
    match reconciler.run(Repair::Mend).await {
        Ok(report) => {
            tell(&report);
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

fn tell(report: &ReconcileReport) {
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
        tracing::warn!(%customer, "the provider's data name several owners, or no possible one: nobody is linked");
    }
    for (customer, other) in &report.conflicts {
        tracing::warn!(%customer, %other, "the customer's owner is linked to another customer, which was left");
    }
}

/// Holds the catalogue against the provider until it was answered, and says what differs.
pub(crate) async fn check_catalogue(
    prices: Arc<PriceCheck>,
    catalogue: Arc<Catalogue>,
    readiness: Arc<Readiness>,
) {
    readiness.wait_until_ready().await;
    loop {
        match prices.check_all(&catalogue, PRICE_BUDGET).await {
            Ok(mismatches) => {
                metrics::gauge!("catalogue_mismatches")
                    .set(f64::from(u32::try_from(mismatches.len()).unwrap_or(u32::MAX)));
                for mismatch in &mismatches {
                    tracing::error!(%mismatch, "the catalogue does not agree with the provider: this cannot be bought");
                }
                return;
            }
            Err(error) => {
                tracing::warn!(cause = error_chain(&error), "the catalogue could not be checked")
            }
        }
        sleep(AFTER_FAILURE).await;
    }
}
