//! The front page of the embedded default: it opens the portal as the demo user.

use std::net::SocketAddr;

use workspace_tests::embedded::Embedded;
use workspace_tests::response::Response;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::SharedFixture;
use workspace_tests::wire::Request;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(front_page_opens_the_portal_as_the_demo_user(), "S2.front_page"),
    scenario!(front_page_opens_a_checkout_when_the_customer_is_deleted(), "S2.front_page"),
    scenario!(form_from_another_page_gets_400(), "S2.front_page_origin"),
    scenario!(other_providers_have_no_demo_route(shared), "S2.front_page_only_there"),
];

const OPEN: &str = "/demo/portal";
/// A key that the sandbox accepts.
const SANDBOX_KEY: &str = "sk_test_anything0000000002";

/// The form's request as a browser sends it, from a page with this `Host` and `Origin`.
fn form(host: &str, origins: &[&str]) -> Request {
    let request = Request::new("POST", OPEN)
        .header("host", host)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("");
    origins.iter().fold(request, |request, origin| request.header("origin", *origin))
}

/// Opens a URL of the sandbox, and follows its redirects.
fn open(embedded: &Embedded, url: &str) -> Response {
    let path = url.strip_prefix(&embedded.sandbox_url).unwrap_or(url);
    assert!(path.starts_with('/'), "{url} is not a page of the sandbox");
    let response = Request::get(path).header("accept", "text/html").send(sandbox(embedded));
    let response = response.unwrap();
    match response.header("location") {
        Some(location) if (301..=308).contains(&response.status) => open(embedded, location),
        _ => response,
    }
}

fn sandbox(embedded: &Embedded) -> SocketAddr {
    embedded.sandbox_url.trim_start_matches("http://").parse().unwrap()
}

fn front_page_opens_the_portal_as_the_demo_user() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::start(folder.path());
    let page = embedded.portal.get("/").unwrap();
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let sandbox_link = format!("href=\"{}/\"", embedded.sandbox_url);
    for button in ["action=\"demo/portal\"", "href=\"docs\"", &sandbox_link] {
        assert!(page.text().contains(button), "{button} is missing: {}", page.text());
    }
    assert!(!page.text().contains("<script"), "the page needs no script");
    let policy = page.header("content-security-policy").unwrap();
    let form_action = format!("form-action 'self' {};", embedded.sandbox_url);
    assert!(policy.starts_with("default-src 'none';") && policy.contains(&form_action), "{policy}");

    let host = embedded.portal.public.to_string();
    let port = embedded.portal.public.port();
    for host in [host, format!("localhost:{port}"), format!("LOCALHOST:{port}")] {
        let response = embedded.portal.send(&form(&host, &[&format!("http://{host}")]));
        assert_eq!(response.status, 303, "{host}: {}", response.text());
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert!(response.header("x-ratelimit-remaining").is_some(), "no rate limit");
        let portal = open(&embedded, response.header("location").unwrap());
        assert_eq!(portal.status, 200);
        assert!(portal.text().contains("Professional"), "{}", portal.text());
    }

    let head = embedded.portal.send(&Request::new("HEAD", "/"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    for (method, path, allowed) in [("POST", "/", "GET,HEAD"), ("GET", OPEN, "POST")] {
        let response = embedded.portal.send(&Request::new(method, path));
        assert_eq!(response.code(), "method_not_allowed", "{method} {path}");
        assert_eq!(response.header("allow"), Some(allowed), "{method} {path}");
    }
}

fn front_page_opens_a_checkout_when_the_customer_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::start(folder.path());
    let delete = Request::new("DELETE", format!("/v1/customers/{}", embedded.customer));
    let deleted = delete.bearer(SANDBOX_KEY).send(sandbox(&embedded)).unwrap();
    assert_eq!(deleted.status, 200, "{}", deleted.text());

    let host = embedded.portal.public.to_string();
    let response = embedded.portal.send(&form(&host, &[&format!("http://{host}")]));
    assert_eq!(response.status, 303, "{}", response.text());
    let checkout = open(&embedded, response.header("location").unwrap());
    assert_eq!(checkout.status, 200);
    assert!(checkout.text().contains("Starter"), "{}", checkout.text());
}

fn form_from_another_page_gets_400() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::start(folder.path());
    let own = embedded.portal.public.to_string();
    let port = embedded.portal.public.port();
    let page = format!("http://{own}");
    let other_port = format!("http://127.0.0.1:{}", port.wrapping_add(1));
    let localhost = format!("http://localhost:{port}");
    let secure = format!("https://{own}");
    let with_path = format!("{page}/");
    let origins: &[&[&str]] = &[
        &[],
        &["null"],
        &[""],
        &["http://evil.example"],
        &[&other_port],
        &[&localhost],
        &[&secure],
        &[&with_path],
        &[&page, "http://evil.example"],
        &[&page, &page],
    ];
    for origins in origins {
        is_refused(&embedded, &form(&own, origins), &format!("{origins:?}"));
    }

    let hosts = [
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("192.168.0.10:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::]:{port}"),
        format!("localhost.:{port}"),
        "evil.example".to_owned(),
    ];
    for host in &hosts {
        is_refused(&embedded, &form(host, &[&format!("http://{host}")]), host);
        is_refused(&embedded, &form(host, &[&page]), host);
    }
}

fn is_refused(embedded: &Embedded, request: &Request, name: &str) {
    let response = embedded.portal.send(request);
    assert_eq!((response.status, response.code().as_str()), (400, "invalid_request"), "{name}");
    assert_eq!(response.header("location"), None, "{name}");
}

fn other_providers_have_no_demo_route(shared: &SharedFixture) {
    shared.portal("default", |portal| {
        let host = portal.public.to_string();
        let response = portal.send(&form(&host, &[&format!("http://{host}")]));
        assert_eq!((response.status, response.code().as_str()), (404, "not_found"));
        let page = portal.get("/").unwrap();
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("<form"), "{}", page.text());
    });
}
