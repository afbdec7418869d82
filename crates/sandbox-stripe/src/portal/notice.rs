//! What a page says of what was just done: fixed words in the address, never a text from it.

use super::sessions::Visit;
use super::text::Text;

/// The name in the query.
const NAME: &str = "done";

/// Something to be said once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    CardAdded,
    CardDefault,
    CardRemoved,
    DetailsSaved,
    PlanChanged,
    PlanCanceled,
    PlanEnded,
    PlanKept,
    /// What a form was about is no more what it was; nothing was done.
    Changed,
    /// The figures were too old; these are fresh ones.
    Stale,
    /// The bank's customer said no, or nothing in time.
    NotAuthenticated,
}

/// A notice as a page shows it.
pub(super) struct Shown {
    pub(super) message: &'static str,
    /// Whether something was not done.
    pub(super) bad: bool,
}

impl Notice {
    const ALL: [Self; 11] = [
        Self::CardAdded,
        Self::CardDefault,
        Self::CardRemoved,
        Self::DetailsSaved,
        Self::PlanChanged,
        Self::PlanCanceled,
        Self::PlanEnded,
        Self::PlanKept,
        Self::Changed,
        Self::Stale,
        Self::NotAuthenticated,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::CardAdded => "card_added",
            Self::CardDefault => "card_default",
            Self::CardRemoved => "card_removed",
            Self::DetailsSaved => "details_saved",
            Self::PlanChanged => "plan_changed",
            Self::PlanCanceled => "plan_canceled",
            Self::PlanEnded => "plan_ended",
            Self::PlanKept => "plan_kept",
            Self::Changed => "changed",
            Self::Stale => "stale",
            Self::NotAuthenticated => "not_authenticated",
        }
    }

    /// The address with the notice in it.
    pub(super) fn on(self, address: &str) -> String {
        let mark = if address.contains('?') { '&' } else { '?' };
        format!("{address}{mark}{NAME}={}", self.word())
    }

    /// What the address asks the page to say.
    pub(super) fn of(visit: &Visit<'_>) -> Option<Shown> {
        let word = visit.request.query.text(NAME);
        let notice = Self::ALL.into_iter().find(|notice| notice.word() == word)?;
        let bad = matches!(notice, Self::Changed | Self::Stale | Self::NotAuthenticated);
        let message = match notice {
            Self::CardDefault if visit.has_own_card() => visit.text().notices.card_default_but_own,
            _ => notice.message(visit.text()),
        };
        Some(Shown { message, bad })
    }

    fn message(self, text: &Text) -> &'static str {
        let notices = &text.notices;
        match self {
            Self::CardAdded => notices.card_added,
            Self::CardDefault => notices.card_default,
            Self::CardRemoved => notices.card_removed,
            Self::DetailsSaved => notices.details_saved,
            Self::PlanChanged => notices.plan_changed,
            Self::PlanCanceled => notices.plan_canceled,
            Self::PlanEnded => notices.plan_ended,
            Self::PlanKept => notices.plan_kept,
            Self::Changed => notices.changed,
            Self::Stale => notices.stale,
            Self::NotAuthenticated => notices.not_authenticated,
        }
    }
}
