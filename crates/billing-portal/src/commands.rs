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

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use billing_domain::ports::{Clock, SchemaState};
use layered_settings::Faults;

use crate::cli::{Cli, Command, Serve};
use crate::config::Settings;
use crate::logging::LogSettings;
use crate::wiring::clock::SystemClock;
use crate::wiring::store::{self, Stores};

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operation failed: exit code 1.
    Failed(String),
    /// The configuration is wrong: exit code 78 (`EX_CONFIG` of sysexits.h).
    Configuration(Faults),
}

impl Failure {
    /// What failed, and why.
    pub(crate) fn failed(what: &str, error: &dyn Error) -> Self {
        Self::Failed(format!("{what}: {}", billing_domain::error_chain(error)))
    }

    /// Tells it on standard error; gives the exit code.
    #[expect(clippy::print_stderr, reason = "the command line's own output")]
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Failed(why) => {
                eprintln!("billing-portal: {why}");
                ExitCode::from(1)
            }
            Self::Configuration(faults) => {
                eprint!("billing-portal: {faults}");
                ExitCode::from(78)
            }
        }
    }
}

/// Runs what the command line asks for.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
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

/// What all commands share.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    config: Option<std::path::PathBuf>,
    json: bool,
}

impl Context {
    /// The settings of this process; flags win.
    fn settings(&self, flags: &[(&'static str, Option<String>)]) -> Settings {
        Settings::gather(flags, self.config.as_deref())
    }

    /// Ends the reading: faults are a failure, warnings go to the log.
    fn checked<T>(
        settings: Settings,
        log: Option<LogSettings>,
        value: Option<T>,
    ) -> Result<T, Failure> {
        let warnings = settings.reader.finish().map_err(Failure::Configuration)?;
        if let Some(log) = log {
            log.start();
        }
        warnings.into_iter().for_each(|warning| tracing::warn!("{warning}"));
        value.ok_or_else(|| {
            Failure::Failed("a setting is wrong and was not reported: this is a bug".to_owned())
        })
    }

    /// Prints one object: as JSON, or in the words of `plain`. A reader that has gone away fails the command.
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

/// What commands over a database begin with: their settings, the log, and the database.
async fn session<T>(
    context: &Context,
    read: impl FnOnce(&mut Settings) -> Option<T>,
) -> Result<(Stores, T), Failure> {
    let mut settings = context.settings(&[]);
    let log = LogSettings::read(&mut settings.reader, "warn");
    let auto_migrate = store::auto_migrate(&mut settings);
    let store = store::read(&mut settings);
    let more = read(&mut settings);
    let (store, more) = Context::checked(settings, log, store.zip(more))?;
    Ok((opened(store, auto_migrate).await?, more))
}

/// The database that a command works on, migrated first where that is allowed.
async fn opened(settings: store::StoreSettings, auto_migrate: bool) -> Result<Stores, Failure> {
    let stores = settings.open();
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

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}
