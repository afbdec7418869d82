//! [`Embedded`]: the sandbox and the demo of the embedded default.

use std::path::Path;

use api_http::routes;
use billing_domain::error_chain;
use http_edge::Drain;
use sandbox_stripe::{Sandbox, SandboxSettings};

use super::services::Services;
use super::supervisor::{Kind, Supervisor};
use crate::config::ServeConfig;
use crate::demo::Demo;
use crate::failure::Failure;
use crate::wiring::provider::{RunningSandbox, note_sandbox};

/// A sandbox that is bound and not yet served.
pub(crate) struct Embedded {
    sandbox: Sandbox,
    pub(crate) running: RunningSandbox,
}

impl Embedded {
    /// Binds the sandbox. It delivers its events to the service at `base`.
    pub(crate) async fn start(config: &ServeConfig, base: &str) -> Result<Self, Failure> {
        let settings = SandboxSettings {
            fallback_to_free_port: true,
            state: Some(config.data_folder.join("sandbox.jsonl")),
            record: config.sandbox_record.clone(),
            ..SandboxSettings::default()
        };
        let sandbox = Sandbox::bind(settings)
            .await
            .map_err(|error| Failure::failed("the sandbox cannot start", &error))?;
        let running = set_up(&sandbox, base, &config.data_folder)
            .map_err(|error| Failure::failed("the sandbox cannot be set up", &error))?;
        Ok(Self { sandbox, running })
    }

    /// Registers the sandbox, and the preparation of the demo.
    pub(crate) fn register(
        self,
        supervisor: &mut Supervisor,
        services: &Services,
        config: &ServeConfig,
        base: String,
        drain: &Drain,
    ) -> Result<(), Failure> {
        let Self { sandbox, running } = self;
        let seeded = sandbox
            .seed_demo()
            .map_err(|error| Failure::failed("the sandbox cannot be seeded", &error))?;
        let demo = Demo {
            base,
            sandbox: running.base_url,
            folder: config.data_folder.clone(),
            tokens: config.tokens.clone(),
            keys: services.keys.authenticator().clone(),
            issuer: services.issuer.clone(),
            stores: services.stores.clone(),
            account: services.account.clone(),
        };
        // Requests and workers need the sandbox while they drain: it is cancelled after them.
        supervisor.add("sandbox", Kind::Endless, async {
            let served = sandbox.serve(std::future::pending()).await;
            served.map_err(|error| Failure::failed("the sandbox failed", &error))
        });
        let (readiness, drain) = (services.readiness.clone(), drain.clone());
        supervisor.add("demo", Kind::OneShot, async move {
            readiness.wait_until_ready().await;
            if !drain.is_draining()
                && let Err(error) = demo.prepare(seeded.customer).await
            {
                tracing::error!(cause = error_chain(&error), "the demo cannot be prepared");
            }
            Ok(())
        });
        Ok(())
    }
}

/// Makes the service's webhook endpoint, and notes the sandbox's address for commands.
fn set_up(sandbox: &Sandbox, base: &str, data_folder: &Path) -> std::io::Result<RunningSandbox> {
    let endpoint = format!("{base}{}", routes::STRIPE_WEBHOOKS);
    let signing_secret = Some(sandbox.webhook_endpoint(&endpoint)?);
    note_sandbox(data_folder, sandbox.base_url())?;
    Ok(RunningSandbox { base_url: sandbox.base_url().to_owned(), signing_secret })
}
