//! The sandbox's records. `view` renders them as Stripe's API objects.

/// Maps the values of an enumeration to Stripe's words.
macro_rules! words {
    ($kind:ty { $($value:ident => $word:literal),+ $(,)? }) => {
        impl $kind {
            /// Returns Stripe's word for the value.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }
        }
    };
}

mod checkout_session;
mod customer;
mod delivery;
mod event;
mod invoice;
mod payment_method;
mod portal_configuration;
mod portal_session;
mod price;
mod product;
mod subscription;
mod webhook_endpoint;

use std::collections::BTreeMap;

pub(crate) use self::checkout_session::{
    CheckoutChallenge, CheckoutItem, CheckoutSession, CheckoutStatus, Funding,
    MAX_CHECKOUT_SECONDS, MIN_CHECKOUT_SECONDS, Paying, SubscriptionTerms,
};
pub(crate) use self::customer::{Address, Customer, Shipping};
pub(crate) use self::delivery::{Delivery, DeliveryState};
pub(crate) use self::event::{Event, Origin};
pub(crate) use self::invoice::{
    BillingReason, HostedToken, Invoice, InvoiceLine, InvoiceStatus, PaymentFailure,
};
pub(crate) use self::payment_method::{
    BillingDetails, Card, CardBehaviour, ChargeOutcome, Decline, PaymentMethod,
};
pub(crate) use self::portal_configuration::{
    AdjustableQuantity, AllowedUpdate, CancelMode, CustomerField, CustomerUpdate, Feedback,
    OfferedProduct, PortalConfiguration, PortalFeatures, ProrationBehavior, SubscriptionCancel,
    SubscriptionUpdate,
};
pub(crate) use self::portal_session::{
    AfterCompletion, CHALLENGE_SECONDS, Challenge, ChallengePurpose, ConfirmItem, Flow, FlowTask,
    OPENED_SECONDS, PlanChoice, PortalSession, UNOPENED_SECONDS,
};
pub(crate) use self::price::{Interval, Price, Recurring};
pub(crate) use self::product::Product;
pub(crate) use self::subscription::{
    Cancellation, MissingPaymentMethod, Subscription, SubscriptionItem, SubscriptionStatus, Trial,
};
pub(crate) use self::webhook_endpoint::{SigningSecret, WebhookEndpoint};

/// The key-value pairs that clients attach to objects.
pub(crate) type Metadata = BTreeMap<String, String>;

/// Seconds since the Unix epoch.
pub(crate) type Timestamp = i64;

/// A record of a table. Most records belong to a customer; prices belong to a product.
pub(crate) trait Record {
    /// Returns the id, with Stripe's prefix.
    fn id(&self) -> &str;

    /// Returns the customer or the product whose lists contain the record.
    fn owner(&self) -> Option<&str>;
}

macro_rules! records {
    ($($kind:ident($record:pat) => $owner:expr,)+) => {
        $(impl Record for $kind {
            fn id(&self) -> &str {
                &self.id
            }

            fn owner(&self) -> Option<&str> {
                let $record = self;
                $owner
            }
        })+
    };
}

records! {
    CheckoutSession(record) => record.customer.as_deref(),
    Customer(_) => None,
    Event(_) => None,
    Invoice(record) => Some(&record.customer),
    PaymentMethod(record) => record.customer.as_deref(),
    PortalConfiguration(_) => None,
    Price(record) => Some(&record.product),
    Product(_) => None,
    Subscription(record) => Some(&record.customer),
    WebhookEndpoint(_) => None,
}
