//! `serve`: runs the service.

use super::Context;
use crate::app::App;
use crate::cli::Serve;
use crate::config::ServeConfig;
use crate::failure::Failure;
use crate::signals;

pub(crate) async fn run(context: &Context, arguments: Serve) -> Result<(), Failure> {
    let flags = vec![("LISTEN", arguments.listen), ("ADMIN_LISTEN", arguments.admin_listen)];
    let config = ServeConfig::load(&context.source(flags))?;
    let app = App::build(config).await?;
    let failed = |error| Failure::failed("signals cannot be caught", &error);
    let shutdown = signals::shutdown().map_err(failed)?;
    let terminal_closed = signals::terminal_closed().map_err(failed)?;
    app.serve(async {
        tokio::select! {
            () = shutdown => {}
            () = terminal_closed => {}
        }
    })
    .await
}
