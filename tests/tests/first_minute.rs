//! The embedded default as a new user sees it: `billing-portal` without settings, in an empty
//! folder, on a terminal.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use workspace_tests::poll;
use workspace_tests::process::{Launch, Process};
use workspace_tests::sandbox::SandboxProcess;
use workspace_tests::sandbox_fixture::{CHECKOUT, CURRENT, GOOD_CARD, PORTAL, WEBHOOKS, call, pay};
use workspace_tests::terminal::Terminal;
use workspace_tests::wire::{Connection, Outcome, Request};

const FIRST_LINE: &str = "billing-portal is running with a local Stripe sandbox. No data is real.";
const COMMANDS: usize = 3;
const SOON: Duration = Duration::from_secs(2);
/// Maximum time until a process ends or other tests release the default ports.
const PATIENCE: Duration = Duration::from_secs(20);

/// The banner's text, and the addresses in it.
struct Banner {
    text: String,
    public: SocketAddr,
    sandbox: SocketAddr,
    admin: SocketAddr,
}

impl Banner {
    /// Waits for the whole banner.
    fn wait(screen: impl Fn() -> String) -> Self {
        let text = poll::until("the banner", || {
            let text = screen();
            let commands = text.lines().filter(|line| is_command(line)).count();
            (commands == COMMANDS && text.ends_with('\n')).then_some(text)
        });
        let address = |name: &str, path: &str| {
            let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name));
            let url = line.unwrap_or_else(|| panic!("no line `{name}` in:\n{text}")).trim();
            let host = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix(path));
            host.unwrap_or_else(|| panic!("`{url}` is not http://…{path}")).parse().unwrap()
        };
        let public = address("Page ", "/");
        assert_eq!(address("API docs ", "/docs"), public);
        let (sandbox, admin) = (address("Sandbox ", "/"), address("Metrics ", "/metrics"));
        Self { text, public, sandbox, admin }
    }

    fn commands(&self) -> Vec<&str> {
        self.text.lines().filter(|line| is_command(line)).collect()
    }

    /// Pastes a command into a shell. Returns the URL of the response.
    fn paste(&self, command: &str) -> String {
        let pasted = Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(pasted.status.success(), "{}", String::from_utf8_lossy(&pasted.stderr));
        let response: Value = serde_json::from_slice(&pasted.stdout).unwrap();
        response["url"].as_str().unwrap_or_else(|| panic!("no url in {response}")).to_owned()
    }

    /// Pastes the commands that open the portal. Returns the portal's page.
    fn open_portal(&self) -> String {
        let mut text = String::new();
        for command in &self.commands()[..2] {
            let url = self.paste(command);
            let path = url.strip_prefix(&format!("http://{}", self.sandbox)).unwrap();
            let page = Request::get(path).header("accept", "text/html").send(self.sandbox).unwrap();
            assert_eq!(page.status, 200, "{}", page.text());
            text = page.text();
        }
        text
    }

    /// Pastes the last command, pays on the page, and waits until the plan is bought.
    fn buy_plan(&self) {
        let command = self.commands()[2];
        let paid = pay(self.sandbox, &self.paste(command), GOOD_CARD);
        assert_eq!(paid.status, 303, "{}", paid.text());
        let token = command.split("Bearer ").nth(1).unwrap().split('\'').next().unwrap();
        poll::until("the plan to be bought", || {
            let current = Request::get(CURRENT).bearer(token).send(self.public).unwrap();
            (current.json()["hasSubscription"] == true).then_some(())
        });
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("curl ")
}

fn expect_no_fault(screen: &str) {
    for word in ["ERROR", "WARN"] {
        assert!(!screen.contains(word), "{word} on the screen:\n{screen}");
    }
}

/// The number of log lines about requests to this route.
fn requests(screen: &str, route: &str, status: u16) -> usize {
    let route = format!("route=\"{route}\" status={status} ");
    screen.lines().filter(|line| line.contains(&route) && line.contains("duration_ms=")).count()
}

/// Waits until the sandbox has delivered an event, and it was accepted.
fn wait_for_delivery(terminal: &Terminal) {
    poll::until("a delivery", || (requests(&terminal.screen(), WEBHOOKS, 200) > 0).then_some(()));
}

