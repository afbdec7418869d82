//! Rows of the inbox as they are stored, and the events that they stand for.

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
const NOBODY: &str = "nobody";

/// So many characters of an error are kept.
const ERROR_CHARS: usize = 500;

/// An event that is new. Ordered as the primary key is.
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
    /// The row of an event.
    pub fn new(at: &ProviderAccount, event: &ProviderEvent, received: Timestamp) -> Self {
        let (subject_kind, subject_id) = match &event.subject {
            EventSubject::Customer(id) => (CUSTOMER, Some(id.to_string())),
            EventSubject::Subscription(id) => (SUBSCRIPTION, Some(id.to_string())),
            EventSubject::Unrelated => (NOBODY, None),
        };
        Self {
            provider: at.provider().to_string(),
            mode: at.mode().as_str(),
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
    /// Parses the row; [`RepoError::Corrupt`] names the column that does not parse.
    pub fn parse(self) -> Result<InboxEvent, RepoError> {
        let subject = match (self.subject_kind.as_str(), self.subject_id) {
            (CUSTOMER, Some(id)) => EventSubject::Customer(value(EVENTS, "subject_id", &id)?),
            (SUBSCRIPTION, Some(id)) => {
                EventSubject::Subscription(value(EVENTS, "subject_id", &id)?)
            }
            (NOBODY, None) => EventSubject::Unrelated,
            _ => {
                return Err(corrupt(
                    EVENTS,
                    "subject_kind",
                    "no such kind of subject, or its id is missing",
                ));
            }
        };
        let event = ProviderEvent {
            id: value(EVENTS, "event_id", &self.event_id)?,
            kind: value(EVENTS, "kind", &self.kind)?,
            subject,
            created: Timestamp::from_millis(self.created_at),
        };
        let word: InboxStatus = value(EVENTS, "state", &self.state)?;
        Ok(InboxEvent {
            event,
            received: Timestamp::from_millis(self.received_at),
            state: InboxState::new(word, Timestamp::from_millis(self.state_at)),
            attempts: u32::try_from(self.attempts)
                .map_err(|error| corrupt(EVENTS, "attempts", error))?,
            error: self.error,
        })
    }
}

/// Events as they are handed out: those due first come first. And the ids of rows that do not parse, each with what is wrong.
pub fn handed_out(mut rows: Vec<EventRow>) -> (Vec<InboxEvent>, Vec<(String, RepoError)>) {
    rows.sort_unstable_by(|a, b| (a.state_at, &a.event_id).cmp(&(b.state_at, &b.event_id)));
    let (mut events, mut corrupt) = (Vec::new(), Vec::new());
    for row in rows {
        let id = row.event_id.clone();
        match row.parse() {
            Ok(event) => events.push(event),
            Err(error) => corrupt.push((id, error)),
        }
    }
    (events, corrupt)
}

/// The state that a disposition leads to, and the error as its column has it.
pub fn state_of(disposition: &Disposition) -> (InboxState, Option<String>) {
    match disposition {
        Disposition::Ignored(at) => (InboxState::Ignored(*at), None),
        Disposition::Retry(at, error) => (InboxState::Pending(*at), Some(error_text(error))),
        Disposition::Dead(at, error) => (InboxState::Dead(*at), Some(error_text(error))),
    }
}

/// Without the one character that Postgres keeps in no text.
pub fn error_text(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_cut_by_characters() {
        assert_eq!(error_text(&"빌".repeat(501)), "빌".repeat(500));
        assert_eq!(error_text("a\0b"), "ab");
    }
}
