//! Invoice documents: the hosted page and the PDF at the URLs in the API.

use serde_json::Value;

use crate::support::{Running, start};

async fn newest_invoice(sandbox: &Running) -> Value {
    let list =
        sandbox.get(&format!("/v1/invoices?customer={}", sandbox.demo.customer)).await.json();
    list["data"][0].clone()
}

fn address<'a>(invoice: &'a Value, name: &str) -> &'a str {
    invoice[name].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_page_has_number_customer_lines_and_sums_in_both_languages() {
    let sandbox = start().await;
    sandbox
        .post(
            &format!("/v1/customers/{}", sandbox.demo.customer),
            "address[city]=Paris&invoice_settings[footer]=Thanks",
        )
        .await;
    let invoice = newest_invoice(&sandbox).await;
    let url = address(&invoice, "hosted_invoice_url");
    let english = sandbox.page(url, &[]).await;
    assert_eq!(english.status, 200);
    let number = address(&invoice, "number");
    for part in [
        number,
        "Demo User",
        "demo@example.com",
        "Paris",
        "Professional plan",
        "$20.00",
        "Amount due",
        "Thanks",
        "Download invoice",
    ] {
        assert!(english.body.contains(part), "{part}");
    }
    let korean = sandbox.page(url, &[("Accept-Language", "ko")]).await;
    for part in [number, "<html lang=\"ko\">", "US$20.00", "청구서 번호", "결제할 금액"] {
        assert!(korean.body.contains(part), "{part}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn the_invoice_page_has_security_headers() {
    let sandbox = start().await;
    let name = "<b>Eve</b>\u{202e}\"'&";
    sandbox
        .post(
            &format!("/v1/customers/{}", sandbox.demo.customer),
            &format!("address[line1]={name}"),
        )
        .await;
    let invoice = newest_invoice(&sandbox).await;
    let page = sandbox.page(address(&invoice, "hosted_invoice_url"), &[]).await;
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(
        !page.body.contains("<b>Eve")
            && !page.body.contains('\u{202e}')
            && !page.body.contains("<script")
    );
    let links = page.body.split(['"', '\'']).filter(|part| part.starts_with("/p/assets/"));
    for link in links {
        assert_eq!(sandbox.page(link, &[]).await.status, 200, "{link}");
    }
    let unknown = sandbox.page("/i/never", &[("Accept-Language", "ko")]).await;
    assert!(unknown.status == 404 && unknown.body.contains("존재하지 않는 청구서입니다"));
    assert_eq!(sandbox.page("/i/never/pdf", &[]).await.status, 404);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_pdf_is_a_file_named_after_its_number() {
    let sandbox = start().await;
    let invoice = newest_invoice(&sandbox).await;
    let file = sandbox.page(address(&invoice, "invoice_pdf"), &[]).await;
    assert_eq!(file.header("content-type"), Some("application/pdf"));
    let disposition =
        format!("attachment; filename=\"Invoice-{}.pdf\"", address(&invoice, "number"));
    assert_eq!(file.header("content-disposition"), Some(disposition.as_str()));
    assert_eq!(file.header("cache-control"), Some("no-store"));
    assert!(file.body.starts_with("%PDF-1.7") && file.body.ends_with("%%EOF"));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_invalid_token_shows_the_page_for_an_unknown_invoice() {
    let sandbox = start().await;
    for path in ["/i/%FF", "/i/%FF/pdf"] {
        for (language, words) in
            [("en", "This invoice does not exist"), ("ko", "링크가 올바른지 확인해 주세요")]
        {
            let page = sandbox.page(path, &[("Accept-Language", language)]).await;
            assert!(
                page.status == 404 && page.body.contains(words),
                "{path} {language}: {}",
                page.body
            );
        }
    }
    sandbox.stop().await;
}