fn occupy(address: SocketAddr) -> Option<TcpListener> {
    // If another process has the port already, it is taken as well.
    TcpListener::bind(address).ok()
}

fn serve_in(folder: &Path) -> Process {
    Launch::new(folder, &[]).secrets_on_stdout().spawn()
}

#[test]
fn s2_first_start_shows_a_banner_whose_commands_work() {
    let folder = folder();
    let mut terminal = Terminal::start(folder.path(), &[]);
    let banner = Banner::wait(|| terminal.screen());

    assert!(banner.text.contains("rm -r data"), "{}", banner.text);
    for line in banner.text.lines() {
        assert!(line.chars().count() <= 80 || is_command(line), "{line}");
    }
    let pages =
        [(banner.public, "/", 200), (banner.public, "/docs", 200), (banner.admin, "/metrics", 200)];
    for (address, path, status) in pages {
        assert_eq!(Request::get(path).send(address).unwrap().status, status, "{path}");
    }
    Request::get("/").send(banner.sandbox).expect("the sandbox answers");

    banner.open_portal();
    banner.buy_plan();
    wait_for_delivery(&terminal);
    let screen = terminal.screen();
    expect_no_fault(&screen);
    for route in [PORTAL, "/api/v1/subscriptions/portal/api", CHECKOUT] {
        assert_eq!(requests(&screen, route, 200), 1, "{route}:\n{screen}");
    }
    let log = screen.strip_prefix(&banner.text).expect("the banner stays");
    let is_api_request =
        |line: &str| line.contains("duration_ms=") && line.contains("route=\"/api/");
    assert!(log.lines().all(is_api_request), "{log}");

    let mut idle = Connection::open(banner.public).unwrap();
    idle.send(&Request::get("/livez").to_bytes(banner.public)).unwrap();
    assert!(matches!(idle.answer("GET", "/livez"), Outcome::Answer(_)));
    terminal.press_ctrl_c();
    let (code, screen) = terminal.exit_code_within(PATIENCE);
    assert_eq!(code, Some(0), "{screen}");
    expect_no_fault(&screen);
}

#[test]
fn s2_banner_is_the_only_text_on_the_screen() {
    let folder = folder();
    let terminal = Terminal::start(folder.path(), &[]);
    let banner = Banner::wait(|| terminal.screen());
    let lines: Vec<&str> = banner.text.lines().collect();
    assert_eq!(lines[0], FIRST_LINE);
    assert!(lines.len() <= 14 && lines.last().is_some_and(|last| is_command(last)), "{lines:#?}");
    // Requests that the service or its sandbox starts after the banner would be logged within this
    // time.
    let more = poll::within(SOON, || (terminal.screen() != banner.text).then(|| terminal.screen()));
    assert_eq!(more, None);
}

#[test]
fn s2_taken_default_ports_are_replaced_by_the_next_free_ones() {
    let default = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    // Other tests use these ports for some seconds. A port that stays taken is not checked, because
    // its process may release it at any time.
    let take = |address| poll::within(PATIENCE, || occupy(address)).map(|held| (address, held));
    let taken: Vec<(SocketAddr, TcpListener)> =
        [8080, 9090, 12111].map(default).into_iter().filter_map(take).collect();
    let folder = folder();
    let terminal = Terminal::start(folder.path(), &[]);
    let banner = Banner::wait(|| terminal.screen());
    let shown = [banner.public, banner.admin, banner.sandbox];
    for (address, _) in &taken {
        assert!(!shown.contains(address), "{}", banner.text);
    }
    assert_eq!(BTreeSet::from(shown).len(), 3, "{}", banner.text);
    banner.open_portal();
    expect_no_fault(&terminal.screen());
}

#[test]
fn s2_configured_address_that_is_taken_is_an_error() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    for setting in ["BILLING_LISTEN", "BILLING_ADMIN_LISTEN"] {
        let folder = folder();
        let launch = Launch::new(folder.path(), &[]).env(setting, &taken);
        let _ = launch.run().expect_code(1).expect_stderr(&[&format!("cannot listen on {taken}")]);
    }
}

