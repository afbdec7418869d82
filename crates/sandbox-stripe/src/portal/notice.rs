//! The notice after an action. The URL contains a fixed word and never the text itself.

use super::sessions::Visit;
use super::text::Text;

/// The name of the query parameter.
const NAME: &str = "done";

/// A notice to show once.
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
    /// The form's data was out of date; nothing was changed.
    Changed,
    /// The preview's amounts were too old; the page shows current ones.
    Stale,
    /// The cardholder refused, or the challenge expired.
    NotAuthenticated,
}

/// A notice as the page shows it.
pub(super) struct NoticeView {
    pub(super) message: &'static str,
    /// Whether it reports a failure.
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

    /// Adds the notice to a URL.
    pub(super) fn on(self, address: &str) -> String {
        let mark = if address.contains('?') { '&' } else { '?' };
        format!("{address}{mark}{NAME}={}", self.word())
    }

    /// Returns the notice that the URL requests.
    pub(super) fn of(visit: &Visit<'_>) -> Option<NoticeView> {
        let word = visit.request.query.text(NAME);
        let notice = Self::ALL.into_iter().find(|notice| notice.word() == word)?;
        let bad = matches!(notice, Self::Changed | Self::Stale | Self::NotAuthenticated);
        let message = match notice {
            Self::CardDefault if visit.has_own_card() => visit.text().notices.card_default_but_own,
            _ => notice.message(visit.text()),
        };
        Some(NoticeView { message, bad })
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
