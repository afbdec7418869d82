//! Rows of the audit log, and their conversion to records.

use std::str::FromStr;

use billing_domain::ports::RepoError;
use billing_domain::{
    Actor, AuditAction, AuditEntry, AuditEvent, AuditRecord, Denials, ProviderAccount,
    RequestOrigin, Timestamp,
};

use crate::error::corrupt;
use crate::rows::{optional, value};

const AUDIT_LOG: &str = "audit_log";

/// Replaces the ids of a forgotten user and of its customers.
pub const FORGOTTEN: &str = "forgotten";

/// The kinds of rows.
const EVENT: &str = "event";
const DENIALS: &str = "denials";

#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct AuditRow {
    /// Assigned by the database; 0 in a new row.
    pub sequence: i64,
    pub at: i64,
    pub kind: String,
    pub action: Option<String>,
    pub actor: Option<String>,
    pub user_id: Option<String>,
    pub key_id: Option<String>,
    pub provider: Option<String>,
    pub mode: Option<String>,
    pub customer_id: Option<String>,
    pub request_id: Option<String>,
    pub source: Option<String>,
    pub cause: Option<String>,
    pub count: Option<i64>,
}

impl From<&AuditEvent> for AuditRow {
    fn from(event: &AuditEvent) -> Self {
        let customer = event.customer.as_ref();
        Self {
            at: event.at.as_millis(),
            kind: EVENT.to_owned(),
            action: Some(event.action.as_str().to_owned()),
            actor: Some(event.actor.as_str().to_owned()),
            user_id: event.owner.as_ref().map(ToString::to_string),
            key_id: event.key.as_ref().map(ToString::to_string),
            provider: customer.map(|(account, _)| account.provider().to_string()),
            mode: customer.map(|(account, _)| account.mode().to_string()),
            customer_id: customer.map(|(_, id)| id.to_string()),
            request_id: event.origin.request_id.clone(),
            source: event.origin.source.clone(),
            ..Self::default()
        }
    }
}

impl From<&Denials> for AuditRow {
    fn from(denials: &Denials) -> Self {
        Self {
            at: denials.at.as_millis(),
            kind: DENIALS.to_owned(),
            key_id: denials.key.as_ref().map(ToString::to_string),
            source: denials.source.clone(),
            cause: Some(denials.cause.clone()),
            count: Some(i64::try_from(denials.count).unwrap_or(i64::MAX)),
            ..Self::default()
        }
    }
}

impl AuditRow {
    /// Parses the row. [`RepoError::Corrupt`] names an invalid column.
    pub fn parse(self) -> Result<AuditRecord, RepoError> {
        let sequence = self.sequence;
        let entry = match self.kind.as_str() {
            EVENT => AuditEntry::Event(self.event()?),
            DENIALS => AuditEntry::Denials(self.denials()?),
            _ => return Err(corrupt(AUDIT_LOG, "kind", "unknown kind of row")),
        };
        Ok(AuditRecord { sequence, entry })
    }

    fn event(self) -> Result<AuditEvent, RepoError> {
        let customer = match self.customer_id {
            None => None,
            Some(id) => {
                let provider = required("provider", self.provider.as_deref())?;
                let account =
                    ProviderAccount::new(provider, required("mode", self.mode.as_deref())?);
                Some((account, value(AUDIT_LOG, "customer_id", &id)?))
            }
        };
        Ok(AuditEvent {
            at: Timestamp::from_millis(self.at),
            action: required::<AuditAction>("action", self.action.as_deref())?,
            actor: required::<Actor>("actor", self.actor.as_deref())?,
            owner: optional(AUDIT_LOG, "user_id", self.user_id.as_deref())?,
            key: optional(AUDIT_LOG, "key_id", self.key_id.as_deref())?,
            customer,
            origin: RequestOrigin { request_id: self.request_id, source: self.source },
        })
    }

    fn denials(self) -> Result<Denials, RepoError> {
        let count = self.count.and_then(|count| u64::try_from(count).ok());
        Ok(Denials {
            at: Timestamp::from_millis(self.at),
            cause: self.cause.ok_or_else(|| corrupt(AUDIT_LOG, "cause", "missing value"))?,
            source: self.source,
            key: optional(AUDIT_LOG, "key_id", self.key_id.as_deref())?,
            count: count.ok_or_else(|| corrupt(AUDIT_LOG, "count", "missing or negative value"))?,
        })
    }
}

fn required<T: FromStr<Err: ToString>>(
    column: &'static str,
    text: Option<&str>,
) -> Result<T, RepoError> {
    optional(AUDIT_LOG, column, text)?.ok_or_else(|| corrupt(AUDIT_LOG, column, "missing value"))
}
