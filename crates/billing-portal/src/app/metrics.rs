//! The metrics recorder and its upkeep.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::failure::Failure;

/// Interval at which histograms are drained. It keeps them small if no server scrapes the metrics.
const UPKEEP: Duration = Duration::from_secs(5);
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Installs the process's recorder. A process can do this once.
pub(crate) fn install() -> Result<PrometheusHandle, Failure> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::failed("metrics cannot start", &error))
}

/// Drains the histograms until it is cancelled.
pub(crate) async fn upkeep(metrics: PrometheusHandle) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn upkeep_drains_histograms_and_keeps_running() {
        let builder = PrometheusBuilder::new().set_buckets(SECONDS).unwrap();
        let recorder = builder.build_recorder();
        metrics::with_local_recorder(&recorder, || metrics::histogram!("waited").record(0.0625));
        let handle = recorder.handle();
        // Rendering drains as well. Only the debug output shows the difference.
        let is_drained = || format!("{handle:?}").contains("sum: 0.0625");
        assert!(!is_drained());
        let running = tokio::spawn(upkeep(handle.clone()));
        let drained = async {
            while !is_drained() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), drained).await.expect("upkeep drains");
        assert!(!running.is_finished());
    }
}
