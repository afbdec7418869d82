//! Opens a session by the secret in its link.

use std::io;

use axum::http::HeaderMap;

use super::form::Form;
use super::language;
use super::page::Refusal;
use super::text::Text;
use crate::ids;
use crate::locale::Language;
use crate::model::{
    Customer, OPENED_SECONDS, PaymentMethod, PortalConfiguration, PortalSession, Subscription,
    Timestamp,
};
use crate::state::State;
use crate::store::Store;
use crate::transaction::Transaction;

/// A view extends the session. Extensions below this threshold are not written to the journal.
const MIN_EXTENSION_SECONDS: i64 = 60;

/// The request for a page.
pub(super) struct Request<'a> {
    /// The secret in the link.
    pub(super) token: &'a str,
    /// The id of a card or a subscription in the path; empty if there is none.
    pub(super) id: &'a str,
    pub(super) query: &'a Form,
    pub(super) headers: &'a HeaderMap,
}

/// An open session with its customer.
pub(super) struct Visit<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) session: &'a PortalSession,
    pub(super) customer: &'a Customer,
    pub(super) configuration: &'a PortalConfiguration,
    pub(super) state: &'a State,
    pub(super) now: Timestamp,
    pub(super) language: Language,
}

impl Visit<'_> {
    pub(super) fn text(&self) -> &'static Text {
        self.language.text()
    }

    /// Returns the URL of the portal's first page.
    pub(super) fn home(&self) -> String {
        format!("/p/session/{}", self.request.token)
    }

    /// Returns the URL of another page.
    pub(super) fn address(&self, rest: &str) -> String {
        format!("{}/{rest}", self.home())
    }

    /// Returns the customer's running subscription with this id.
    pub(super) fn subscription(&self, id: &str) -> Result<&Subscription, Refusal> {
        let found =
            self.state.subscriptions.get(id).filter(|found| found.customer == self.customer.id);
        found.filter(|found| found.is_running()).ok_or(Refusal::Unknown)
    }

    /// Returns whether a running subscription has a payment method of its own.
    pub(super) fn has_own_card(&self) -> bool {
        let mut all = self.state.subscriptions.of(&self.customer.id);
        all.any(|subscription| {
            subscription.is_running() && subscription.default_payment_method.is_some()
        })
    }

    /// Returns the customer's card with this id.
    pub(super) fn card(&self, id: &str) -> Result<&PaymentMethod, Refusal> {
        let found = self.state.payment_methods.get(id);
        found
            .filter(|found| found.customer.as_ref() == Some(&self.customer.id))
            .ok_or(Refusal::Unknown)
    }
}

/// Opens and extends the session and shows a page. An error contains the language for its page.
pub(super) fn look<R>(
    store: &Store,
    request: &Request<'_>,
    look: impl FnOnce(&Visit<'_>) -> Result<R, Refusal>,
) -> Result<R, (Refusal, Language)> {
    let now = store.now();
    let mut language = language::of_browser(request.headers);
    let outcome = store.read(|state| {
        let session = find(state, request.token, now)?;
        let visit = enter(state, request, session, now)?;
        language = visit.language;
        let late = now + OPENED_SECONDS - session.expires_at >= MIN_EXTENSION_SECONDS;
        Ok((look(&visit), late))
    });
    let (seen, late) = outcome.map_err(|refusal| (refusal, language))?;
    if late && let Err(error) = prolong(store, request.token) {
        return Err((error.into(), language));
    }
    seen.map_err(|refusal| (refusal, language))
}

/// Opens the session and runs an action in a transaction.
pub(super) fn act<R>(
    store: &Store,
    request: &Request<'_>,
    act: impl FnOnce(&Visit<'_>, &mut Transaction<'_>) -> Result<R, Refusal>,
) -> Result<R, (Refusal, Language)> {
    let mut language = language::of_browser(request.headers);
    let outcome = store.transact(|transaction| {
        let now = transaction.now();
        let mut session = find(transaction.state(), request.token, now)?.clone();
        if now + OPENED_SECONDS - session.expires_at >= MIN_EXTENSION_SECONDS {
            session.expires_at = now + OPENED_SECONDS;
            transaction.put(session.clone());
        }
        let visit = enter(transaction.state(), request, &session, now)?;
        language = visit.language;
        act(&visit, transaction)
    });
    outcome.map_err(|refusal| (refusal, language))
}

fn find<'a>(state: &'a State, token: &str, now: Timestamp) -> Result<&'a PortalSession, Refusal> {
    let session = state.portal_sessions.get(&ids::digest(token)).ok_or(Refusal::Unknown)?;
    if session.is_open(now) { Ok(session) } else { Err(Refusal::Expired) }
}

fn enter<'a>(
    state: &'a State,
    request: &'a Request<'a>,
    session: &'a PortalSession,
    now: Timestamp,
) -> Result<Visit<'a>, Refusal> {
    let customer = state.live_customer(&session.customer).ok_or(Refusal::Expired)?;
    let configuration =
        state.portal_configurations.get(&session.configuration).ok_or(Refusal::Expired)?;
    let language = language::of_session(
        session.locale.as_deref(),
        &customer.preferred_locales,
        request.headers,
    );
    Ok(Visit { request, session, customer, configuration, state, now, language })
}

fn prolong(store: &Store, token: &str) -> io::Result<()> {
    store.transact(|transaction| {
        let now = transaction.now();
        let open = transaction
            .state()
            .portal_sessions
            .get(&ids::digest(token))
            .filter(|session| session.is_open(now));
        if let Some(session) = open {
            let mut session = session.clone();
            session.expires_at = now + OPENED_SECONDS;
            transaction.put(session);
        }
        Ok(())
    })
}
