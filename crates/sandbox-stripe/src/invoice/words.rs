//! The texts of invoices, in every supported language.

use crate::locale::Language;
use crate::model::{Invoice, InvoiceStatus};

/// The texts of one language.
pub(super) struct Words {
    pub(super) invoice: &'static str,
    pub(super) number: &'static str,
    pub(super) issued: &'static str,
    pub(super) paid_on: &'static str,
    pub(super) voided_on: &'static str,
    pub(super) from: &'static str,
    pub(super) bill_to: &'static str,
    pub(super) description: &'static str,
    pub(super) quantity: &'static str,
    pub(super) unit_price: &'static str,
    pub(super) amount: &'static str,
    pub(super) subtotal: &'static str,
    pub(super) total: &'static str,
    pub(super) applied_balance: &'static str,
    pub(super) amount_paid: &'static str,
    pub(super) amount_due: &'static str,
    pub(super) download: &'static str,
    pub(super) draft: &'static str,
    pub(super) page_of: fn(usize, usize) -> String,
    pub(super) unknown_title: &'static str,
    pub(super) unknown_message: &'static str,
    /// The heading: the amount, its status and the date.
    pub(super) headline: fn(InvoiceStatus, &str, &str) -> String,
    /// Proration lines: credit for unused time, and the charge for remaining time.
    pub(super) unused: Option<fn(&str) -> String>,
    pub(super) remaining: Option<fn(&str) -> String>,
    pub(super) trial: Option<fn(&str) -> String>,
}

/// Returns the texts of this language.
pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Korean => &KOREAN,
    }
}

const ENGLISH: Words = Words {
    invoice: "Invoice",
    number: "Invoice number",
    issued: "Date of issue",
    paid_on: "Date paid",
    voided_on: "Date voided",
    from: "From",
    bill_to: "Bill to",
    description: "Description",
    quantity: "Qty",
    unit_price: "Unit price",
    amount: "Amount",
    subtotal: "Subtotal",
    total: "Total",
    applied_balance: "Applied balance",
    amount_paid: "Amount paid",
    amount_due: "Amount due",
    download: "Download invoice",
    draft: "Draft",
    page_of: |page, pages| format!("Page {page} of {pages}"),
    unknown_title: "This invoice does not exist",
    unknown_message: "There is no invoice at this address. Check that the link is complete.",
    headline: |status, amount, day| match status {
        InvoiceStatus::Draft => format!("{amount} (draft)"),
        InvoiceStatus::Open => format!("{amount} due"),
        InvoiceStatus::Paid => format!("{amount} paid on {day}"),
        InvoiceStatus::Uncollectible => format!("{amount} uncollectible"),
        InvoiceStatus::Void => format!("{amount} voided on {day}"),
    },
    // The invoice lines are already in English.
    unused: None,
    remaining: None,
    trial: None,
};

const KOREAN: Words = Words {
    invoice: "청구서",
    number: "청구서 번호",
    issued: "발행일",
    paid_on: "결제일",
    voided_on: "무효 처리일",
    from: "공급자",
    bill_to: "청구받는 분",
    description: "내역",
    quantity: "수량",
    unit_price: "단가",
    amount: "금액",
    subtotal: "소계",
    total: "합계",
    applied_balance: "적용된 잔액",
    amount_paid: "결제한 금액",
    amount_due: "결제할 금액",
    download: "청구서 다운로드",
    draft: "초안",
    page_of: |page, pages| format!("{page} / {pages}쪽"),
    unknown_title: "존재하지 않는 청구서입니다",
    unknown_message: "이 주소에 해당하는 청구서가 없습니다. 링크가 올바른지 확인해 주세요.",
    headline: |status, amount, day| match status {
        InvoiceStatus::Draft => format!("{amount} (초안)"),
        InvoiceStatus::Open => format!("{amount} 결제 예정"),
        InvoiceStatus::Paid => format!("{day} {amount} 결제 완료"),
        InvoiceStatus::Uncollectible => format!("{amount} 회수 불가"),
        InvoiceStatus::Void => format!("{day} {amount} 무효 처리됨"),
    },
    unused: Some(|name| format!("{name} 미사용 기간")),
    remaining: Some(|name| format!("{name} 남은 기간")),
    trial: Some(|name| format!("{name} 무료 체험 기간")),
};

/// Returns the headline's amount: the amount paid for a paid invoice, otherwise the amount due.
pub(super) fn headline_amount(invoice: &Invoice) -> i64 {
    match invoice.status {
        InvoiceStatus::Paid => invoice.amount_paid,
        InvoiceStatus::Open => invoice.amount_remaining(),
        InvoiceStatus::Draft | InvoiceStatus::Uncollectible | InvoiceStatus::Void => {
            invoice.amount_due()
        }
    }
}
