//! The keeper: a shell that starts and stops the server on orders from a pipe, and clears up when the pipe closes.
//!
//! The pipe's other end is in the test process and closes with it, also when that is killed. The keeper is then the one
//! who is left to stop the server, its own child, and to delete the files.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

/// `$1` is the server's program, `$2` the cluster's folder. What protects the data from a crash of the machine is off; what
/// protects it from a crash of the server is not, because tests crash it.
///
/// A shell starts its background children with SIGQUIT ignored. The server handles the signal before it writes its pid file,
/// so `start` waits for that file: an earlier `halt` would be ignored, and would wait for the server forever.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
pid=
halt() {
    if [ -n "$pid" ]; then kill -QUIT "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; fi
    pid=
}
while read -r order; do
    case "$order" in
        start)
            "$1" -D "$2/data" -k "$2" -F -c listen_addresses= -c full_page_writes=off \
                -c max_connections=1000 -c shared_buffers=32MB </dev/null >>"$2/log" 2>&1 &
            pid=$! turns=0
            until [ -e "$2/data/postmaster.pid" ] || [ "$turns" -ge 1000000 ]; do
                turns=$((turns + 1))
            done ;;
        stop) halt; echo stopped ;;
    esac
done
halt
cd /
rm -rf "$2"
"#;

/// A running keeper. Dropped, it stops the server and deletes the files before `drop` returns.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// Makes a cluster in `folder`, which belongs to `user`, and starts it.
    pub(super) fn start(binaries: &Path, folder: &Path, user: Option<PlainUser>) -> Self {
        let log = File::create(folder.join("log")).unwrap();
        if let Some(user) = user {
            std::os::unix::fs::chown(folder.join("log"), Some(user.uid), Some(user.gid)).unwrap();
        }
        // No locale of this machine decides how text sorts; `trust`, because only the socket's folder lets anybody in.
        let made = command(&binaries.join("initdb"), folder, user)
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--pgdata",
            ])
            .arg(folder.join("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed: {}", read_log(folder));

        let mut child = command(Path::new("/bin/sh"), folder, user)
            .args(["-c", SCRIPT, "keeper"])
            .args([binaries.join("postgres").as_path(), folder])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut keeper = Self { child, orders, answers };
        keeper.start_server();
        keeper
    }

    pub(super) fn start_server(&mut self) {
        self.order("start");
    }

    /// Stops the server as a crash would: connections break at once.
    pub(super) fn stop_server(&mut self) {
        self.order("stop");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "stopped");
    }

    fn order(&mut self, order: &str) {
        let pipe = self.orders.as_mut().unwrap();
        writeln!(pipe, "{order}").unwrap();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// Who runs the server where the caller is root, which Postgres refuses to serve.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainUser {
    uid: u32,
    gid: u32,
}

impl PlainUser {
    /// `None` where the caller is a plain user already.
    pub(super) fn needed() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let id = |flag: &str, name: &str| {
            let output = Command::new("id").args([flag, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        let found = ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some(Self { uid: id("-u", name)?, gid: id("-g", name)? }));
        Some(
            found.expect(
                "Postgres does not run as root, and there is neither a user `postgres` nor `nobody` to run it as",
            ),
        )
    }

    /// Gives the folder to this user.
    pub(super) fn own(self, folder: &Path) {
        std::os::unix::fs::chown(folder, Some(self.uid), Some(self.gid)).unwrap();
    }
}

/// What the server and `initdb` said so far.
pub(super) fn read_log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// A program that runs in the cluster's folder, in its own locale, and hears nothing of the caller's `PG*` variables.
fn command(program: &Path, folder: &Path, user: Option<PlainUser>) -> Command {
    let mut command = Command::new(PathBuf::from(program));
    command.current_dir(folder).env("LC_ALL", "C");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    if let Some(PlainUser { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    command
}
