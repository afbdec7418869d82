//! A process of the binary under test: its environment, its output, its end.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::output::Output;
use crate::{binary, canary, exchanges, poll};

/// The setting that names the folder in which a sandbox records its exchanges.
const RECORD: &str = "BILLING_SANDBOX_RECORD";

/// How to start the binary. The environment is exactly what is given here, and where its sandbox is to record what it is
/// asked and answers; nothing else leaks in from the caller's.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program; the built `billing-portal` where none is named.
    pub program: Option<PathBuf>,
    /// Arguments after the binary's name.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// The working folder.
    pub folder: PathBuf,
    /// Whether standard output may hold a secret (`keys create`, `token mint`, the embedded default's lines).
    pub prints_secrets: bool,
    /// Whether its sandbox records, in a run that holds what sandboxes answer against Stripe's schema.
    pub records: bool,
}

/// A running process. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

/// A process that came to its end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Launch {
    /// A start with these arguments in this folder, with an empty environment.
    pub fn new(folder: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            program: None,
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            environment: BTreeMap::new(),
            folder: folder.into(),
            prints_secrets: false,
            records: true,
        }
    }

    /// Starts this program instead of the built `billing-portal`.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// With this variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Without this variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// With these variables.
    #[must_use]
    pub fn envs(mut self, variables: &BTreeMap<String, String>) -> Self {
        self.environment.extend(variables.iter().map(|(n, v)| (n.clone(), v.clone())));
        self
    }

    /// Standard output may hold a secret and is left out of the canary scan.
    #[must_use]
    pub const fn secrets_on_stdout(mut self) -> Self {
        self.prints_secrets = true;
        self
    }

    /// Its sandbox records nothing: for load, which asks ten thousand times what other tests ask once.
    #[must_use]
    pub const fn unrecorded(mut self) -> Self {
        self.records = false;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When the binary cannot be started.
    #[must_use]
    pub fn spawn(&self) -> Process {
        let record = exchanges::folder().filter(|_| self.records).map(|folder| (RECORD, folder));
        let mut child = Command::new(self.program.as_deref().unwrap_or_else(|| binary::path()))
            .args(&self.arguments)
            .env_clear()
            .envs(record)
            .envs(&self.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary under test starts");
        let (stdout, stderr) = (Arc::new(Output::default()), Arc::new(Output::default()));
        let readers = vec![
            follow(child.stdout.take().expect("stdout is piped"), Arc::clone(&stdout)),
            follow(child.stderr.take().expect("stderr is piped"), Arc::clone(&stderr)),
        ];
        let name = format!("billing-portal {}", self.arguments.join(" "));
        canary::watch(format!("stderr of `{name}`"), Arc::clone(&stderr));
        if !self.prints_secrets {
            canary::watch(format!("stdout of `{name}`"), Arc::clone(&stdout));
        }
        Process { child, stdout, stderr, readers }
    }

    /// Starts it and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn run(&self) -> Finished {
        self.spawn().finish()
    }
}

impl Process {
    /// What it wrote to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Standard error, for marks and excerpts.
    #[must_use]
    pub fn log(&self) -> &Output {
        &self.stderr
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A line of its memory in `/proc`, in KiB: `VmRSS` now, `VmHWM` at its highest.
    ///
    /// # Panics
    /// Where the system is not Linux, or the process is gone.
    #[must_use]
    pub fn memory_kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))
            .expect("the process runs");
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .expect("a line");
        value.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process takes a signal");
    }

    /// The exit status, if it has ended.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time; the message has what it wrote.
    pub fn finish(mut self) -> Finished {
        let ended = poll::within(poll::TIMEOUT, || self.exited());
        let Some(status) = ended else {
            panic!("the process does not end; it wrote:\n{}\n{}", self.stdout(), self.stderr());
        };
        for reader in self.readers.drain(..) {
            reader.join().expect("no reader panics");
        }
        Finished { code: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }

    /// Whether it ends within this time.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        poll::within(time, || self.exited()).is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process is gone already, which is the aim.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// Standard output as JSON.
    ///
    /// # Panics
    /// When the command failed or did not print JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "the command failed: {}", self.stderr);
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("no JSON on standard output ({e}): {}", self.stdout))
    }

    /// Asserts the exit code.
    ///
    /// # Panics
    /// When it is another one.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "standard output:\n{}\nstandard error:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that each of these words stands on standard error.
    ///
    /// # Panics
    /// When one is missing.
    #[track_caller]
    pub fn expect_stderr(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing in:\n{}", self.stderr);
        }
        self
    }
}

fn follow(stream: impl Read + Send + 'static, output: Arc<Output>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            output.push(&line);
            line.clear();
        }
    })
}
