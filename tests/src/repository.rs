//! The text files of the repository, for tests that check all of them.

use std::fs;
use std::path::Path;

/// A file of the repository.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// Path from the root of the repository, with `/` as separator.
    pub path: String,
    /// Content.
    pub text: String,
}

/// Folders that contain build output or packages, at any depth.
const GENERATED: &[&str] = &[".git", "__pycache__", "node_modules"];

/// The marker file that cargo creates in each target folder.
const CACHE_MARKER: &str = "CACHEDIR.TAG";

/// Folders at the root that git ignores: build output, which has no marker if cargo did not create
/// the folder, and the state of `cargo run`.
const IGNORED: &[&str] = &["data", "target"];

/// Returns all files below `root` that are UTF-8, sorted by path.
///
/// It walks the tree, because the tests' PATH has no `git`. Build output is omitted.
///
/// # Panics
/// When a folder or a file cannot be read.
#[must_use]
pub fn text_files(root: &Path) -> Vec<TextFile> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];

    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder);
        for entry in entries.unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                if !is_generated(root, &path) {
                    folders.push(path);
                }
                continue;
            }
            let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile { path: relative(root, &path), text });
            }
        }
    }

    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn is_generated(root: &Path, folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    GENERATED.contains(&name.as_ref())
        || folder.join(CACHE_MARKER).exists()
        || (IGNORED.contains(&name.as_ref()) && folder.parent() == Some(root))
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).expect("the path is below the root");
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_files_leaves_out_build_output_state_and_binary_files() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        write("README.md", b"a");
        write("tests/data/case.txt", b"b");
        write("picture.png", b"\x89PNG\xff");
        write("data/key.secret", b"c");
        write("target/packages/file.txt", b"g");
        write("output/CACHEDIR.TAG", b"d");
        write("output/debug/file.txt", b"e");
        write("tests/node_modules/package/index.js", b"f");

        let found = text_files(root.path());

        let paths: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["README.md", "tests/data/case.txt"]);
    }
}