#[test]
fn s2_state_survives_a_restart_on_other_ports() {
    let folder = folder();
    let mut first = Terminal::start(folder.path(), &[]);
    let before = Banner::wait(|| first.screen());
    first.press_ctrl_c();
    assert_eq!(first.exit_code_within(PATIENCE).0, Some(0));
    let hold = |address| poll::within(PATIENCE, || occupy(address));
    let held = [before.public, before.admin, before.sandbox].map(hold);

    let second = Terminal::start(folder.path(), &[]);
    let after = Banner::wait(|| second.screen());
    for (listener, shown) in held.iter().zip([after.public, after.admin, after.sandbox]) {
        let old = listener.as_ref().map(|listener| listener.local_addr().unwrap());
        assert_ne!(old, Some(shown));
    }
    let key = |banner: &Banner| banner.commands()[1].split("Bearer ").nth(1).unwrap().to_owned();
    assert_eq!(key(&before), key(&after));
    let page = after.open_portal();
    assert!(page.contains(&format!("http://{}/", after.public)), "{page}");
    after.buy_plan();
    let applied = Launch::new(folder.path(), &["webhooks", "list", "--state", "applied"]);
    poll::until("the purchase to be applied", || {
        let listed = applied.run().expect_code(0).stdout;
        listed.contains("checkout.session.completed").then_some(())
    });
    expect_no_fault(&second.screen());
}

#[test]
fn s2_deliveries_wait_until_the_database_is_migrated() {
    let folder = folder();
    let mut first = Terminal::start(folder.path(), &[]);
    Banner::wait(|| first.screen());
    first.press_ctrl_c();
    assert_eq!(first.exit_code_within(PATIENCE).0, Some(0));

    // Leaves deliveries for the next start, and a database without tables.
    let state = folder.path().join("data/sandbox.jsonl");
    let sandbox = SandboxProcess::start(folder.path(), &["--state", state.to_str().unwrap()]);
    for name in ["Ada", "Grace", "Joan"] {
        let _ = call(sandbox.address(), "POST", "/v1/customers", &[("name", name)]);
    }
    sandbox.process.signal(Signal::TERM);
    let _ = sandbox.process.finish().expect_code(0);
    for name in ["billing-portal.db", "billing-portal.db-wal", "billing-portal.db-shm"] {
        // SQLite removes the last two itself when it closes the database.
        let _ = std::fs::remove_file(folder.path().join("data").join(name));
    }

    let second = Terminal::start(folder.path(), &[]);
    Banner::wait(|| {
        second
            .screen()
            .lines()
            .filter(|l| !l.contains("duration_ms="))
            .fold(String::new(), |text, line| text + line + "\n")
    });
    poll::until("the deliveries", || {
        (requests(&second.screen(), WEBHOOKS, 200) >= 3).then_some(())
    });
    expect_no_fault(&second.screen());
}

#[test]
fn s2_second_start_in_the_same_folder_is_an_error_that_names_the_first() {
    let folder = folder();
    let first = serve_in(folder.path());
    let banner = Banner::wait(|| first.stdout());
    let second = serve_in(folder.path()).finish().expect_code(1);
    assert_eq!(second.stderr.lines().count(), 1, "{}", second.stderr);
    let id = format!("another process (id {})", first.id());
    let _ = second.expect_stderr(&[&id, "data/sandbox.jsonl"]);
    banner.open_portal();
    banner.buy_plan();
}

#[test]
fn b3_closed_terminal_ends_the_service_and_another_hangup_does_not() {
    let folder = folder();
    let terminal = Terminal::start(folder.path(), &[("BILLING_LOG", "info")]);
    let screen = || terminal.screen();
    let banner = Banner::wait(screen);
    assert!(screen().contains("listening"), "an explicit BILLING_LOG wins:\n{}", screen());

    let lock = std::fs::read_to_string(folder.path().join("data/sandbox.jsonl.lock")).unwrap();
    let process = Pid::from_raw(lock.parse().unwrap()).unwrap();
    kill_process(process, Signal::HUP).unwrap();
    poll::until("the secrets to be read again", || screen().contains("read again").then_some(()));
    banner.open_portal();

    terminal.close();
    let refused = || TcpStream::connect(banner.public).is_err().then_some(());
    assert!(poll::within(PATIENCE, refused).is_some(), "the service still runs");
    let again = serve_in(folder.path());
    Banner::wait(|| again.stdout());
}
