//! Opening a checkout session by the secret in its link.

use axum::http::HeaderMap;

use super::over::Over;
use crate::locale::Language;
use crate::model::{CheckoutSession, CheckoutStatus, Customer, PaymentMethod, Timestamp};
use crate::portal::language;
use crate::portal::text::Text;
use crate::state::State;

/// A session that can be paid, with its customer where there is one already.
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
    /// Opens the session; where that cannot be, says why, in the language to say it in.
    pub(super) fn enter(
        state: &'a State,
        token: &'a str,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, (Over, Language)> {
        let Some(session) = state.checkout_by_token(token) else {
            return Err((Over::Unknown, language::of_browser(headers)));
        };
        let customer = session.customer.as_deref().and_then(|id| state.live_customer(id));
        let preferred = customer.map_or(&[][..], |customer| &customer.preferred_locales);
        let language = language::of_session(session.locale.as_deref(), preferred, headers);
        let over = match session.status {
            CheckoutStatus::Complete => Some(Over::complete(session)),
            _ if !session.is_open(now) => Some(Over::Expired),
            // A customer who has come to pay in another currency cannot pay in this one.
            _ if customer.is_some_and(|customer| !fits(customer, session)) => Some(Over::Gone),
            _ if session.customer.is_some() && customer.is_none() => Some(Over::Gone),
            _ => None,
        };
        match over {
            Some(over) => Err((over, language)),
            None => Ok(Self { token, session, customer, state, now, language }),
        }
    }

    pub(super) fn text(&self) -> &'static Text {
        self.language.text()
    }

    /// The address of the page.
    pub(super) fn home(&self) -> String {
        format!("/c/pay/{}", self.token)
    }

    /// The address of the bank's page.
    pub(super) fn bank(&self) -> String {
        format!("{}/bank", self.home())
    }

    /// The customer's e-mail address, where it is settled: the customer's own, or what the session was made with.
    pub(super) fn email(&self) -> Option<&'a str> {
        let own = self.customer.and_then(|customer| customer.email.as_deref());
        own.or(self.session.customer_email.as_deref())
    }

    /// What is due on paying, with the customer's balance applied.
    pub(super) fn due(&self) -> i64 {
        self.session.amount.saturating_add(self.balance()).max(0)
    }

    pub(super) fn balance(&self) -> i64 {
        self.customer.map_or(0, |customer| customer.balance)
    }

    /// Whether a card has to be named.
    pub(super) fn asks_card(&self) -> bool {
        self.due() > 0 || !self.session.card_if_required
    }

    /// The card that the customer is offered to pay with: the default, else the one saved last (the published schema,
    /// `customer`).
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
