//! The programs and fonts that tests may use, listed in `tests/packages.txt`.

use std::path::PathBuf;

use crate::binary::workspace_root;
use crate::program::install_packages;

/// Returns the fontconfig file that limits a browser on Linux to the listed fonts.
///
/// # Panics
/// When a font is not installed.
#[must_use]
pub fn fontconfig_file() -> PathBuf {
    let list = workspace_root().join("tests/packages.txt");
    install_packages("tests/make-fonts", "fonts", &list).join("fonts.conf")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Command, Output};

    use super::*;

    const LIST: &str = include_str!("../packages.txt");

    /// Returns the list without the lines of this package.
    fn list_without(package: &str) -> String {
        let lines = LIST.lines().filter(|line| line.split_whitespace().next() != Some(package));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Runs a script on this list to fill a folder.
    fn make(script: &str, list: &str, folder: &Path) -> PathBuf {
        let (list_file, made) = (folder.join("list"), folder.join("install_packages"));
        std::fs::write(&list_file, list).unwrap();
        let script = workspace_root().join("tests").join(script);
        let output = Command::new(script).args([&list_file, &made]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        made
    }

    /// Runs a program in a shell, with the PATH of this list.
    fn run_in_shell(list: &str, program: &str) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let path = make("make-path", list, folder.path());
        let mut shell = Command::new(path.join("sh"));
        shell.env("PATH", &path).args(["-c", &format!("{program} --version")]).output().unwrap()
    }

    #[test]
    fn tests_do_not_find_a_program_that_is_not_listed() {
        assert!(run_in_shell(LIST, "curl").status.success());
        assert_eq!(run_in_shell(&list_without("curl"), "curl").status.code(), Some(127));
        assert_eq!(run_in_shell(LIST, "perl").status.code(), Some(127));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn browsers_do_not_see_a_font_that_is_not_listed() {
        let fonts = |list: &str| {
            let folder = tempfile::tempdir().unwrap();
            let made = make("make-fonts", list, folder.path());
            let fonts = made.join("fonts").read_dir().unwrap();
            let mut names: Vec<_> =
                fonts.map(|font| font.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert!(fonts(LIST).contains(&"NanumGothic.ttf".to_owned()));
        assert_eq!(fonts(&list_without("fonts-nanum")), ["DejaVuSans-Bold.ttf", "DejaVuSans.ttf"]);
    }
}
