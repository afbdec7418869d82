//! [`Terminal`]: the built binary in a pseudo-terminal, which the program `script` provides.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::output::Output;
use crate::{binary, exchanges, poll};

/// A terminal with a running process. Dropping it closes the terminal.
#[derive(Debug)]
pub struct Terminal {
    script: Child,
    keyboard: ChildStdin,
    screen: Arc<Output>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Terminal {
    /// Starts the binary without arguments in this folder, with these settings and no others.
    ///
    /// # Panics
    /// When `script` cannot be started.
    #[must_use]
    pub fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let record = exchanges::folder().map(|folder| ("BILLING_SANDBOX_RECORD", folder));
        let binary = binary::path().display().to_string();
        let command = format!("exec '{binary}'");
        let arguments = if cfg!(target_os = "linux") {
            vec!["--quiet", "--return", "--flush", "--command", &command, "/dev/null"]
        } else {
            // BSD's `script` has other options. It always returns the exit code of the command.
            vec!["-q", "/dev/null", &binary]
        };
        let mut script = Command::new("script")
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("there is a PATH"))
            .env("SHELL", "/bin/sh")
            .envs(record)
            .envs(settings.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script starts");
        let keyboard = script.stdin.take().expect("stdin is piped");
        let stdout = script.stdout.take().expect("stdout is piped");

        let screen = Arc::new(Output::default());
        let written = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                written.push(&line);
                line.clear();
            }
        });
        Self { script, keyboard, screen, reader: Some(reader) }
    }

    /// The text on the screen so far, without colours and carriage returns.
    #[must_use]
    pub fn screen(&self) -> String {
        let text = self.screen.text();
        let mut pieces = text.split("\x1b[");
        let mut plain = pieces.next().unwrap_or_default().to_owned();
        // A colour sequence ends with an `m`.
        pieces.for_each(|piece| plain += piece.split_once('m').map_or(piece, |(_, rest)| rest));
        plain.replace('\r', "")
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// When the terminal is closed.
    pub fn press_ctrl_c(&mut self) {
        self.keyboard.write_all(b"\x03").expect("the terminal is open");
        self.keyboard.flush().expect("the terminal is open");
    }

    /// Returns the exit code if the process ends within this time.
    ///
    /// # Panics
    /// When it does not end in time.
    #[must_use]
    pub fn exit_code_within(mut self, time: Duration) -> (Option<i32>, String) {
        let ended =
            poll::within(time, || self.script.try_wait().expect("script can be waited for"));
        let Some(status) = ended else {
            panic!("the process did not end within {time:?}:\n{}", self.screen());
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        (status.code(), self.screen())
    }

    /// Closes the terminal, as a window manager does. The process gets SIGHUP.
    pub fn close(mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        // Both fail only if `script` has ended already.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}
