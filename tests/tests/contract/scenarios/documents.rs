//! The service's own documents: OpenAPI, pages, errors.

use std::collections::BTreeSet;

use serde_json::Value;
use workspace_tests::contract::error_codes;
use workspace_tests::portal::Portal;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::shared_fixture::SharedFixture;
use workspace_tests::wire::Request;

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(every_error_code_has_a_page(shared), "E1.type_url", "B1.docs"),
    scenario!(pages_load_nothing_from_other_hosts(shared), "B1.docs"),
    scenario!(reference_allows_requests_to_this_service_only(shared), "B1.docs"),
    scenario!(reference_files_are_compressed_and_cached(shared), "B1.docs"),
    scenario!(openapi_document_is_complete(shared), "B1.openapi"),
];

fn every_error_code_has_a_page(shared: &SharedFixture) {
    shared.portal("default", |portal| {
        for code in error_codes() {
            let page = portal.get(&format!("/docs/errors/{code}")).unwrap();
            assert_eq!(page.status, 200, "{code}");
            assert!(
                page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")),
                "{code}"
            );
            assert!(page.text().contains(&code), "the page of {code} does not name it");
        }
    });
}

fn pages_load_nothing_from_other_hosts(shared: &SharedFixture) {
    shared.portal("default", |portal| {
        let errors = error_codes().into_iter().map(|code| format!("/docs/errors/{code}"));
        for path in ["/", "/docs", "/docs/errors"].map(str::to_owned).into_iter().chain(errors) {
            let page = portal.get(&path).unwrap();
            let text = page.text().to_lowercase();
            for loader in [
                "src=\"http",
                "src='http",
                "src=\"//",
                "@import",
                "url(http",
                "url(//",
                "<link rel=\"stylesheet\" href=\"http",
            ] {
                assert!(
                    !text.contains(loader),
                    "{path} loads something from another host ({loader})"
                );
            }
            let policy = page
                .header("content-security-policy")
                .unwrap_or_else(|| panic!("{path} has no Content-Security-Policy"));
            assert!(
                policy.contains("default-src 'none'") || policy.contains("default-src 'self'"),
                "{path}: {policy}"
            );
        }
    });
}

/// The files that the API reference loads, as its page names them.
fn reference_files(portal: &Portal) -> Vec<String> {
    let page = portal.get("/docs").unwrap().text();
    let parts = page.split(['"', ' ']);
    let files = parts.filter(|part| part.starts_with("docs/") && part.contains('.'));
    let files: Vec<String> = files.map(|file| format!("/{file}")).collect();
    assert_eq!(files.len(), 3, "{page}");
    files
}

fn reference_allows_requests_to_this_service_only(shared: &SharedFixture) {
    shared.portal("default", |portal| {
        let page = portal.get("/docs").unwrap();
        let policy = page.header("content-security-policy").unwrap();
        let directives: Vec<&str> = policy.split("; ").collect();
        for wanted in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src data:",
            "frame-ancestors 'none'",
        ] {
            assert!(directives.contains(&wanted), "{wanted} is missing: {policy}");
        }
        assert!(!policy.contains("http") && !policy.contains('*'), "{policy}");
        let inline = page.text().matches("<script").count();
        assert_eq!(inline, page.text().matches("<script defer src=").count(), "inline script");
    });
}

fn reference_files_are_compressed_and_cached(shared: &SharedFixture) {
    shared.portal("default", |portal| {
        for file in reference_files(portal) {
            let fetch = |name: &str, value: &str| {
                portal.send(&Request::get(file.as_str()).header(name, value))
            };
            let plain = portal.get(&file).unwrap();
            assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{file}");
            let tag = plain.header("etag").expect("an entity tag").to_owned();
            let known = fetch("if-none-match", &tag);
            assert_eq!((known.status, known.body.len()), (304, 0), "{file}");
            assert_eq!(known.header("etag"), Some(tag.as_str()), "{file}");
            assert_eq!(fetch("if-none-match", "\"other\"").status, 200, "{file}");

            let cache = plain.header("cache-control").expect("a cache lifetime");
            if file.contains("scalar") {
                assert_eq!(cache, "public, max-age=31536000, immutable");
                assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
                let packed = fetch("accept-encoding", "br, gzip");
                assert_eq!(packed.header("content-encoding"), Some("gzip"));
                assert_ne!(packed.header("etag"), Some(tag.as_str()), "one tag for two encodings");
                assert!(packed.body.len() * 3 < plain.body.len(), "{}", packed.body.len());
            } else {
                assert_eq!(cache, "no-cache");
            }
        }
    });
}

fn openapi_document_is_complete(shared: &SharedFixture) {
    let served = shared.portal("default", |portal| portal.get("/openapi.json").unwrap().json());
    let mut printed = shared.launch("default", &["openapi"]).run().json();
    // The command does not know the service's public address.
    printed["servers"] = served["servers"].clone();
    assert_eq!(printed, served, "the documents of command and service differ");
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));

    let mut references = Vec::new();
    collect_references(&served, &mut references);
    for reference in &references {
        let pointer = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{reference} is not in this document"));
        assert!(served.pointer(pointer).is_some(), "{reference} does not resolve");
    }

    let whole = served.to_string();
    for code in error_codes() {
        assert!(whole.contains(&format!("\"{code}\"")), "the document does not contain {code}");
    }
    let mut operations = BTreeSet::new();
    for (path, methods) in served["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            assert!(operations.insert(id.to_owned()), "{id} is a duplicate");
            let responses = operation["responses"].as_object().unwrap();
            let succeeds = ["200", "201"].iter().any(|status| responses.contains_key(*status));
            assert!(succeeds, "{id} has no success response");
            if operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty()) {
                let always = ["400", "401", "403", "405", "413", "414", "429", "431", "500", "503"]
                    .as_slice();
                let with_body: &[&str] =
                    if operation["requestBody"].is_object() { &["408", "415"] } else { &[] };
                let at_the_provider: &[&str] =
                    if path.contains("/portal") { &["502", "504"] } else { &[] };
                for status in [always, with_body, at_the_provider].concat() {
                    assert!(responses.contains_key(status), "{id} has no response {status}");
                }
            }
        }
    }
}

fn collect_references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                into.push(reference.clone());
            }
            members.values().for_each(|member| collect_references(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}
