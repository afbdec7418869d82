//! The log on standard error: readable text on a terminal, else one JSON object per line.

use std::io::{self, IsTerminal};

use layered_settings::Reader;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The default filter of `serve` with a real provider.
pub(crate) const INFO: &str = "info";

/// The default filter of the embedded default: warnings, errors, and one line per API request.
pub(crate) const WARNINGS_AND_REQUESTS: &str =
    "warn,http_edge::access=info,http_edge::access::other=warn";

/// The filter and the format of the log.
#[derive(Debug)]
pub(crate) struct LogSettings {
    filter: EnvFilter,
    pretty: bool,
}

impl LogSettings {
    /// Reads the settings. `default` is the filter if BILLING_LOG is not set.
    pub(crate) fn read(reader: &mut Reader, default: &str) -> Option<Self> {
        let text = reader.text("LOG").unwrap_or_else(|| default.to_owned());
        let filter = EnvFilter::try_new(&text)
            .map_err(|error| reader.fault("LOG", format!("it is not a log filter: {error}")));
        let pretty = match reader.text("LOG_FORMAT").as_deref() {
            None => Some(io::stderr().is_terminal()),
            Some("pretty") => Some(true),
            Some("json") => Some(false),
            Some(_) => {
                reader.fault("LOG_FORMAT", "it must be `pretty` or `json`");
                None
            }
        };
        Some(Self { filter: filter.ok()?, pretty: pretty? })
    }

    /// Starts the log, once per process.
    pub(crate) fn start(self) {
        self.start_to(io::stderr);
    }

    fn start_to(self, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
        // A line that cannot be written is lost. Reporting that with `eprintln!` would panic in the
        // task that logs.
        let log = tracing_subscriber::fmt()
            .with_env_filter(self.filter)
            .with_writer(writer)
            .log_internal_errors(false);
        // A second start would be a bug. The first log stays.
        let _ = if self.pretty {
            tracing::subscriber::set_global_default(
                log.with_ansi(io::stderr().is_terminal()).finish(),
            )
        } else {
            tracing::subscriber::set_global_default(
                log.json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(true)
                    .finish(),
            )
        };
    }
}
