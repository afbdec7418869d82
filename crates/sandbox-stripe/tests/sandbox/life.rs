//! Startup, restart and shutdown.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::support::{TIMEOUT, TestClock, settings, start, start_with};
use sandbox_stripe::{Clock as _, Sandbox, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_restart_with_the_same_file_keeps_everything() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("state/sandbox.jsonl");
    let first = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    let demo = first.demo.clone();
    let made = first.post("/v1/customers", "name=Kept").await.json();
    first.post(&format!("/v1/customers/{}", demo.customer), "name=Renamed").await;
    let url = first.session_url(&format!("customer={}", demo.customer)).await;
    let token = url.rsplit('/').next().expect("token").to_owned();
    first.stop().await;
    let stored = std::fs::read_to_string(&path).expect("state");
    assert!(!stored.contains(&token), "the file contains a link's secret");

    let second = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    assert_eq!(second.demo.customer, demo.customer);
    assert_eq!(second.demo.customer_name, "Renamed");
    let kept = second.get(&format!("/v1/customers/{}", made["id"].as_str().expect("id"))).await;
    assert_eq!(kept.json(), made);
    let invoices = second.get(&format!("/v1/invoices?customer={}", demo.customer)).await.json();
    assert_eq!(invoices["data"].as_array().map(Vec::len), Some(2), "seeded once");
    let page = second.page(&format!("/p/session/{token}"), &[]).await;
    assert!(page.status == 200 && page.body.contains("Renamed"));
    second.stop().await;
}

#[tokio::test]
async fn a_deleted_demo_customer_is_created_again_at_the_next_start() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sandbox.jsonl");
    let first = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    first.delete(&format!("/v1/customers/{}", first.demo.customer)).await;
    first.stop().await;
    let second = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    let url = second.session_url(&format!("customer={}", second.demo.customer)).await;
    let page = second.page(&url, &[]).await;
    assert!(page.body.contains("Professional plan") && page.body.contains("4242"));
    second.stop().await;
}

#[tokio::test]
async fn renewals_due_during_downtime_are_billed_at_the_next_start() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sandbox.jsonl");
    let clock = TestClock::starting_now();
    start_with(settings(Some(&path)), clock.clone()).await.stop().await;
    clock.advance(100 * 24 * 60 * 60);
    let later = start_with(settings(Some(&path)), clock.clone()).await;
    let subscription =
        later.get(&format!("/v1/subscriptions/{}", later.demo.subscription)).await.json();
    let item = &subscription["items"]["data"][0];
    let start = item["current_period_start"].as_i64();
    let end = item["current_period_end"].as_i64();
    assert!(start <= Some(clock.now()) && Some(clock.now()) < end, "{subscription}");
    let invoices =
        later.get(&format!("/v1/invoices?customer={}", later.demo.customer)).await.json();
    let numbers: Vec<_> =
        invoices["data"].as_array().expect("list").iter().map(|i| i["number"].clone()).collect();
    assert!((5..=6).contains(&numbers.len()), "{numbers:?}");
    assert_eq!(subscription["latest_invoice"], invoices["data"][0]["id"]);
    assert_eq!(numbers.last().and_then(|n| n.as_str()), Some("DEMO0001-0001"));
    later.stop().await;
}

#[tokio::test]
async fn a_state_file_is_locked_to_one_process() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sandbox.jsonl");
    let first = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    let error = Sandbox::bind(settings(Some(&path))).await.expect_err("in use");
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    assert!(error.to_string().contains("another process"), "{error}");
    first.stop().await;
    Sandbox::bind(settings(Some(&path))).await.expect("free again");
}

#[tokio::test]
async fn the_next_free_port_is_used_only_if_allowed() {
    let first = start().await;
    let mut settings = settings(None);
    settings.listen = first.address;
    let error = Sandbox::bind(settings.clone()).await.expect_err("in use");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&first.address.to_string()), "{error}");
    settings.fallback_to_free_port = true;
    let second = Sandbox::bind(settings).await.expect("another port");
    assert_ne!(second.local_addr(), first.address);
    assert_eq!(second.base_url(), format!("http://{}", second.local_addr()));
    first.stop().await;
}

#[tokio::test]
async fn idle_and_incomplete_requests_do_not_block_shutdown() {
    let sandbox = start().await;
    let address = sandbox.address;
    let connect = || async { TcpStream::connect(address).await.expect("connected") };
    let silent = connect().await;
    let mut half_a_head = connect().await;
    half_a_head.write_all(b"POST /v1/customers HTTP/1.1\r\nHost: x\r\n").await.expect("sent");
    let mut half_a_body = connect().await;
    half_a_body
        .write_all(
            b"POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_test_1\r\nContent-Length: 50\r\n\r\nname=",
        )
        .await
        .expect("sent");
    // The response on this idle connection shows that the sandbox has accepted the others.
    let mut idle = connect().await;
    idle.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut buffer = [0_u8; 4_096];
    assert!(idle.read(&mut buffer).await.expect("answer") > 0);
    sandbox.stop().await;
    let mut rest = Vec::new();
    let end =
        tokio::time::timeout(TIMEOUT, idle.read_to_end(&mut rest)).await.expect("closed in time");
    assert!(end.is_err() || rest.is_empty());
    drop((silent, half_a_head, half_a_body));
}
