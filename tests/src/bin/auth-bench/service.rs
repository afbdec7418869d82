//! The service under test, with its own database, users, keys, and a fast provider.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::FLOOD_CONNECTIONS;
use crate::wire::Connection;

/// Number of keys per user. It is below the service's limit.
const KEYS_PER_USER: usize = 16;

/// A running service. Dropping it kills the process and deletes its database.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
    pub(crate) keys: Vec<String>,
    pub(crate) ids: Vec<String>,
    pub(crate) token: String,
    process: Child,
    upstream: Child,
    folder: PathBuf,
}

impl Service {
    pub(crate) fn start(portal: &Path, upstream: &Path, failures: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("auth-bench-{}-{failures}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let mut upstream = Command::new(upstream)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the upstream starts");
        let stdout = upstream.stdout.take().expect("stdout is piped");
        let base = BufReader::new(stdout)
            .lines()
            .next()
            .expect("the first line is the address")
            .expect("text");
        let command = |arguments: &[&str]| command(portal, &folder, &base, failures, arguments);

        let (mut keys, mut ids) = (Vec::new(), Vec::new());
        for user in 0..FLOOD_CONNECTIONS.div_ceil(KEYS_PER_USER) {
            let (user, customer) = (format!("user-{user}"), format!("cus_Bench{user}"));
            run(command(&["customers", "link", "--user", &user, "--customer", &customer]));
            for _ in 0..KEYS_PER_USER {
                let created =
                    run(command(&["keys", "create", "--user", &user, "--name", "bench", "--json"]));
                keys.push(member(&created, "key"));
                ids.push(member(&created, "id"));
            }
        }
        let token =
            run(command(&["token", "mint", "--user", "user-0", "--ttl", "1h"])).trim().to_owned();

        let mut process = command(&["serve"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = process.stderr.take().expect("stderr is piped");
        let mut lines = BufReader::new(stderr).lines();
        let listening =
            lines.by_ref().map_while(Result::ok).find(|line| line.contains("\"listening\""));
        let listening = listening.expect("the service logs its addresses");
        // Drain the pipe, which must not fill up.
        std::thread::spawn(move || lines.for_each(drop));
        let address = |name: &str| member(&listening, name).parse().expect("an address");
        let service = Self {
            address: address("public"),
            admin: address("admin"),
            keys,
            ids,
            token,
            process,
            upstream,
            folder,
        };
        service.wait_ready();
        service
    }

    /// Returns the keys that the benchmark sends at the same time.
    pub(crate) fn valid_keys(&self) -> &[String] {
        &self.keys[..FLOOD_CONNECTIONS]
    }

    fn get(&self, path: &str) -> std::io::Result<(u16, String)> {
        let mut connection = Connection::open(self.admin)?;
        let status = connection
            .exchange(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
        Ok((status, connection.body()))
    }

    fn wait_ready(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while !matches!(self.get("/readyz"), Ok((200, _))) {
            assert!(Instant::now() < end, "the service does not get ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the number of argon2 runs.
    pub(crate) fn argon2_runs(&self) -> u64 {
        let (_, metrics) = self.get("/metrics").expect("the admin listener answers");
        let line = metrics.lines().find_map(|line| line.strip_prefix("billing_argon2_runs_total "));
        line.and_then(|count| count.parse().ok()).expect("argon2 runs are counted")
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .expect("the process runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("the status file has this line");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// Returns the resident memory.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// Returns the peak resident memory.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    /// Returns the user and system time in clock ticks (proc(5), fields 14 and 15). The name before
    /// them may contain spaces.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))
            .expect("the process runs");
        let (_, after_name) = stat.rsplit_once(')').expect("the name is in parentheses");
        after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // These calls fail only if the process or folder is gone already.
        for process in [&mut self.process, &mut self.upstream] {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn command(
    portal: &Path,
    folder: &Path,
    upstream: &str,
    failures: &str,
    arguments: &[&str],
) -> Command {
    let mut command = Command::new(portal);
    command.args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
    let database = format!("sqlite://{}/portal.db", folder.display());
    let settings = [
        ("LISTEN", "127.0.0.1:0"),
        ("ADMIN_LISTEN", "127.0.0.1:0"),
        ("DATABASE_URL", &database),
        ("PROVIDER", "stripe"),
        ("STRIPE_SECRET_KEY", "sk_test_AuthBench000000000001"),
        ("STRIPE_API_BASE", upstream),
        ("DASHBOARD_URL", "https://dash.example.com/billing"),
        ("JWT_HS256_SECRET", "hs256-secret-of-the-benchmark-0123456789"),
        ("API_KEY_PEPPER", "pepper-of-the-benchmark-0123456789-0123456789"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("AUTH_FAILURES_PER_MINUTE", failures),
        ("LOG_FORMAT", "json"),
    ];
    for (name, value) in settings {
        command.env(format!("BILLING_{name}"), value);
    }
    command
}

fn run(mut command: Command) -> String {
    let done = command.output().expect("the program starts");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

/// Returns the value of a string member without escapes.
fn member(json: &str, name: &str) -> String {
    let after =
        json.split_once(&format!("\"{name}\"")).and_then(|(_, rest)| rest.split('"').nth(1));
    after.unwrap_or_else(|| panic!("no `{name}` in the answer")).to_owned()
}
