//! Checks the PDF as a reader sees it, with `pdftotext`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::invoice::document::Document;
use crate::locale::Language;
use crate::model::{
    Address, BillingReason, Customer, Invoice, InvoiceLine, InvoiceStatus, Metadata,
};

const DAY: i64 = 86_400;
const JANUARY_1: i64 = 1_798_761_600; // 2027-01-01T00:00:00Z

fn line(description: &str, unit_amount: i64, quantity: i64) -> InvoiceLine {
    InvoiceLine {
        id: "il_1".to_owned(),
        description: description.to_owned(),
        amount: unit_amount * quantity,
        quantity,
        price: "price_1".to_owned(),
        product: "prod_1".to_owned(),
        unit_amount,
        subscription_item: None,
        proration: false,
        period_start: JANUARY_1,
        period_end: JANUARY_1 + 31 * DAY,
    }
}

fn invoice(name: &str, lines: Vec<InvoiceLine>) -> Invoice {
    let total = lines.iter().map(|line| line.amount).sum();
    Invoice {
        id: "in_1".to_owned(),
        created: JANUARY_1,
        number: Some("ABCD1234-0007".to_owned()),
        customer: "cus_1".to_owned(),
        customer_name: Some(name.to_owned()),
        customer_email: Some("jenny@example.com".to_owned()),
        subscription: None,
        status: InvoiceStatus::Paid,
        billing_reason: BillingReason::SubscriptionCycle,
        currency: "usd".to_owned(),
        period_start: JANUARY_1,
        period_end: JANUARY_1,
        lines,
        starting_balance: 0,
        ending_balance: Some(0),
        amount_paid: total,
        attempt_count: 1,
        failure: None,
        hosted_token: None,
        finalized_at: Some(JANUARY_1),
        paid_at: Some(JANUARY_1),
        voided_at: None,
        metadata: Metadata::new(),
    }
}

fn customer() -> Customer {
    Customer {
        id: "cus_1".to_owned(),
        address: Some(Address {
            line1: Some("510 Townsend Street".to_owned()),
            city: Some("San Francisco".to_owned()),
            state: Some("CA".to_owned()),
            postal_code: Some("94103".to_owned()),
            country: Some("US".to_owned()),
            ..Address::default()
        }),
        ..Customer::default()
    }
}

fn file(invoice: &Invoice, language: Language) -> Vec<u8> {
    render(&Document::of(invoice, &customer(), language))
}

/// Returns the file's text, page by page.
fn text(file: &[u8]) -> String {
    let mut reader = Command::new("pdftotext")
        .args(["-layout", "-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext, from poppler-utils, is installed");
    reader.stdin.take().expect("piped").write_all(file).expect("read");
    let output = reader.wait_with_output().expect("ended");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn assert_holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn the_text_has_number_customer_lines_and_sums() {
    let mut invoice = invoice(
        "Jenny Rosén",
        vec![line("Setup", 5_000, 1), line("3 × Professional plan (at $20.00 / month)", 2_000, 3)],
    );
    invoice.starting_balance = -1_000;
    invoice.amount_paid = 10_000;
    let file = file(&invoice, Language::English);
    let text = text(&file);
    assert_holds(
        &text,
        &[
            "ABCD1234-0007",
            "Jenny Rosén",
            "jenny@example.com",
            "510 Townsend Street",
            "Setup",
            "Professional plan",
        ],
    );
    assert_holds(
        &text,
        &[
            "San Francisco CA 94103",
            "January 1, 2027 – February 1, 2027",
            "$100.00 paid on January 1, 2027",
        ],
    );
    assert_holds(
        &text,
        &[
            "$60.00",
            "Subtotal",
            "$110.00",
            "Applied balance",
            "-$10.00",
            "Amount due",
            "$0.00",
            "Page 1 of 1",
        ],
    );
}

#[test]
fn korean_text_is_searchable() {
    let mut invoice = invoice(
        "주식회사 한빛 (Hanbit)",
        vec![line("2 × 프로 요금제 (at ₩29,000 / month)", 29_000, 2)],
    );
    invoice.currency = "krw".to_owned();
    let file = file(&invoice, Language::Korean);
    let text = text(&file);
    assert_holds(
        &text,
        &[
            "청구서 번호",
            "ABCD1234-0007",
            "주식회사 한빛 (Hanbit)",
            "프로 요금제",
            "₩58,000",
            "₩29,000",
        ],
    );
    assert_holds(
        &text,
        &[
            "2027년 1월 1일 – 2027년 2월 1일",
            "2027년 1월 1일 ₩58,000 결제 완료",
            "결제할 금액",
            "1 / 1쪽",
        ],
    );
}

#[test]
fn many_lines_span_pages_without_loss() {
    let lines = (1..=90).map(|n| line(&format!("Item number {n:03}"), n, 1)).collect();
    let file = file(&invoice("Jenny", lines), Language::English);
    let text = text(&file);
    for n in 1..=90 {
        assert_holds(&text, &[&format!("Item number {n:03}")]);
    }
    let pages = text.matches('\u{c}').count();
    assert!(pages >= 4, "{pages}");
    assert_eq!(text.matches("Unit price").count(), pages);
    assert_holds(&text, &[&format!("Page {pages} of {pages}"), "$40.95"]);
}

#[test]
fn hostile_names_stay_within_the_layout() {
    let odd = "Zoë \u{202e}evil\u{202c} ☃ 👩‍💻 שלום Dvořák Łódź (\\) \u{0}\u{1b}";
    let mut invoice = invoice(
        odd,
        vec![line(&"Endless ".repeat(200), 1, 1), line(&"무한".repeat(300), 1, 1), line("", 1, 1)],
    );
    invoice.customer_email = Some(format!("{}@example.com", "x".repeat(400)));
    invoice.number = Some("((\\\n%%EOF".to_owned());
    invoice.lines[0].amount = i64::MIN;
    invoice.lines[1].unit_amount = i64::MAX;
    let file = file(&invoice, Language::English);
    let text = text(&file);
    assert_holds(
        &text,
        &[
            "Zoë evil ☃ 👩💻 ",
            "Dvořák Łódź (\\)",
            "Endless Endless",
            "…",
            "-$92,233,720,368,547,758.08",
        ],
    );
    assert!(!text.contains(['\u{202e}', '\u{1b}']));
}
