//! [`Embedded`]: the sandbox and the demo of the embedded default.

use std::net::SocketAddr;

use api_http::routes;
use billing_domain::error_chain;
use http_edge::Drain;
use sandbox_stripe::{Sandbox, SandboxSettings};

use super::services::Services;
use super::supervisor::{Kind, Supervisor};
use crate::config::ServeConfig;
use crate::demo::Demo;
use crate::failure::Failure;
use crate::wiring::provider::{RunningSandbox, record_sandbox};

/// A sandbox that is bound and not yet served.
pub(crate) struct Embedded {
    sandbox: Sandbox,
    pub(crate) running: RunningSandbox,
    customer: String,
    admin: SocketAddr,
}

impl Embedded {
    /// Binds the sandbox and creates the demo customer. The sandbox delivers its events to the
    /// service at `base`.
    pub(crate) async fn start(
        config: &ServeConfig,
        base: &str,
        admin: SocketAddr,
    ) -> Result<Self, Failure> {
        let settings = SandboxSettings {
            fallback_to_free_port: true,
            state: Some(config.data_folder.join("sandbox.jsonl")),
            record: config.sandbox_record.clone(),
            ..SandboxSettings::default()
        };
        let sandbox = Sandbox::bind(settings)
            .await
            .map_err(|error| Failure::failed("the sandbox cannot start", &error))?;

        let set_up = || -> std::io::Result<_> {
            // The endpoint is created after the demo customer, so that the first start delivers no
            // events about it.
            let customer = sandbox.seed_demo()?.customer;
            let endpoint = format!("{base}{}", routes::STRIPE_WEBHOOKS);
            let signing_secret = Some(sandbox.webhook_endpoint(&endpoint)?);
            record_sandbox(&config.data_folder, sandbox.base_url())?;
            let base_url = sandbox.base_url().to_owned();
            Ok((customer, RunningSandbox { base_url, signing_secret }))
        };
        let (customer, running) =
            set_up().map_err(|error| Failure::failed("the sandbox cannot be set up", &error))?;
        Ok(Self { sandbox, running, customer, admin })
    }

    /// Registers the sandbox, and the preparation of the demo.
    pub(crate) fn register(
        self,
        supervisor: &mut Supervisor,
        services: &Services,
        config: &ServeConfig,
        base: String,
        drain: &Drain,
    ) {
        let Self { sandbox, running, customer, admin } = self;
        let demo = Demo {
            base,
            sandbox: running.base_url,
            admin,
            folder: config.data_folder.clone(),
            tokens: config.tokens.clone(),
            keys: services.keys.authenticator().clone(),
            issuer: services.issuer.clone(),
            stores: services.stores.clone(),
            accounts: services.accounts.billing(),
            account: services.account.clone(),
        };

        // Requests and workers need the sandbox while they drain: it is cancelled after them.
        let readiness = services.readiness.clone();
        supervisor.add("sandbox", Kind::Endless, async move {
            let ready = readiness.wait_for_database();
            let served = sandbox.serve_and_deliver_after(ready, std::future::pending()).await;
            served.map_err(|error| Failure::failed("the sandbox failed", &error))
        });

        let (readiness, drain) = (services.readiness.clone(), drain.clone());
        supervisor.add("demo", Kind::OneShot, async move {
            readiness.wait_until_ready().await;
            if !drain.is_draining()
                && let Err(error) = demo.prepare(customer).await
            {
                tracing::error!(cause = error_chain(&error), "the demo cannot be prepared");
            }
            Ok(())
        });
    }
}
