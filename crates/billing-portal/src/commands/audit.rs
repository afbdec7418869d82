//! `audit list|export`: prints the audit log.

use billing_domain::ports::AuditLog;
use billing_domain::{AuditEntry, AuditQuery, AuditRecord};
use serde_json::{Value, json};

use super::{Context, print, session};
use crate::cli::{Audit, Selection};
use crate::failure::Failure;
use api_http::timestamps::rfc3339;

/// Records per page of an export.
const PAGE: u32 = 1000;

pub(crate) async fn run(context: &Context, command: Audit) -> Result<(), Failure> {
    let (stores, _) = session(context, |_| Some(())).await?;
    match command {
        Audit::List { selection, limit } => {
            let query = AuditQuery { limit, ..query(selection) };
            let records = page(stores.audit.as_ref(), &query).await?;
            let shown: Vec<Value> = records.iter().map(record_json).collect();
            context.print(
                &json!({ "records": shown, "next": records.last().map(|last| last.sequence) }),
                || shown.iter().map(line).collect::<Vec<_>>().join("\n"),
            )
        }
        Audit::Export { selection } => {
            let mut query = AuditQuery { limit: PAGE, ..query(selection) };
            loop {
                let records = page(stores.audit.as_ref(), &query).await?;
                let Some(last) = records.last() else { return Ok(()) };
                query.after = Some(last.sequence);
                records.iter().try_for_each(|record| print(&record_json(record).to_string()))?;
            }
        }
    }
}

fn query(selection: Selection) -> AuditQuery {
    AuditQuery { owner: selection.user, since: selection.since, after: selection.after, limit: 0 }
}

async fn page(audit: &dyn AuditLog, query: &AuditQuery) -> Result<Vec<AuditRecord>, Failure> {
    audit.read(query).await.map_err(|error| Failure::failed("the audit log cannot be read", &error))
}

fn record_json(record: &AuditRecord) -> Value {
    match &record.entry {
        AuditEntry::Event(event) => json!({
            "sequence": record.sequence,
            "at": rfc3339(event.at),
            "action": event.action.as_str(),
            "actor": event.actor.as_str(),
            "user": event.owner.as_ref().map(|owner| owner.as_str()),
            "key": event.key.as_ref().map(|key| key.as_str()),
            "provider": event.customer.as_ref().map(|(at, _)| at.provider().as_str()),
            "mode": event.customer.as_ref().map(|(at, _)| at.mode().as_str()),
            "customer": event.customer.as_ref().map(|(_, customer)| customer.as_str()),
            "requestId": event.origin.request_id,
            "source": event.origin.source,
        }),
        AuditEntry::Denials(denials) => json!({
            "sequence": record.sequence,
            "at": rfc3339(denials.at),
            "action": "denied",
            "cause": denials.cause,
            "key": denials.key.as_ref().map(|key| key.as_str()),
            "source": denials.source,
            "count": denials.count,
        }),
    }
}

fn line(shown: &Value) -> String {
    let known = shown.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    known.map(|(name, value)| format!("{name}={}", word(value))).collect::<Vec<_>>().join(" ")
}
