//! The command line: commands, arguments and flags.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use billing_domain::{
    ApiKeyId, CustomerId, EventId, InboxStatus, KeyDescription, KeyName, Mode, OriginPattern,
    Permission, ProviderName, Timestamp, UserId,
};
use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand};

/// Opens the payment provider's customer portal and checkout for your users.
///
/// Without a command it runs the service. Settings come from flags, BILLING_* variables, --config
/// FILE and defaults, in this order; see docs/configuration.md.
///
/// Exit codes: 0 success, 1 failure, 2 wrong usage, 78 wrong configuration.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// TOML file with settings. Keys are the BILLING_ variables in lower case, without the prefix.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print data as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service (default).
    Serve(Serve),
    /// Migrate the database to this version; several replicas may do so at the same time.
    Migrate,
    /// Create, list, rotate and revoke API keys of users.
    #[command(subcommand)]
    Keys(Keys),
    /// Link users to the provider's customers.
    #[command(subcommand)]
    Customers(Customers),
    /// List and replay events of the provider.
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Print the audit log.
    #[command(subcommand)]
    Audit(Audit),
    /// Create access tokens for development and tests.
    #[command(subcommand)]
    Token(Token),
    /// Print the OpenAPI document.
    Openapi,
    /// Run the Stripe sandbox without the service.
    Sandbox(Sandbox),
}

