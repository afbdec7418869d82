//! A fixture for provider faults: a service with its own Stripe stub, used by one case at a time.

use crate::portal::Portal;
use crate::stripe_stub::{Fault, StripeStub};
use crate::user::User;

/// A running service with its own Stripe stub.
#[derive(Debug)]
pub struct StubFixture {
    /// The running service.
    pub portal: Portal,
    /// The stub of its provider.
    pub stub: StripeStub,
}

impl StubFixture {
    /// Adds the user's customer to the stub and scripts the faults of the next requests.
    ///
    /// # Panics
    /// When a fault's name is unknown.
    pub fn prepare(&self, user: &User, faults: &[String]) {
        self.stub.add_customer(&user.customer);
        self.stub.add_subscription(&user.customer, &user.subscription);
        for fault in faults {
            self.stub.push(Fault::from_name(fault).unwrap_or_else(|e| panic!("{e:?}")));
        }
    }
}
