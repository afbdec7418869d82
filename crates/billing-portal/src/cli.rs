//! The command line's words.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use billing_domain::{
    ApiKeyId, CustomerId, EventId, InboxStatus, KeyDescription, KeyName, Mode, OriginPattern,
    Permission, ProviderName, Timestamp, UserId,
};
use clap::{Args, Parser, Subcommand};

/// Opens the payment provider's hosted customer portal for a signed-in user.
///
/// Without a command it serves. Configuration: flags, BILLING_* variables, --config FILE, defaults; see docs/configuration.md.
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// A TOML file with settings: keys are the BILLING_ variables without the prefix, in lower case.
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
    /// Run the service (the default).
    Serve(Serve),
    /// Bring the database to this version; safe when several replicas run it at once.
    Migrate,
    /// Make, list and revoke end users' API keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Link users to the provider's customers.
    #[command(subcommand)]
    Customers(Customers),
    /// Look into the inbox of the provider's events.
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Read what was done, by whom, in which request.
    #[command(subcommand)]
    Audit(Audit),
    /// Make access tokens for development and tests.
    #[command(subcommand)]
    Token(Token),
    /// Print the OpenAPI document.
    Openapi,
    /// Run the Stripe-compatible sandbox alone.
    Sandbox(Sandbox),
}

#[derive(Args, Debug, Default)]
pub(crate) struct Serve {
    /// Public address and port [BILLING_LISTEN; default: 127.0.0.1:8080, with the sandbox the next free port].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Address and port for metrics [BILLING_ADMIN_LISTEN; default: 127.0.0.1:9090, with the sandbox the next free port].
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin_listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key and print it, once.
    Create(CreateKey),
    /// List keys, revoked and expired ones too.
    List {
        /// Only this user's.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
    },
    /// Revoke a key, or all of a user's; every replica sees it within seconds.
    Revoke {
        /// The key's id: the part between the underscores.
        #[arg(value_name = "KEY_ID", required_unless_present = "user", conflicts_with = "user")]
        id: Option<ApiKeyId>,
        /// Whose keys; with --all.
        #[arg(long, value_name = "ID", requires = "all")]
        user: Option<UserId>,
        /// All of the user's keys.
        #[arg(long, requires = "user")]
        all: bool,
    },
    /// Make a successor that inherits everything and print it, once; the key itself holds for a while longer.
    Rotate {
        /// The key's id: the part between the underscores.
        #[arg(value_name = "KEY_ID")]
        id: ApiKeyId,
        /// How long both hold: 0s, 90m, 24h.
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = overlap)]
        overlap: Duration,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateKey {
    /// Whose key it is: the user's id, as access tokens name it.
    #[arg(long, value_name = "ID")]
    pub(crate) user: UserId,
    /// What its owner calls it.
    #[arg(long, value_name = "N")]
    pub(crate) name: KeyName,
    /// What its owner says about it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<KeyDescription>,
    /// What it may do, as area:action; repeatable. Without it: all that exists today.
    #[arg(long = "permission", value_name = "P")]
    pub(crate) permissions: Vec<Permission>,
    /// When it stops working, as RFC 3339 (2027-01-31T00:00:00Z).
    #[arg(long, value_name = "T", value_parser = timestamp)]
    pub(crate) expires_at: Option<Timestamp>,
    /// A return origin beside the deployment's; repeatable.
    #[arg(long = "return-origin", value_name = "O")]
    pub(crate) return_origins: Vec<OriginPattern>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Customers {
    /// Say which customer a user is. The same pair again succeeds; another customer needs --replace.
    Link {
        /// The user's id, as access tokens name it.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// The provider's id of the customer.
        #[arg(long, value_name = "CUS")]
        customer: CustomerId,
        #[command(flatten)]
        at: At,
        /// Put this customer in the place of another.
        #[arg(long)]
        replace: bool,
    },
    /// Show which customer a user is, in every provider and mode.
    Show {
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: UserId,
    },
    /// Erase what names a user: links and keys, and the ids in the audit log.
    Forget {
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: UserId,
    },
    /// Link users to customers who are at the provider already. Says what it would do; --apply does it.
    Import(Import),
    /// Compare the mirror with the provider, repair what differs, and say what that was.
    Reconcile(Reconcile),
    /// Forget which customer a user is.
    Unlink {
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: UserId,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Import {
    /// Pairs from a CSV file with the columns user,customer; default: what the customers' metadata say.
    #[arg(long, value_name = "FILE", conflicts_with = "verified_emails")]
    pub(crate) csv: Option<PathBuf>,
    /// Match e-mail addresses, from a CSV file with the columns user,email,email_verified; lines that are not verified count for
    /// nothing.
    #[arg(long, value_name = "FILE")]
    pub(crate) verified_emails: Option<PathBuf>,
    /// Link them, instead of only saying so.
    #[arg(long)]
    pub(crate) apply: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Reconcile {
    /// Only say what differs.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// List events, the last received first.
    List {
        /// Only those that are pending, applied, ignored or dead.
        #[arg(long, value_name = "STATE")]
        state: Option<InboxStatus>,
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        #[command(flatten)]
        at: At,
    },
    /// Apply an event once more, or all that were given up.
    Replay {
        /// The event's id.
        #[arg(value_name = "EVENT", required_unless_present = "dead", conflicts_with = "dead")]
        event: Option<EventId>,
        /// All that were given up.
        #[arg(long)]
        dead: bool,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// A page of records, oldest first.
    List {
        #[command(flatten)]
        selection: Selection,
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// All records as JSON lines, oldest first.
    Export {
        #[command(flatten)]
        selection: Selection,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Selection {
    /// Only what is about this user.
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<UserId>,
    /// Only from this moment on, as RFC 3339.
    #[arg(long, value_name = "T", value_parser = timestamp)]
    pub(crate) since: Option<Timestamp>,
    /// Only after the record with this sequence number.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) after: Option<i64>,
}

#[derive(Args, Debug)]
pub(crate) struct At {
    /// The provider; default: the configured one.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<ProviderName>,
    /// `test` or `live`; default: the configured one.
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<Mode>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make an access token, where the service holds an HS256 secret.
    Mint {
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// How long it holds: 90s, 15m, 24h.
        #[arg(long, value_name = "TTL", default_value = "15m", value_parser = duration)]
        ttl: Duration,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Sandbox {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([127, 0, 0, 1], sandbox_stripe::DEFAULT_PORT)))]
    pub(crate) listen: SocketAddr,
    /// Keep the state in this file; default: in memory.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Start like an account in which nobody ever saved the portal's settings.
    #[arg(long)]
    pub(crate) without_portal_configuration: bool,
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed
        .map(|at| Timestamp::from_millis(at.as_millisecond()))
        .map_err(|_| "write it as RFC 3339: 2027-01-31T00:00:00Z".to_owned())
}

fn overlap(text: &str) -> Result<Duration, String> {
    let parsed = text
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or_else(|| "write it as a time: 90s, 15m, 24h".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let positive = overlap(text)?;
    if positive.is_zero() { Err("it must be more than nothing".to_owned()) } else { Ok(positive) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("24h"), Ok(Duration::from_secs(86_400)));
        assert!(duration("0s").is_err() && duration("-5m").is_err() && duration("soon").is_err());
        assert_eq!(timestamp("1970-01-01T00:00:01Z"), Ok(Timestamp::from_millis(1000)));
        assert!(timestamp("tomorrow").is_err());
    }
}
