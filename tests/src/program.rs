//! Runs test programs in Node and Python with their pinned packages, and reads their checks.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::workspace_root;
use crate::poll;

/// Timeout of a program. Browsers start slowly on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A program that runs in its own folder.
#[derive(Debug)]
pub struct Program {
    interpreter: PathBuf,
    file: PathBuf,
    /// The whole environment. Nothing is inherited.
    environment: BTreeMap<String, String>,
    folder: TempDir,
}

/// The checks that passed in a successful program.
#[derive(Debug)]
pub struct Checks(Vec<String>);

impl Program {
    /// Returns the Node module `tests/<package>/<file>` with the packages of its `package.json`.
    ///
    /// # Panics
    /// When the packages cannot be installed.
    #[must_use]
    pub fn node(package: &str, file: &str) -> Self {
        let source = workspace_root().join("tests").join(package);
        let modules =
            install_packages("tests/make-node-modules", &package.replace('/', "-"), &source);
        // Node looks for packages in parent folders, so both are placed in this folder.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = folder.path().join(package);
        std::fs::create_dir_all(&copy).expect("the folder is created");
        let files = source
            .read_dir()
            .expect("the package's folder can be read")
            .map(|entry| entry.expect("a file").path());
        for file in files.filter(|file| file.is_file()) {
            std::fs::copy(&file, copy.join(file.file_name().expect("a file has a name")))
                .expect("a file is copied");
        }
        let checks = Path::new("checks.mjs");
        std::fs::copy(workspace_root().join("tests").join(checks), folder.path().join(checks))
            .expect("a file is copied");
        std::os::unix::fs::symlink(
            modules.join("node_modules"),
            folder.path().join("node_modules"),
        )
        .expect("a link");
        Self::new("node".into(), copy.join(file), folder)
    }

    /// Returns the Python program `tests/<package>/<file>` with the packages of its
    /// `requirements.txt`.
    ///
    /// # Panics
    /// When the packages cannot be installed.
    #[must_use]
    pub fn python(package: &str, file: &str) -> Self {
        let source = workspace_root().join("tests").join(package);
        let venv = install_packages("tests/make-venv", &package.replace('/', "-"), &source);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut program = Self::new(venv.join("bin/python3"), source.join(file), folder);
        program.environment.insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
        program
    }

    fn new(interpreter: PathBuf, file: PathBuf, folder: TempDir) -> Self {
        let path = std::env::var("PATH").expect("PATH is set");
        let home = folder.path().display().to_string();
        // Requests to other hosts than loopback go to a proxy address that refuses connections.
        let nowhere = "http://127.0.0.1:9".to_owned();
        let environment = [
            ("PATH", path),
            ("HOME", home),
            ("LANG", "C.UTF-8".to_owned()),
            ("HTTP_PROXY", nowhere.clone()),
            ("HTTPS_PROXY", nowhere),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Self { interpreter, file, environment, folder }
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Runs the program until it ends.
    ///
    /// # Panics
    /// When it fails, does not end in time, or its closing count is wrong. The message has its
    /// output.
    #[track_caller]
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Checks {
        let (out, err) = (self.folder.path().join("stdout"), self.folder.path().join("stderr"));
        let mut child = Command::new(&self.interpreter)
            .arg(&self.file)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("the file is created"))
            .stderr(File::create(&err).expect("the file is created"))
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} does not start: {error}", self.interpreter.display())
            });
        let ended = poll::within(TIMEOUT, || child.try_wait().expect("a child can be waited for"));
        if ended.is_none() {
            // This fails only if the program just ended.
            let _ = child.kill();
        }
        let (out, err) = (read(&out), read(&err));
        assert!(
            ended.is_some_and(|status| status.success()),
            "{} ({ended:?}):\n{out}\n{err}",
            self.file.display()
        );
        Checks::of(&out)
    }
}

impl Checks {
    /// Parses the checks of an output. The last line is their count; without it the program ended
    /// early.
    #[track_caller]
    fn of(output: &str) -> Self {
        let checks: Vec<_> = output
            .lines()
            .filter_map(|line| line.strip_prefix("check: "))
            .map(str::to_owned)
            .collect();
        assert_eq!(
            output.lines().last(),
            Some(format!("{} checks", checks.len()).as_str()),
            "the program ended early:\n{output}"
        );
        Self(checks)
    }

    /// Asserts the number of checks, so that skipped checks fail the test.
    ///
    /// # Panics
    /// When the number differs.
    #[track_caller]
    pub fn expect(self, count: usize) {
        assert_eq!(self.0.len(), count, "checks: {:#?}", self.0);
    }
}

impl std::fmt::Display for Checks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.join("\n"))
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("the output can be read")).into_owned()
}

/// Runs a script that installs the packages of `source` below the target folder. Returns the
/// folder.
pub(crate) fn install_packages(script: &str, name: &str, source: &Path) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace_root().join("target"), Into::into);
    let folder = target.join("packages").join(name);
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let output = Command::new(workspace_root().join(script))
        .args([source, &folder])
        .output()
        .expect("a script starts");
    assert!(
        output.status.success(),
        "{script} {name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_without_its_closing_count_is_rejected() {
        Checks::of("check: one\nnoise\ncheck: two\n2 checks\n").expect(2);
        for bad in ["check: one\n", "check: one\n2 checks\n", "1 checks\ncheck: one\n", ""] {
            assert!(std::panic::catch_unwind(|| Checks::of(bad)).is_err(), "{bad:?}");
        }
    }
}
