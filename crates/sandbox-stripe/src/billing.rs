//! Billing: subscribing, changing, cancelling, renewing, invoicing, paying.

mod cancel;
mod catch_up;
mod change;
mod confirm;
mod invoicing;
mod lines;
mod pay;
mod period;
mod preview;
#[cfg(test)]
mod properties;
mod subscribe;

pub(crate) use self::cancel::{
    Cancelling, cancel_at_period_end, cancel_now, end_with_customer, undo_cancellation,
};
pub(crate) use self::catch_up::catch_up;
pub(crate) use self::change::{ChangeError, ItemChange, PlanChange, Planned, plan};
pub(crate) use self::confirm::{ConfirmError, PaymentBehavior, confirm};
pub(crate) use self::pay::{pay, payer, release};
pub(crate) use self::period::period_end;
pub(crate) use self::preview::{last, preview, upcoming};
pub(crate) use self::subscribe::{NewItem, NewSubscription, SubscribeError, resume, subscribe};
