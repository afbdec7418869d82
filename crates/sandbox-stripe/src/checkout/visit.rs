//! Opens a checkout session by the secret in its link.

use axum::http::HeaderMap;

use super::unavailable::Unavailable;
use crate::locale::Language;
use crate::model::{CheckoutSession, CheckoutStatus, Customer, PaymentMethod, Timestamp};
use crate::portal::language;
use crate::portal::text::Text;
use crate::state::State;

/// A payable session with its customer, if it has one.
pub(super) struct Visit<'a> {
    /// The secret in the link.
    pub(super) token: &'a str,
    pub(super) session: &'a CheckoutSession,
    pub(super) customer: Option<&'a Customer>,
    pub(super) state: &'a State,
    pub(super) now: Timestamp,
    pub(super) language: Language,
}

impl<'a> Visit<'a> {
    /// Opens the session, or returns the reason why it cannot be paid and the language of the page.
    pub(super) fn enter(
        state: &'a State,
        token: &'a str,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, (Unavailable, Language)> {
        let Some(session) = state.checkout_by_token(token) else {
            return Err((Unavailable::Unknown, language::of_browser(headers)));
        };
        let customer = session.customer.as_deref().and_then(|id| state.live_customer(id));
        let preferred = customer.map_or(&[][..], |customer| &customer.preferred_locales);
        let language = language::of_session(session.locale.as_deref(), preferred, headers);
        let reason = match session.status {
            CheckoutStatus::Complete => Some(Unavailable::complete(session)),
            _ if !session.is_open(now) => Some(Unavailable::Expired),
            // A customer pays in one currency only.
            _ if customer.is_some_and(|customer| !fits(customer, session)) => {
                Some(Unavailable::Gone)
            }
            _ if session.customer.is_some() && customer.is_none() => Some(Unavailable::Gone),
            _ => None,
        };
        match reason {
            Some(reason) => Err((reason, language)),
            None => Ok(Self { token, session, customer, state, now, language }),
        }
    }

    pub(super) fn text(&self) -> &'static Text {
        self.language.text()
    }

    /// Returns the page's URL.
    pub(super) fn home(&self) -> String {
        format!("/c/pay/{}", self.token)
    }

    /// Returns the bank page's URL.
    pub(super) fn bank(&self) -> String {
        format!("{}/bank", self.home())
    }

    /// Returns the known e-mail address: the customer's, or the session's.
    pub(super) fn email(&self) -> Option<&'a str> {
        let own = self.customer.and_then(|customer| customer.email.as_deref());
        own.or(self.session.customer_email.as_deref())
    }

    /// Returns the amount due now, with the customer's balance applied.
    pub(super) fn due(&self) -> i64 {
        self.session.amount.saturating_add(self.balance()).max(0)
    }

    pub(super) fn balance(&self) -> i64 {
        self.customer.map_or(0, |customer| customer.balance)
    }

    /// Returns whether a card is required.
    pub(super) fn asks_card(&self) -> bool {
        self.due() > 0 || !self.session.card_if_required
    }

    /// Returns the saved card to offer: the default card, or else the newest one (the published
    /// schema, `customer`).
    pub(super) fn saved_card(&self) -> Option<&'a PaymentMethod> {
        let customer = self.customer?;
        let saved = || {
            let all = self.state.payment_methods.of(&customer.id);
            all.filter(|method| !method.card.has_expired(self.now))
        };
        saved()
            .find(|method| customer.default_payment_method.as_ref() == Some(&method.id))
            .or_else(|| saved().next())
    }
}

fn fits(customer: &Customer, session: &CheckoutSession) -> bool {
    customer.currency.as_ref().is_none_or(|currency| *currency == session.currency)
}
