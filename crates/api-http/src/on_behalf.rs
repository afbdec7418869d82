//! Operations for a user named by the embedding application, without a credential.

use billing_domain::{
    BillingCycle, Deadline, OpenPortal, PortalSession, Principal, RequestOrigin, StartCheckout,
    StartedCheckout,
};
use http::request::Parts;
use http_edge::{ClientAddress, Problem, RequestId};

use crate::problem;
use crate::state::AppState;

impl AppState {
    /// Opens the portal on its front page for this principal, as the API's routes do.
    ///
    /// # Errors
    /// The problem that the API's routes return; `rate_limited` if the principal's limit is used up.
    pub async fn open_portal(
        &self,
        principal: &Principal,
        request: &Parts,
    ) -> Result<PortalSession, Problem> {
        if let Some(wait) = self.limits.over_limit(principal, &request.extensions) {
            return Err(problem::rate_limited(wait));
        }
        let portal = OpenPortal {
            return_url: None,
            locale: None,
            flow: None,
            deadline: self.deadline(request),
            origin: origin(request),
        };
        let opened = self.portal.open(principal, portal).await;
        opened.map_err(|error| problem::from_portal_error(error, true))
    }

    /// Starts a checkout of this plan for this principal, as the API's routes do.
    ///
    /// # Errors
    /// The problem that the API's routes return; `rate_limited` if the principal's limit is used up.
    pub async fn start_checkout(
        &self,
        principal: &Principal,
        plan: &str,
        cycle: BillingCycle,
        request: &Parts,
    ) -> Result<StartedCheckout, Problem> {
        if let Some(wait) = self.limits.over_limit(principal, &request.extensions) {
            return Err(problem::rate_limited(wait));
        }
        let checkout = StartCheckout {
            plan: plan.to_owned(),
            cycle,
            success_url: None,
            cancel_url: None,
            key: None,
            deadline: self.deadline(request),
            origin: origin(request),
        };
        let started = self.checkout.start(principal, checkout).await;
        started.map_err(|error| problem::from_checkout_error(error, true))
    }

    fn deadline(&self, request: &Parts) -> Deadline {
        let deadline = request.extensions.get::<Deadline>().copied();
        deadline.unwrap_or_else(|| Deadline::after(self.request_timeout))
    }
}

fn origin(request: &Parts) -> RequestOrigin {
    let source = request.extensions.get::<ClientAddress>();
    RequestOrigin {
        request_id: request.extensions.get::<RequestId>().map(ToString::to_string),
        source: source.map(|source| source.ip().to_string()),
    }
}
