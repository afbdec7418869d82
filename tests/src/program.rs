//! Programs of the tests that are not Rust: their pinned packages under the target folder, their runs, the facts they found.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::workspace_root;
use crate::poll;

/// How long a program may take on a busy machine: browsers are slow to start.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A program, ready to run in a folder of its own.
#[derive(Debug)]
pub struct Program {
    interpreter: PathBuf,
    file: PathBuf,
    /// The whole environment: nothing leaks in from the caller's.
    environment: BTreeMap<String, String>,
    folder: TempDir,
}

/// What a program that succeeded found true.
#[derive(Debug)]
pub struct Facts(Vec<String>);

impl Program {
    /// `tests/<package>/<file>`, a module for Node, with the packages of its `package.json`.
    ///
    /// # Panics
    /// When they cannot be installed.
    #[must_use]
    pub fn node(package: &str, file: &str) -> Self {
        let source = workspace_root().join("tests").join(package);
        let modules = made("tests/make-node-modules", &package.replace('/', "-"), &source);
        // Modules look for packages in the folders above their own: both meet in this one.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = folder.path().join(package);
        std::fs::create_dir_all(&copy).expect("a folder is made");
        let files = source
            .read_dir()
            .expect("the package's folder can be read")
            .map(|entry| entry.expect("a file").path());
        for file in files.filter(|file| file.is_file()) {
            std::fs::copy(&file, copy.join(file.file_name().expect("a file has a name")))
                .expect("a file is copied");
        }
        let facts = Path::new("facts.mjs");
        std::fs::copy(workspace_root().join("tests").join(facts), folder.path().join(facts))
            .expect("a file is copied");
        std::os::unix::fs::symlink(
            modules.join("node_modules"),
            folder.path().join("node_modules"),
        )
        .expect("a link");
        Self::new("node".into(), copy.join(file), folder)
    }

    /// `tests/<package>/<file>` for Python, with the packages of its `requirements.txt`.
    ///
    /// # Panics
    /// When they cannot be installed.
    #[must_use]
    pub fn python(package: &str, file: &str) -> Self {
        let source = workspace_root().join("tests").join(package);
        let venv = made("tests/make-venv", &package.replace('/', "-"), &source);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut program = Self::new(venv.join("bin/python3"), source.join(file), folder);
        program.environment.insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
        program
    }

    fn new(interpreter: PathBuf, file: PathBuf, folder: TempDir) -> Self {
        let path = std::env::var("PATH").expect("there is a PATH");
        let home = folder.path().display().to_string();
        // Whatever heeds proxies and asks for another host than loopback finds one that is none.
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

    /// With this variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it fails or does not end, or says another number of facts than it told; with all that it wrote.
    #[track_caller]
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Facts {
        let (out, err) = (self.folder.path().join("stdout"), self.folder.path().join("stderr"));
        let mut child = Command::new(&self.interpreter)
            .arg(&self.file)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("a file is made"))
            .stderr(File::create(&err).expect("a file is made"))
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} does not start: {error}", self.interpreter.display())
            });
        let ended = poll::within(TIMEOUT, || child.try_wait().expect("a child can be waited for"));
        if ended.is_none() {
            // Fails only where it ended in this moment.
            let _ = child.kill();
        }
        let (out, err) = (read(&out), read(&err));
        assert!(
            ended.is_some_and(|status| status.success()),
            "{} ({ended:?}):\n{out}\n{err}",
            self.file.display()
        );
        Facts::of(&out)
    }
}

impl Facts {
    /// The facts of an output whose last line counts them: without that line the program ended early.
    #[track_caller]
    fn of(output: &str) -> Self {
        let facts: Vec<_> = output
            .lines()
            .filter_map(|line| line.strip_prefix("fact: "))
            .map(str::to_owned)
            .collect();
        assert_eq!(
            output.lines().last(),
            Some(format!("{} facts", facts.len()).as_str()),
            "it ended early:\n{output}"
        );
        Self(facts)
    }

    /// Asserts how many there are, so that a program that checks less is seen.
    ///
    /// # Panics
    /// When it is another number.
    #[track_caller]
    pub fn expect(self, count: usize) {
        assert_eq!(self.0.len(), count, "facts: {:#?}", self.0);
    }
}

impl std::fmt::Display for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.join("\n"))
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("the output can be read")).into_owned()
}

/// The target folder's part that this script fills with the packages that `source` names.
pub(crate) fn made(script: &str, name: &str, source: &Path) -> PathBuf {
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
        Facts::of("fact: one\nnoise\nfact: two\n2 facts\n").expect(2);
        for bad in ["fact: one\n", "fact: one\n2 facts\n", "1 facts\nfact: one\n", ""] {
            assert!(std::panic::catch_unwind(|| Facts::of(bad)).is_err(), "{bad:?}");
        }
    }
}
