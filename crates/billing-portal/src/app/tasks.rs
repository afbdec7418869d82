//! The background tasks over the [`Services`].

use http_edge::Drain;

use super::services::Services;
use super::supervisor::{Kind, Supervisor, infallible};
use crate::config::ServeConfig;
use crate::workers::catalogue_check::check_catalogue;
use crate::workers::database_watcher::DatabaseWatcher;
use crate::workers::denial_writer::DenialWriter;
use crate::workers::inbox_worker::InboxWorker;
use crate::workers::reconcile_worker::ReconcileWorker;
use crate::workers::retention::Retention;

/// Registers every worker.
pub(crate) fn register(
    supervisor: &mut Supervisor,
    services: &Services,
    config: &ServeConfig,
    drain: &Drain,
) {
    let Services { clock, stores, readiness, .. } = services;
    let watcher = DatabaseWatcher {
        database: stores.database.clone(),
        auto_migrate: config.auto_migrate,
        pepper: services.pepper.clone(),
        tokens: services.tokens.clone(),
        readiness: readiness.clone(),
    };
    supervisor.add("database watcher", Kind::Endless, watcher.run());

    let denials = DenialWriter {
        denials: services.denials.clone(),
        audit: stores.audit.clone(),
        clock: clock.clone(),
    };
    let requests_ended = supervisor.requests_ended();
    supervisor.add("denial writer", Kind::Worker, infallible(denials.run(requests_ended)));

    let retention = Retention {
        audit: stores.audit.clone(),
        inbox: stores.inbox.clone(),
        checkouts: stores.checkouts.clone(),
        clock: clock.clone(),
        audit_retention: config.retention,
    };
    let ready = readiness.clone();
    supervisor.add("retention", Kind::Endless, async move {
        ready.wait_for_database().await;
        infallible(retention.run()).await
    });

    let inbox = InboxWorker {
        processor: services.accounts.processor(),
        inbox: stores.inbox.clone(),
        account: services.account.clone(),
        new_events: services.new_events.clone(),
        readiness: readiness.clone(),
        clock: clock.clone(),
    };
    supervisor.add("inbox worker", Kind::Worker, infallible(inbox.run(drain.clone())));

    let (prices, catalogue) = (services.prices.clone(), services.catalogue.clone());
    let check = check_catalogue(prices, catalogue, readiness.clone());
    supervisor.add("catalogue check", Kind::OneShot, infallible(check));

    if let Some(every) = config.reconcile_every {
        let reconcile = ReconcileWorker {
            accounts: services.accounts.clone(),
            leadership: stores.leadership.clone(),
            readiness: readiness.clone(),
            clock: clock.clone(),
            every,
        };
        supervisor.add("reconciler", Kind::Endless, infallible(reconcile.run()));
    }
}
