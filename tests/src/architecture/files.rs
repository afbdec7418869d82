//! The source files of the workspace, and the rules for each file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, TargetKind};
use syn::Item;

use super::mentions::is_test_only;

/// Maximum lines of a file without its `#[cfg(test)] mod tests`.
const FILE_LINES: usize = 400;

/// Returns all `.rs` files of our crates, relative to the workspace's root, with their text.
///
/// # Panics
/// When they cannot be read.
#[must_use]
pub fn source_files(root: &Path) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root.join("crates"), root.join("tests")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path);
                let text = text.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                files.push((path.strip_prefix(root).unwrap_or(&path).to_owned(), text));
            }
        }
    }
    files.sort();
    files
}

/// Returns the root files of our libraries, binaries and tests, relative to `root`.
#[must_use]
pub fn target_roots(metadata: &Metadata, root: &Path) -> BTreeSet<PathBuf> {
    let is_ours =
        |kind: &TargetKind| matches!(kind, TargetKind::Lib | TargetKind::Bin | TargetKind::Test);
    let packages = metadata.workspace_packages();
    let targets = packages.iter().flat_map(|package| &package.targets);
    targets
        .filter(|target| target.kind.iter().any(is_ours))
        .map(|target| target.src_path.as_std_path())
        .map(|path| path.strip_prefix(root).unwrap_or(path).to_owned())
        .collect()
}

/// Returns the source files that are too long or lack an opening sentence.
///
/// # Panics
/// When they cannot be read or are not Rust.
#[must_use]
pub fn invalid_files(root: &Path) -> Vec<String> {
    source_files(root)
        .iter()
        .filter_map(|(path, text)| violation(&path.display().to_string(), text))
        .collect()
}

fn violation(name: &str, text: &str) -> Option<String> {
    if !text.starts_with("//! ") {
        return Some(format!("{name} does not open with a `//!` sentence"));
    }
    let lines = text.lines().count() - test_module_lines(name, text);
    (lines > FILE_LINES).then(|| {
        format!(
            "{name} has {lines} lines without its `mod tests`, more than {FILE_LINES}: split it"
        )
    })
}

/// Counts the lines of the file's `#[cfg(test)] mod tests { … }` with its attributes.
fn test_module_lines(name: &str, text: &str) -> usize {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines = file.items.iter().filter_map(|item| {
        let Item::Mod(module) = item else { return None };
        let (brace, _) = module.content.as_ref()?;
        let first = module.attrs.first()?.pound_token.spans[0].start().line;
        let is_tests = module.ident == "tests" && is_test_only(&module.attrs);
        is_tests.then(|| brace.span.close().end().line - first + 1)
    });
    lines.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(lines: usize) -> String {
        "fn f() {}\n".repeat(lines)
    }

    #[test]
    fn file_without_its_opening_sentence_is_reported() {
        let report = violation("a.rs", "use x;\n");
        assert_eq!(report.as_deref(), Some("a.rs does not open with a `//!` sentence"));
    }

    #[test]
    fn file_that_is_too_long_is_reported() {
        assert_eq!(violation("a.rs", &format!("//! A.\n{}", long(399))), None);
        assert_eq!(
            violation("a.rs", &format!("//! A.\n{}", long(400))).as_deref(),
            Some("a.rs has 401 lines without its `mod tests`, more than 400: split it")
        );
    }

    #[test]
    fn lines_of_mod_tests_are_not_counted() {
        let text = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", long(500));
        assert_eq!(violation("a.rs", &text), None);
    }

    #[test]
    fn code_after_the_first_cfg_test_is_counted() {
        let helper = "#[cfg(test)]\nfn only_in_tests() {}\n";
        let text = format!("//! A.\n{helper}{}", long(400));
        assert!(violation("a.rs", &text).is_some_and(|text| text.contains("403 lines")));

        let module = "#[cfg(test)]\nmod tests {\n}\n";
        let text = format!("//! A.\n{module}{}", long(400));
        assert!(violation("a.rs", &text).is_some_and(|text| text.contains("401 lines")));
    }

    #[test]
    fn lines_of_other_test_modules_are_counted() {
        let text = format!("//! A.\n#[cfg(test)]\nmod server {{\n{}}}\n", long(400));
        assert!(violation("a.rs", &text).is_some_and(|text| text.contains("404 lines")));
    }
}
