//! [`Keeper`]: a shell that starts and stops the server on commands from a pipe, and cleans up when
//! the pipe closes.
//!
//! The test process holds the other end of the pipe, which closes even if that process is killed.
//! The keeper then stops the server and deletes the files.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

/// `$1` is the server's program, `$2` the cluster's folder. Settings that protect the data from a
/// crash of the machine are off. Those for a crash of the server stay on, because tests crash it.
///
/// A shell starts background children with SIGQUIT ignored. The server installs its handler before
/// it writes its pid file, so `start` waits for that file. A `halt` before that would wait for the
/// server indefinitely.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
pid=
halt() {
    if [ -n "$pid" ]; then kill -QUIT "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; fi
    pid=
}
while read -r command; do
    case "$command" in
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

/// A running keeper. `drop` stops the server and deletes the files before it returns.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
    commands: Option<ChildStdin>,
    responses: BufReader<ChildStdout>,
}

impl Keeper {
    /// Creates a cluster in `folder`, which belongs to `user`, and starts it.
    pub(super) fn start(binaries: &Path, folder: &Path, user: Option<PlainUser>) -> Self {
        let log = File::create(folder.join("log")).unwrap();
        if let Some(user) = user {
            std::os::unix::fs::chown(folder.join("log"), Some(user.uid), Some(user.gid)).unwrap();
        }
        // The C locale sorts text equally on all machines. `trust` is safe, because only the
        // folder's owner can reach the socket.
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
        let commands = child.stdin.take();
        let responses = BufReader::new(child.stdout.take().unwrap());
        let mut keeper = Self { child, commands, responses };
        keeper.start_server();
        keeper
    }

    pub(super) fn start_server(&mut self) {
        self.send("start");
    }

    /// Stops the server as a crash would: connections break immediately.
    pub(super) fn stop_server(&mut self) {
        self.send("stop");
        let mut response = String::new();
        self.responses.read_line(&mut response).unwrap();
        assert_eq!(response.trim(), "stopped");
    }

    fn send(&mut self, command: &str) {
        let pipe = self.commands.as_mut().unwrap();
        writeln!(pipe, "{command}").unwrap();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.child.wait();
    }
}

/// The user that runs the server if the caller is root. Postgres refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainUser {
    uid: u32,
    gid: u32,
}

impl PlainUser {
    /// Returns the user, or `None` if the caller is not root.
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
        Some(found.expect(
            "Postgres does not run as root, and the users `postgres` and `nobody` do not exist",
        ))
    }

    /// Changes the folder's owner to this user.
    pub(super) fn own(self, folder: &Path) {
        std::os::unix::fs::chown(folder, Some(self.uid), Some(self.gid)).unwrap();
    }
}

/// Returns the output of the server and `initdb`.
pub(super) fn read_log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Returns a command that runs in the cluster's folder with the C locale and without `PG*`
/// variables.
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
