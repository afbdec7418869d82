//! All texts of the pages, in every supported language.

mod cancel;
mod card;
mod change;
mod checkout;
pub(super) mod countries;
mod english;
mod korean;
mod small;

use self::cancel::CancelText;
use self::card::CardText;
use self::change::ChangeText;
use self::checkout::CheckoutText;
use self::small::{BankText, DetailsText, DoneText, HistoryText, NoticeText, PlanText};
use crate::locale::Language;
use crate::model::{Interval, InvoiceStatus, Recurring};

/// The texts of one language. A text with values is a function, because word order differs.
pub(crate) struct Text {
    pub(crate) title: &'static str,
    pub(crate) account_name: &'static str,
    pub(crate) headline: &'static str,
    pub(crate) sandbox_badge: &'static str,
    pub(crate) sandbox_note: &'static str,
    pub(crate) return_to: fn(&str) -> String,
    pub(crate) privacy: &'static str,
    pub(crate) terms: &'static str,
    pub(crate) current_plan: &'static str,
    pub(crate) no_plan: &'static str,
    pub(crate) active: &'static str,
    pub(crate) renews_on: fn(&str) -> String,
    pub(crate) ends_on: fn(&str) -> String,
    pub(crate) per_unit: fn(&str) -> String,
    pub(crate) quantity: fn(i64) -> String,
    pub(crate) payment_methods: &'static str,
    pub(crate) no_payment_method: &'static str,
    pub(crate) default_method: &'static str,
    pub(crate) ending_in: &'static str,
    pub(crate) expires: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) billing_information: &'static str,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) address: &'static str,
    pub(crate) invoice_history: &'static str,
    pub(crate) no_invoices: &'static str,
    pub(crate) invoice_date: &'static str,
    pub(crate) invoice_amount: &'static str,
    pub(crate) invoice_status: &'static str,
    pub(crate) invoice_for: &'static str,
    pub(crate) view_invoice: &'static str,
    pub(crate) breadcrumb: &'static str,
    pub(crate) back_to_billing: &'static str,
    pub(crate) go_back: &'static str,
    pub(crate) problem: &'static str,
    pub(crate) problem_title: &'static str,
    pub(crate) save: &'static str,
    pub(crate) expired_title: &'static str,
    pub(crate) expired_message: &'static str,
    pub(crate) unknown_title: &'static str,
    pub(crate) unknown_message: &'static str,
    pub(crate) missing_title: &'static str,
    pub(crate) missing_message: &'static str,
    pub(crate) forged_title: &'static str,
    pub(crate) forged_message: &'static str,
    pub(crate) failed_title: &'static str,
    pub(crate) failed_message: &'static str,
    pub(crate) plan: PlanText,
    pub(crate) card: CardText,
    pub(crate) change: ChangeText,
    pub(crate) cancel: CancelText,
    pub(crate) checkout: CheckoutText,
    pub(crate) details: DetailsText,
    pub(crate) history: HistoryText,
    pub(crate) bank: BankText,
    pub(crate) done: DoneText,
    pub(crate) notices: NoticeText,
    interval: fn(Recurring) -> String,
    invoice_state: fn(InvoiceStatus) -> &'static str,
}

impl Language {
    /// Returns the texts of this language.
    pub(crate) const fn text(self) -> &'static Text {
        match self {
            Self::English => &english::TEXT,
            Self::Korean => &korean::TEXT,
        }
    }
}

impl Text {
    /// Returns a billing period: "per month", "every 3 months".
    pub(crate) fn interval(&self, recurring: Recurring) -> String {
        (self.interval)(recurring)
    }

    pub(crate) fn invoice_state(&self, status: InvoiceStatus) -> &'static str {
        (self.invoice_state)(status)
    }
}
