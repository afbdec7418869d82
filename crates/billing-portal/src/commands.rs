//! The commands: one file each.

mod accounts;
mod audit;
mod customers;
mod keys;
mod migrate;
mod openapi;
mod sandbox;
mod serve;
mod token;
mod webhooks;

use std::io::Write;

use billing_domain::ports::SchemaState;

use crate::cli::{Cli, Command, Serve};
use crate::config::store::{self, StoreSettings};
use crate::config::{Settings, Source};
use crate::failure::Failure;
use crate::logging::LogSettings;
use crate::wiring;
use crate::wiring::store::Stores;

/// Runs the command that the command line names.
///
/// # Errors
/// The command failed; see [`Failure`].
pub async fn run(cli: Cli) -> Result<(), Failure> {
    wiring::install_crypto_provider();
    let context = Context { config: cli.config, json: cli.json };
    match cli.command.unwrap_or_else(|| Command::Serve(Serve::default())) {
        Command::Serve(arguments) => serve::run(&context, arguments).await,
        Command::Migrate => migrate::run(&context).await,
        Command::Keys(command) => keys::run(&context, command).await,
        Command::Customers(command) => customers::run(&context, command).await,
        Command::Webhooks(command) => webhooks::run(&context, command).await,
        Command::Audit(command) => audit::run(&context, command).await,
        Command::Token(command) => token::run(&context, command),
        Command::Openapi => openapi::run(),
        Command::Sandbox(arguments) => sandbox::run(&context, arguments).await,
    }
}

/// The options that all commands share.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    config: Option<std::path::PathBuf>,
    json: bool,
}

impl Context {
    fn settings(&self) -> Settings {
        Settings::gather(&self.source(Vec::new()))
    }

    fn source(&self, flags: Vec<(&'static str, Option<String>)>) -> Source {
        Source { file: self.config.clone(), flags }
    }

    /// Prints an object as JSON or as the text of `plain`. The command fails if standard output is
    /// closed.
    fn print(
        &self,
        value: &serde_json::Value,
        plain: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        print(&if self.json { value.to_string() } else { plain() })
    }
}

/// Writes a text and a newline to standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| Failure::failed("standard output cannot be written", &error))
}

/// Reads the settings, starts the log and opens the database.
async fn session<T>(
    context: &Context,
    read: impl FnOnce(&mut Settings) -> Option<T>,
) -> Result<(Stores, T), Failure> {
    let mut settings = context.settings();
    let log = LogSettings::read(&mut settings.reader, "warn");
    let auto_migrate = store::auto_migrate(&mut settings);
    let store = store::read(&mut settings);
    let more = read(&mut settings);
    let (store, more) = settings.start(log, store.zip(more))?;
    Ok((open_migrated(store, auto_migrate).await?, more))
}

/// Opens the database. Migrates it first if the settings allow that.
async fn open_migrated(settings: StoreSettings, auto_migrate: bool) -> Result<Stores, Failure> {
    let stores = open(settings);
    let failed = |error| Failure::failed("the database cannot be used", &error);
    if auto_migrate {
        stores.database.migrate().await.map_err(failed)?;
    }
    match stores.database.schema().await.map_err(failed)? {
        SchemaState::Current | SchemaState::Newer => Ok(stores),
        SchemaState::Behind { missing } => {
            let plural = if missing == 1 { "migration is" } else { "migrations are" };
            Err(Failure::Failed(format!(
                "{missing} {plural} missing: run `billing-portal migrate` first"
            )))
        }
    }
}

/// Opens the database and runs its tasks. A failed task fails the call that needs it.
fn open(settings: StoreSettings) -> Stores {
    let (stores, tasks) = wiring::store::open(settings);
    for task in tasks {
        tokio::spawn(task.run);
    }
    stores
}
