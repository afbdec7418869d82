//! A service with a provider of its own, for one case at a time: what the provider does here meets nobody else.

use crate::portal::Portal;
use crate::stripe_stub::{Fault, StripeStub};
use crate::user::User;

/// See the module.
#[derive(Debug)]
pub struct StubFixture {
    /// The service.
    pub portal: Portal,
    /// Its provider.
    pub stub: StripeStub,
}

impl StubFixture {
    /// Makes this user's customer known, and scripts what happens to the next requests.
    ///
    /// # Panics
    /// When a fault's name is wrong.
    pub fn prepare(&self, user: &User, faults: &[String]) {
        self.stub.add_customer(&user.customer);
        self.stub.add_subscription(&user.customer, &user.subscription);
        for fault in faults {
            self.stub.push(Fault::from_name(fault).unwrap_or_else(|e| panic!("{e:?}")));
        }
    }
}
