//! `sandbox`: runs the Stripe sandbox without the service.

use sandbox_stripe::{Sandbox, SandboxSettings};

use super::Context;
use crate::cli;
use crate::failure::Failure;
use crate::logging::LogSettings;

pub(crate) async fn run(context: &Context, arguments: cli::Sandbox) -> Result<(), Failure> {
    let mut settings = context.settings();
    let log = LogSettings::read(&mut settings.reader, "info");
    let record = settings.sandbox_record();
    settings.start(log, Some(()))?;
    let settings = SandboxSettings {
        listen: arguments.listen,
        state: arguments.state,
        without_portal_configuration: arguments.without_portal_configuration,
        record,
        ..SandboxSettings::default()
    };
    let failed = |error| Failure::failed("the sandbox cannot run", &error);
    let sandbox = Sandbox::bind(settings).await.map_err(failed)?;
    let (base, demo) = (sandbox.base_url().to_owned(), sandbox.seed_demo().map_err(failed)?);
    let shown = serde_json::json!({ "baseUrl": base, "customer": demo.customer });
    context.print(&shown, || {
        format!(
            "The sandbox listens on {base} with the demo customer {}. Use any sk_test_ key.",
            demo.customer
        )
    })?;
    let stop = crate::signals::shutdown().map_err(failed)?;
    sandbox.serve(stop).await.map_err(failed)
}
