//! What the inbox keeps about events, and how it hands them out.

use crate::{EventId, ProviderEvent, Timestamp};

/// An event in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEvent {
    /// The event.
    pub event: ProviderEvent,
    /// When it was first delivered.
    pub received: Timestamp,
    /// How far it is.
    pub state: InboxState,
    /// How often somebody set about it.
    pub attempts: u32,
    /// Why the last attempt came to nothing, for operators.
    pub error: Option<String>,
}

/// How far an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxState {
    /// It is to be applied, now or at this moment.
    Pending(Timestamp),
    /// It was applied: the mirror is at least as new as the event.
    Applied(Timestamp),
    /// It is about nobody that counts here.
    Ignored(Timestamp),
    /// It was tried often enough, and waits for an operator.
    Dead(Timestamp),
}

/// What names one run over some events: who loses it in time loses them. Random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimToken(pub String);

/// Events that were handed out, with what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedEvents {
    /// The proof.
    pub token: ClaimToken,
    /// The events.
    pub events: Vec<EventId>,
}

/// Which events to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxQuery {
    /// Only those in this state: `pending`, `applied`, `ignored` or `dead`.
    pub state: Option<InboxStatus>,
    /// At most so many, the newest first.
    pub limit: u32,
}

/// A state without its moment.
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

/// No such state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a state is `pending`, `applied`, `ignored` or `dead`")]
pub struct InboxStatusError;

/// How full the inbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    /// Events to be applied.
    pub pending: u64,
    /// Events that wait for an operator.
    pub dead: u64,
    /// When the oldest pending one was received.
    pub oldest_pending: Option<Timestamp>,
}

/// Which events to apply once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayScope {
    /// This event, in any state.
    Event(EventId),
    /// All dead events.
    AllDead,
}

impl InboxStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Applied, Self::Ignored, Self::Dead];

    /// The word.
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
        Self::ALL.into_iter().find(|word| word.as_str() == text).ok_or(InboxStatusError)
    }
}

impl InboxState {
    /// The state's word and its moment.
    #[must_use]
    pub const fn parts(self) -> (InboxStatus, Timestamp) {
        match self {
            Self::Pending(at) => (InboxStatus::Pending, at),
            Self::Applied(at) => (InboxStatus::Applied, at),
            Self::Ignored(at) => (InboxStatus::Ignored, at),
            Self::Dead(at) => (InboxStatus::Dead, at),
        }
    }

    /// The state of these parts.
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
