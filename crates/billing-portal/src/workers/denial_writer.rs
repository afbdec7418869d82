//! [`DenialWriter`]: writes counted denials to the audit log once a minute.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{AuditLog, Clock};
use billing_domain::{DenialCounter, error_chain};
use tokio::time::MissedTickBehavior;

const INTERVAL: Duration = Duration::from_secs(60);

/// Moves denials from the counter to the audit log.
#[derive(Debug)]
pub(crate) struct DenialWriter {
    pub(crate) denials: Arc<DenialCounter>,
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl DenialWriter {
    /// Writes every minute, and a last time when `requests_ended` resolves.
    pub(crate) async fn run(self, requests_ended: impl Future<Output = ()>) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(requests_ended);
        loop {
            tokio::select! {
                _ = tick.tick() => self.write().await,
                () = &mut requests_ended => return self.write().await,
            }
        }
    }

    async fn write(&self) {
        let denials = self.denials.drain(self.clock.now());
        if denials.is_empty() {
            return;
        }
        if let Err(error) = self.audit.append_denials(&denials).await {
            let attempts: u64 = denials.iter().map(|denied| denied.count).sum();
            tracing::warn!(
                attempts,
                cause = error_chain(&error),
                "denied attempts are not written yet"
            );
            self.denials.restore(denials);
        }
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::Timestamp;
    use billing_testkit::{FixedClock, InMemoryAuditLog, Reachability};

    use super::*;

    #[tokio::test]
    async fn denials_are_written_when_the_requests_have_ended() {
        let (writer, audit, _) = writer();
        writer.denials.count("invalid_token", Some("192.0.2.1"), None);
        writer.run(std::future::ready(())).await;
        assert_eq!(audit.denials().len(), 1);
    }

    #[tokio::test]
    async fn denials_are_written_while_requests_run() {
        let (writer, audit, _) = writer();
        writer.denials.count("invalid_token", Some("192.0.2.1"), None);
        let running = tokio::spawn(writer.run(std::future::pending()));
        let written = async {
            while audit.denials().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), written).await.expect("a record");
        assert!(!running.is_finished());
    }

    #[tokio::test]
    async fn denials_are_kept_until_the_audit_log_accepts_them() {
        let (writer, audit, switch) = writer();
        writer.denials.count("invalid_token", Some("192.0.2.1"), None);
        switch.go_down();
        writer.write().await;
        switch.come_back();
        assert!(audit.denials().is_empty());
        writer.denials.count("invalid_token", Some("192.0.2.1"), None);
        writer.write().await;
        let counts: Vec<u64> = audit.denials().iter().map(|denied| denied.count).collect();
        assert_eq!(counts, [2]);
    }

    fn writer() -> (DenialWriter, Arc<InMemoryAuditLog>, Reachability) {
        let switch = Reachability::default();
        let audit = Arc::new(InMemoryAuditLog::with(switch.clone()));
        let writer = DenialWriter {
            denials: Arc::new(DenialCounter::new(10)),
            audit: audit.clone(),
            clock: Arc::new(FixedClock::at(Timestamp::from_seconds(1))),
        };
        (writer, audit, switch)
    }
}
