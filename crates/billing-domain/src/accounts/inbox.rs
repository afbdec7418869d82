//! The values of the event inbox.

use crate::{EventId, ProviderEvent, Timestamp};

/// An event in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEvent {
    /// The event.
    pub event: ProviderEvent,
    /// The time of the first delivery.
    pub received: Timestamp,
    /// The processing state.
    pub state: InboxState,
    /// The number of attempts.
    pub attempts: u32,
    /// The error of the last attempt, for operators.
    pub error: Option<String>,
}

/// The processing state of an event, with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxState {
    /// The event is due at this time.
    Pending(Timestamp),
    /// The event was applied: the mirror is at least as recent as the event.
    Applied(Timestamp),
    /// The event concerns no customer of this service.
    Ignored(Timestamp),
    /// The event is dead-lettered: an operator must replay it.
    Dead(Timestamp),
}

/// A random token that identifies one claim of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimToken(pub String);

/// Claimed events and the token of the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedEvents {
    /// The token.
    pub token: ClaimToken,
    /// The events.
    pub events: Vec<EventId>,
}

/// A query for events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxQuery {
    /// Only events with this status.
    pub state: Option<InboxStatus>,
    /// Maximum number of events. The list starts with the newest event.
    pub limit: u32,
}

/// An [`InboxState`] without its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InboxStatus {
    /// See [`InboxState::Pending`].
    Pending,
    /// See [`InboxState::Applied`].
    Applied,
    /// See [`InboxState::Ignored`].
    Ignored,
    /// See [`InboxState::Dead`].
    Dead,
}

/// The text is not an inbox status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a state must be `pending`, `applied`, `ignored` or `dead`")]
pub struct InboxStatusError;

/// The numbers of events in the inbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    /// Pending events.
    pub pending: u64,
    /// Dead-lettered events.
    pub dead: u64,
    /// The time when the oldest pending event was received.
    pub oldest_pending: Option<Timestamp>,
}

/// The events that a replay resets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayScope {
    /// This event, in any state.
    Event(EventId),
    /// All dead events.
    AllDead,
}

impl InboxStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Applied, Self::Ignored, Self::Dead];

    /// Returns the status' name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for InboxStatus {
    type Err = InboxStatusError;

    fn from_str(text: &str) -> Result<Self, InboxStatusError> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(InboxStatusError)
    }
}

impl InboxState {
    /// Splits the state into status and time.
    #[must_use]
    pub const fn parts(self) -> (InboxStatus, Timestamp) {
        match self {
            Self::Pending(at) => (InboxStatus::Pending, at),
            Self::Applied(at) => (InboxStatus::Applied, at),
            Self::Ignored(at) => (InboxStatus::Ignored, at),
            Self::Dead(at) => (InboxStatus::Dead, at),
        }
    }

    /// Creates a state from status and time.
    #[must_use]
    pub const fn new(status: InboxStatus, at: Timestamp) -> Self {
        match status {
            InboxStatus::Pending => Self::Pending(at),
            InboxStatus::Applied => Self::Applied(at),
            InboxStatus::Ignored => Self::Ignored(at),
            InboxStatus::Dead => Self::Dead(at),
        }
    }
}
