//! Rows of the inbox, and their conversion to events.

use billing_domain::ports::{Disposition, RepoError};
use billing_domain::{
    EventSubject, InboxEvent, InboxState, InboxStatus, ProviderAccount, ProviderEvent, Timestamp,
};

use crate::error::corrupt;
use crate::rows::value;

const EVENTS: &str = "webhook_events";

/// The kinds of subjects.
const CUSTOMER: &str = "customer";
const SUBSCRIPTION: &str = "subscription";
const UNRELATED: &str = "nobody";

/// Maximum length of a stored error, in characters.
const ERROR_CHARS: usize = 500;

/// The row of a new event, sorted by the primary key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct NewEventRow {
    pub provider: String,
    pub mode: &'static str,
    pub event_id: String,
    pub kind: String,
    pub subject_kind: &'static str,
    pub subject_id: Option<String>,
    pub created_at: i64,
    pub received_at: i64,
}

impl NewEventRow {
    /// Creates the row of an event.
    pub fn new(account: &ProviderAccount, event: &ProviderEvent, received: Timestamp) -> Self {
        let (subject_kind, subject_id) = match &event.subject {
            EventSubject::Customer(id) => (CUSTOMER, Some(id.to_string())),
            EventSubject::Subscription(id) => (SUBSCRIPTION, Some(id.to_string())),
            EventSubject::Unrelated => (UNRELATED, None),
        };
        Self {
            provider: account.provider().to_string(),
            mode: account.mode().as_str(),
            event_id: event.id.to_string(),
            kind: event.kind.to_string(),
            subject_kind,
            subject_id,
            created_at: event.created.as_millis(),
            received_at: received.as_millis(),
        }
    }
}

#[expect(missing_docs, reason = "the fields are the columns of the table")]
pub struct EventRow {
    pub event_id: String,
    pub kind: String,
    pub subject_kind: String,
    pub subject_id: Option<String>,
    pub created_at: i64,
    pub received_at: i64,
    pub state: String,
    pub state_at: i64,
    pub attempts: i64,
    pub error: Option<String>,
}

impl EventRow {
    /// Parses the row. [`RepoError::Corrupt`] names an invalid column.
    pub fn parse(self) -> Result<InboxEvent, RepoError> {
        let subject = match (self.subject_kind.as_str(), self.subject_id) {
            (CUSTOMER, Some(id)) => EventSubject::Customer(value(EVENTS, "subject_id", &id)?),
            (SUBSCRIPTION, Some(id)) => {
                EventSubject::Subscription(value(EVENTS, "subject_id", &id)?)
            }
            (UNRELATED, None) => EventSubject::Unrelated,
            _ => {
                return Err(corrupt(EVENTS, "subject_kind", "unknown kind, or missing id"));
            }
        };
        let event = ProviderEvent {
            id: value(EVENTS, "event_id", &self.event_id)?,
            kind: value(EVENTS, "kind", &self.kind)?,
            subject,
            created: Timestamp::from_millis(self.created_at),
        };
        let status: InboxStatus = value(EVENTS, "state", &self.state)?;
        Ok(InboxEvent {
            event,
            received: Timestamp::from_millis(self.received_at),
            state: InboxState::new(status, Timestamp::from_millis(self.state_at)),
            attempts: u32::try_from(self.attempts)
                .map_err(|error| corrupt(EVENTS, "attempts", error))?,
            error: self.error,
        })
    }
}

/// Parses claimed events, those due first. Also returns the ids and errors of invalid rows.
pub fn parse_claimed(mut rows: Vec<EventRow>) -> (Vec<InboxEvent>, Vec<(String, RepoError)>) {
    rows.sort_unstable_by(|a, b| (a.state_at, &a.event_id).cmp(&(b.state_at, &b.event_id)));
    let mut events = Vec::new();
    let mut corrupt = Vec::new();
    for row in rows {
        let id = row.event_id.clone();
        match row.parse() {
            Ok(event) => events.push(event),
            Err(error) => corrupt.push((id, error)),
        }
    }
    (events, corrupt)
}

/// Returns the state and the stored error of a disposition.
pub fn state_of(disposition: &Disposition) -> (InboxState, Option<String>) {
    match disposition {
        Disposition::Ignored(at) => (InboxState::Ignored(*at), None),
        Disposition::Retry(at, error) => (InboxState::Pending(*at), Some(error_text(error))),
        Disposition::Dead(at, error) => (InboxState::Dead(*at), Some(error_text(error))),
    }
}

/// Truncates an error and removes NUL, which Postgres does not store.
pub fn error_text(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_text_is_truncated_by_characters_and_has_no_nul() {
        assert_eq!(error_text(&"빌".repeat(501)), "빌".repeat(500));
        assert_eq!(error_text("a\0b"), "ab");
    }
}
