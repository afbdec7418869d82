//! The embedded default, as after `git clone`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use workspace_tests::poll;
use workspace_tests::portal::Portal;
use workspace_tests::process::Launch;
use workspace_tests::response::Response;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::wire::Request;

pub(super) const SCENARIOS: &[Scenario] = &[scenario!(
    embedded_default_works_with_the_printed_commands(),
    "S2.banner",
    "S2.pages",
    "S2.renamed",
    "S2.restart",
    "S2.loopback",
    "S2.log_to_stderr"
)];

/// A key that the sandbox accepts.
const SANDBOX_KEY: &str = "sk_test_anything0000000001";

struct Default {
    portal: Portal,
    lines: Vec<String>,
}

/// Starts the binary without a command and without settings, except for free ports.
fn start(folder: &Path) -> Default {
    let launch = Launch::new(folder, &[]).secrets_on_stdout();
    let launch =
        launch.env("BILLING_LISTEN", "127.0.0.1:0").env("BILLING_ADMIN_LISTEN", "127.0.0.1:0");
    let portal = Portal::start_ready(&launch);
    let lines = poll::until("both curl lines", || {
        let text = portal.process.stdout();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let complete = text.ends_with('\n')
            && lines.iter().filter(|line| line.starts_with("curl ")).count() == 2;
        complete.then_some(lines)
    });
    Default { portal, lines }
}

impl Default {
    /// Runs both printed curl commands in a shell and returns the URLs of their responses.
    fn paste(&self) -> Vec<String> {
        let curls = self.lines.iter().filter(|line| line.starts_with("curl "));
        curls
            .map(|line| {
                let output = Command::new("sh").args(["-c", line]).output().expect("sh runs");
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let answer: Value = serde_json::from_str(&text)
                    .unwrap_or_else(|e| panic!("{e}: {text}\n{output:?}"));
                answer["url"].as_str().unwrap_or_else(|| panic!("no url in {text}")).to_owned()
            })
            .collect()
    }

    /// The API key in the command that uses one.
    fn key(&self) -> String {
        let command = self.lines.iter().find(|line| line.contains("/portal/api "));
        let command = command.unwrap_or_else(|| panic!("no API key in {:?}", self.lines));
        command.split_once("Bearer ").expect("a key").1.trim_end_matches('\'').to_owned()
    }
}

/// Opens a URL on loopback, like a browser.
fn open(url: &str) -> Response {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url} is not on the sandbox"));
    let (host, path) = rest.split_once('/').expect("a path");
    let answer = Request::get(format!("/{path}"))
        .header("accept", "text/html")
        .send(host.parse().unwrap())
        .unwrap();
    match (answer.status, answer.header("location")) {
        (301..=308, Some(location)) if location.starts_with('/') => {
            open(&format!("http://{host}{location}"))
        }
        (301..=308, Some(location)) => open(location),
        _ => answer,
    }
}

fn sandbox(base: &str, request: Request) -> Value {
    let address = base.strip_prefix("http://").unwrap().parse().unwrap();
    let answer = request.bearer(SANDBOX_KEY).send(address).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn embedded_default_works_with_the_printed_commands() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    assert!(first.lines.len() <= 14, "{} lines", first.lines.len());
    assert!(
        first.lines.iter().any(|line| line.contains(&first.portal.public.to_string())),
        "the output does not contain the address"
    );
    assert!(first.portal.public.ip().is_loopback() && first.portal.admin.ip().is_loopback());
    let text = first.portal.process.stdout();
    assert!(
        !text.contains("\"level\"") && !text.contains(" INFO "),
        "standard output contains log lines"
    );
    assert!(
        first.portal.process.stderr().contains("listening"),
        "standard error does not contain the log"
    );

    let urls = first.paste();
    assert_eq!(urls.len(), 2);
    assert_ne!(urls[0], urls[1], "two requests returned the same session");
    let base =
        format!("http://{}", urls[0].trim_start_matches("http://").split('/').next().unwrap());
    let shown = Launch::new(folder.path(), &["customers", "show", "--user", "demo-user", "--json"])
        .run()
        .json();
    let customer =
        shown["customers"][0]["customer"].as_str().expect("the demo user's customer").to_owned();
    assert_eq!(
        (&shown["customers"][0]["provider"], &shown["customers"][0]["mode"]),
        (&"sandbox".into(), &"test".into())
    );

    for url in &urls {
        shows_the_account(&base, &customer, url, &first.portal);
    }
    let rename = Request::new("POST", format!("/v1/customers/{customer}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("name=Ren%C3%A9e+Renamed");
    let renamed = sandbox(&base, rename);
    assert_eq!(renamed["name"], "Renée Renamed");
    let page = open(&urls[0]).text();
    assert!(page.contains("Renée Renamed"), "the page does not show the new name");

    let key = first.key();
    first.portal.process.signal(rustix::process::Signal::TERM);
    let _ = first.portal.process.finish().expect_code(0);
    kept_for_its_owner(&folder.path().join("data"));

    let second = start(folder.path());
    assert_eq!(second.key(), key, "the demo key changed");
    for url in second.paste() {
        let page = open(&url);
        assert_eq!(page.status, 200);
        assert!(page.text().contains("Renée Renamed"), "the sandbox lost its state");
    }
}

fn shows_the_account(base: &str, customer: &str, url: &str, portal: &Portal) {
    let page = open(url);
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    let name = sandbox(base, Request::get(format!("/v1/customers/{customer}")))["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    assert!(text.contains(&name), "the page does not show {name}");
    let subscriptions =
        sandbox(base, Request::get(format!("/v1/subscriptions?customer={customer}")));
    let product = subscriptions["data"][0]["items"]["data"][0]["price"]["product"]
        .as_str()
        .expect("a product")
        .to_owned();
    let plan = sandbox(base, Request::get(format!("/v1/products/{product}")))["name"]
        .as_str()
        .expect("a plan")
        .to_owned();
    assert!(text.contains(&plan), "the page does not show the plan {plan}");
    let invoices = sandbox(base, Request::get(format!("/v1/invoices?customer={customer}")));
    let invoices = invoices["data"].as_array().expect("invoices").clone();
    assert_eq!(invoices.len(), 2, "the demo user has two invoices");
    let cards = sandbox(base, Request::get(format!("/v1/customers/{customer}/payment_methods")));
    let last4 = cards["data"][0]["card"]["last4"].as_str().expect("a card").to_owned();
    assert!(text.contains(&last4), "the page does not show the card");
    let shown = invoices
        .iter()
        .filter(|invoice| invoice["number"].as_str().is_some_and(|number| text.contains(number)))
        .count();
    let pages = invoices
        .iter()
        .filter(|i| i["hosted_invoice_url"].as_str().is_some_and(|url| text.contains(url)))
        .count();
    assert!(shown == 2 || pages == 2, "the page does not show both invoices");
    assert!(
        text.contains(&format!("http://{}/", portal.public)),
        "the page has no link to the return URL"
    );
    for loader in ["src=\"http", "url(http", "@import"] {
        assert!(!text.contains(loader), "the page loads something from another host ({loader})");
    }
}

/// Asserts that only the owner may read the data folder, which contains keys.
fn kept_for_its_owner(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "the data folder's mode");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{} is readable by others", path.display());
    }
}
