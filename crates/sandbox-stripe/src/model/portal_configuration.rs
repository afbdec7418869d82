//! Portal configurations.

use serde::{Deserialize, Serialize};

use super::{Metadata, Timestamp};

/// A portal configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortalConfiguration {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) active: bool,
    pub(crate) is_default: bool,
    pub(crate) name: Option<String>,
    pub(crate) default_return_url: Option<String>,
    pub(crate) headline: Option<String>,
    pub(crate) privacy_policy_url: Option<String>,
    pub(crate) terms_of_service_url: Option<String>,
    pub(crate) features: PortalFeatures,
    pub(crate) metadata: Metadata,
}

/// The portal's five features; all off by default, as at Stripe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortalFeatures {
    pub(crate) customer_update: CustomerUpdate,
    pub(crate) invoice_history: bool,
    pub(crate) payment_method_update: bool,
    pub(crate) subscription_cancel: SubscriptionCancel,
    pub(crate) subscription_update: SubscriptionUpdate,
}

/// The customer data that customers may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CustomerUpdate {
    pub(crate) enabled: bool,
    pub(crate) allowed: Vec<CustomerField>,
}

/// A field of a customer's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CustomerField {
    Address,
    Email,
    Name,
    Phone,
    Shipping,
    /// The API accepts and returns it. The pages omit it, because the sandbox has no taxes.
    TaxId,
}

/// The settings for cancellations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionCancel {
    pub(crate) enabled: bool,
    pub(crate) mode: CancelMode,
    pub(crate) proration: ProrationBehavior,
    /// Whether the page asks the customer for a reason.
    pub(crate) asks_reason: bool,
    pub(crate) reasons: Vec<Feedback>,
}

/// When a cancellation takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CancelMode {
    AtPeriodEnd,
    Immediately,
}

/// Reasons for a cancellation (<https://docs.stripe.com/api/subscriptions/object>,
/// `cancellation_details.feedback`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Feedback {
    TooExpensive,
    MissingFeatures,
    SwitchedService,
    Unused,
    CustomerService,
    TooComplex,
    LowQuality,
    Other,
}

/// The settings for plan changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionUpdate {
    pub(crate) enabled: bool,
    pub(crate) allowed: Vec<AllowedUpdate>,
    /// The offered products. None means all active, recurring prices.
    pub(crate) products: Option<Vec<OfferedProduct>>,
    pub(crate) proration: ProrationBehavior,
    /// Whether a change starts a new billing period.
    pub(crate) resets_anchor: bool,
    /// Whether a change ends a trial.
    pub(crate) ends_trial: bool,
}

/// An aspect of a subscription that customers may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AllowedUpdate {
    Price,
    /// The API accepts and returns it. The pages omit it, because the sandbox has no coupons.
    PromotionCode,
    Quantity,
}

/// A product offered at these prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferedProduct {
    pub(crate) product: String,
    pub(crate) prices: Vec<String>,
    pub(crate) quantity: AdjustableQuantity,
}

/// Whether customers may choose the quantity, and its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdjustableQuantity {
    pub(crate) enabled: bool,
    pub(crate) minimum: i64,
    pub(crate) maximum: Option<i64>,
}

/// The treatment of paid, unused time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProrationBehavior {
    /// Credit it and invoice the difference immediately.
    AlwaysInvoice,
    /// Credit it and add the difference to the next invoice.
    CreateProrations,
    /// No credit.
    #[default]
    None,
}

impl PortalFeatures {
    /// The features of a new sandbox.
    pub(crate) fn all() -> Self {
        Self {
            customer_update: CustomerUpdate {
                enabled: true,
                allowed: vec![
                    CustomerField::Email,
                    CustomerField::Name,
                    CustomerField::Address,
                    CustomerField::Phone,
                ],
            },
            invoice_history: true,
            payment_method_update: true,
            subscription_cancel: SubscriptionCancel {
                enabled: true,
                asks_reason: true,
                reasons: Feedback::ALL.to_vec(),
                ..SubscriptionCancel::default()
            },
            subscription_update: SubscriptionUpdate {
                enabled: true,
                allowed: vec![AllowedUpdate::Price, AllowedUpdate::Quantity],
                proration: ProrationBehavior::AlwaysInvoice,
                ..SubscriptionUpdate::default()
            },
        }
    }
}

impl Default for SubscriptionCancel {
    fn default() -> Self {
        Self {
            enabled: false,
            mode: CancelMode::AtPeriodEnd,
            proration: ProrationBehavior::None,
            asks_reason: false,
            reasons: Vec::new(),
        }
    }
}

impl Default for AdjustableQuantity {
    fn default() -> Self {
        Self { enabled: false, minimum: 1, maximum: None }
    }
}

/// Defines both directions of the mapping between an enumeration and Stripe's words.
macro_rules! choices {
    ($kind:ty { $($value:ident => $word:literal),+ $(,)? }) => {
        words!($kind { $($value => $word),+ });

        impl $kind {
            /// All values.
            pub(crate) const ALL: &[Self] = &[$(Self::$value),+];

            /// All of Stripe's words, in the order of the values.
            pub(crate) const WORDS: &[&'static str] = &[$($word),+];

            /// Returns the value with this word.
            pub(crate) fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

choices!(CustomerField {
    Address => "address", Email => "email", Name => "name", Phone => "phone", Shipping => "shipping", TaxId => "tax_id",
});
choices!(CancelMode { AtPeriodEnd => "at_period_end", Immediately => "immediately" });
choices!(Feedback {
    TooExpensive => "too_expensive",
    MissingFeatures => "missing_features",
    SwitchedService => "switched_service",
    Unused => "unused",
    CustomerService => "customer_service",
    TooComplex => "too_complex",
    LowQuality => "low_quality",
    Other => "other",
});
choices!(AllowedUpdate { Price => "price", PromotionCode => "promotion_code", Quantity => "quantity" });
choices!(ProrationBehavior {
    AlwaysInvoice => "always_invoice", CreateProrations => "create_prorations", None => "none",
});
