//! Creates the events of the fake's changes.

use billing_domain::{CustomerId, EventSubject, ProviderEvent};

use super::state::State;

impl State {
    /// Creates an event about a customer.
    pub(super) fn event(&mut self, kind: &str, customer: &CustomerId) -> ProviderEvent {
        self.event_about(kind, EventSubject::Customer(customer.clone()))
    }

    pub(super) fn event_about(&mut self, kind: &str, subject: EventSubject) -> ProviderEvent {
        let number = self.next();
        ProviderEvent {
            id: format!("evt_fake_{number}").parse().expect("an event's id"),
            kind: kind.parse().expect("an event's kind"),
            subject,
            created: self.now(),
        }
    }
}