#[derive(Args, Debug, Default)]
pub(crate) struct Serve {
    /// Public address [BILLING_LISTEN; default: 127.0.0.1:8080, or the next free port with the
    /// sandbox].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Metrics address [BILLING_ADMIN_LISTEN; default: 127.0.0.1:9090, or the next free port with
    /// the sandbox].
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin_listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Create a key and print it; it is shown only once.
    Create(CreateKey),
    /// List keys, including revoked and expired ones.
    List {
        /// Only keys of this user.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
    },
    /// Revoke a key, or all keys of a user; all replicas reject them within seconds.
    Revoke {
        /// Key id: the part between the underscores.
        #[arg(value_name = "KEY_ID", required_unless_present = "user", conflicts_with = "user")]
        id: Option<ApiKeyId>,
        /// User whose keys are revoked; requires --all.
        #[arg(long, value_name = "ID", requires = "all")]
        user: Option<UserId>,
        /// Revoke all keys of the user.
        #[arg(long, requires = "user")]
        all: bool,
    },
    /// Create a successor of a key and print it once; the old key stays valid for the overlap.
    Rotate {
        /// Key id: the part between the underscores.
        #[arg(value_name = "KEY_ID")]
        id: ApiKeyId,
        /// Time during which both keys are valid: 0s, 90m, 24h.
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
        overlap: Duration,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateKey {
    /// User id, as in access tokens.
    #[arg(long, value_name = "ID")]
    pub(crate) user: UserId,
    /// Name of the key.
    #[arg(long, value_name = "N")]
    pub(crate) name: KeyName,
    /// Description of the key.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<KeyDescription>,
    /// Permission, as area:action; repeatable. Default: all permissions of this version.
    #[arg(long = "permission", value_name = "P")]
    pub(crate) permissions: Vec<Permission>,
    /// Expiry, as RFC 3339 (2027-01-31T00:00:00Z).
    #[arg(long, value_name = "T", value_parser = timestamp)]
    pub(crate) expires_at: Option<Timestamp>,
    /// Return origin in addition to the configured ones; repeatable.
    #[arg(long = "return-origin", value_name = "O")]
    pub(crate) return_origins: Vec<OriginPattern>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Customers {
    /// Link a user to a customer; an existing link to another customer requires --replace.
    Link {
        /// User id, as in access tokens.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// Customer id at the provider.
        #[arg(long, value_name = "CUS")]
        customer: CustomerId,
        #[command(flatten)]
        account: AccountArgs,
        /// Replace the user's current customer.
        #[arg(long)]
        replace: bool,
    },
    /// Show the customers of a user, for all providers and modes.
    Show {
        /// User id.
        #[arg(long, value_name = "ID")]
        user: UserId,
    },
    /// Erase a user: links, keys, and ids in the audit log.
    Forget {
        /// User id.
        #[arg(long, value_name = "ID")]
        user: UserId,
    },
    /// Link users to existing customers of the provider; prints the plan without --apply.
    Import(Import),
    /// Compare the mirror with the provider, repair differences and report them.
    Reconcile(Reconcile),
    /// Remove the link between a user and a customer.
    Unlink {
        /// User id.
        #[arg(long, value_name = "ID")]
        user: UserId,
        #[command(flatten)]
        account: AccountArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Import {
    /// CSV file with the columns user,customer; default: the metadata of the customers.
    #[arg(long, value_name = "FILE", conflicts_with = "verified_emails")]
    pub(crate) csv: Option<PathBuf>,
    /// CSV file with the columns user,email,email_verified; rows that are not verified are ignored.
    #[arg(long, value_name = "FILE")]
    pub(crate) verified_emails: Option<PathBuf>,
    /// Create the links.
    #[arg(long)]
    pub(crate) apply: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Reconcile {
    /// Report differences without repairing them.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// List events, newest first.
    List {
        /// Only events in this state: pending, applied, ignored or dead.
        #[arg(long, value_name = "STATE")]
        state: Option<InboxStatus>,
        /// Maximum number of events.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit())]
        limit: u32,
        #[command(flatten)]
        account: AccountArgs,
    },
    /// Apply an event again, or all dead-lettered events.
    Replay {
        /// Event id.
        #[arg(value_name = "EVENT", required_unless_present = "dead", conflicts_with = "dead")]
        event: Option<EventId>,
        /// All dead-lettered events.
        #[arg(long)]
        dead: bool,
        #[command(flatten)]
        account: AccountArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Print a page of records, oldest first.
    List {
        #[command(flatten)]
        selection: Selection,
        /// Maximum number of records.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit())]
        limit: u32,
    },
    /// Print all records as JSON lines, oldest first.
    Export {
        #[command(flatten)]
        selection: Selection,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Selection {
    /// Only records about this user.
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<UserId>,
    /// Only records from this time on, as RFC 3339.
    #[arg(long, value_name = "T", value_parser = timestamp)]
    pub(crate) since: Option<Timestamp>,
    /// Only records after this sequence number.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) after: Option<i64>,
}

#[derive(Args, Debug)]
pub(crate) struct AccountArgs {
    /// Provider; default: the configured provider.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<ProviderName>,
    /// `test` or `live`; default: the configured mode.
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<Mode>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create an access token; requires an HS256 secret.
    Mint {
        /// User id.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// Lifetime: 90s, 15m, 24h.
        #[arg(long, value_name = "TTL", default_value = "15m", value_parser = positive_duration)]
        ttl: Duration,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Sandbox {
    /// Address of the sandbox.
    #[arg(long, value_name = "ADDR", default_value_t = SANDBOX_ADDRESS)]
    pub(crate) listen: SocketAddr,
    /// File for the state; default: in memory.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Start without a portal configuration, like a new Stripe account.
    #[arg(long)]
    pub(crate) without_portal_configuration: bool,
}

/// The default address of the command `sandbox`.
const SANDBOX_ADDRESS: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), sandbox_stripe::DEFAULT_PORT);

/// Parses the size of a list: 1 to 10,000.
fn limit() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=10_000)
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed
        .map(|at| Timestamp::from_millis(at.as_millisecond()))
        .map_err(|_| "it must be an RFC 3339 time, such as 2027-01-31T00:00:00Z".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or_else(|| "it must be a duration, such as 90s, 15m or 24h".to_owned())
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    let parsed = duration(text)?;
    if parsed.is_zero() { Err("it must be longer than 0s".to_owned()) } else { Ok(parsed) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_and_times_are_parsed() {
        assert_eq!(positive_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(positive_duration("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for text in ["0s", "-5m", "soon"] {
            assert!(positive_duration(text).is_err(), "{text}");
        }
        assert_eq!(timestamp("1970-01-01T00:00:01Z"), Ok(Timestamp::from_millis(1000)));
        assert!(timestamp("tomorrow").is_err());
    }
}
