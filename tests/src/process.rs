//! Starts processes of the binary under test and captures their output and exit status.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::output::Output;
use crate::{binary, canary, exchanges, poll};

/// Setting with the folder in which a sandbox records its exchanges.
const RECORD: &str = "BILLING_SANDBOX_RECORD";

/// A start of the binary. The environment contains only the given variables and the sandbox's
/// record folder. Nothing is inherited.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program. Default: the built `billing-portal`.
    pub program: Option<PathBuf>,
    /// Arguments after the binary's name.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// The working folder.
    pub folder: PathBuf,
    /// Whether standard output may contain a secret (`keys create`, `token mint`, the banner of the
    /// embedded default).
    pub prints_secrets: bool,
    /// Whether its sandbox records its exchanges for the schema guard.
    pub records: bool,
}

/// A running process. Dropping it kills the process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

/// The result of an ended process.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; `None` if a signal ended the process.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Launch {
    /// Creates a start with these arguments in this folder and an empty environment.
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

    /// Sets another program than the built `billing-portal`.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Sets several variables.
    #[must_use]
    pub fn envs(mut self, variables: &BTreeMap<String, String>) -> Self {
        self.environment.extend(variables.iter().map(|(n, v)| (n.clone(), v.clone())));
        self
    }

    /// Excludes standard output from the scan for secrets.
    #[must_use]
    pub const fn secrets_on_stdout(mut self) -> Self {
        self.prints_secrets = true;
        self
    }

    /// Disables the sandbox's record, for load tests that repeat the same calls.
    #[must_use]
    pub const fn unrecorded(mut self) -> Self {
        self.records = false;
        self
    }

    /// Starts the process.
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

    /// Starts the process and waits until it ends.
    ///
    /// # Panics
    /// When the process does not end in time.
    #[must_use]
    pub fn run(&self) -> Finished {
        self.spawn().finish()
    }
}

impl Process {
    /// Returns standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Returns standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Returns standard error, for reading from a position.
    #[must_use]
    pub fn log(&self) -> &Output {
        &self.stderr
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns a memory value from `/proc` in KiB: `VmRSS` (current) or `VmHWM` (peak).
    ///
    /// # Panics
    /// When the system is not Linux or the process is gone.
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
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// Returns the exit status of an ended process.
    ///
    /// # Panics
    /// When waiting fails.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits until the process ends.
    ///
    /// # Panics
    /// When it does not end in time. The message has its output.
    pub fn finish(mut self) -> Finished {
        let ended = poll::within(poll::TIMEOUT, || self.exited());
        let Some(status) = ended else {
            panic!("the process does not end; output:\n{}\n{}", self.stdout(), self.stderr());
        };
        for reader in self.readers.drain(..) {
            reader.join().expect("no reader panics");
        }
        Finished { code: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }

    /// Returns whether the process ends within this time.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        poll::within(time, || self.exited()).is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both calls fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// Returns standard output as JSON.
    ///
    /// # Panics
    /// When the command failed or did not print JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "the command failed: {}", self.stderr);
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("standard output is not JSON ({e}): {}", self.stdout))
    }

    /// Asserts the exit code.
    ///
    /// # Panics
    /// When the exit code differs.
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

    /// Asserts that standard error contains each of these texts.
    ///
    /// # Panics
    /// When a text is missing.
    #[track_caller]
    pub fn expect_stderr(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is missing in:\n{}", self.stderr);
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
