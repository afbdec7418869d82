//! Finds tests that start a sandbox without recording its exchanges.

use std::path::Path;

use super::files::source_files;

/// Returns the tests that start a sandbox without a record. The schema guard cannot check such a
/// sandbox.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn unrecorded_sandboxes(root: &Path) -> Vec<String> {
    let is_test = |path: &Path| path.components().any(|part| part.as_os_str() == "tests");
    source_files(root)
        .iter()
        .filter(|(path, text)| is_test(path) && unrecorded(text))
        .map(|(path, _)| {
            format!(
                "{} starts a sandbox without a `record` (see tests/src/exchanges.rs)",
                path.display()
            )
        })
        .collect()
}

fn unrecorded(text: &str) -> bool {
    // Concatenated, so that this file does not match itself.
    let (literal, default) =
        (["SandboxSettings", " {"].concat(), ["SandboxSettings::", "default()"].concat());
    let records = |(at, _): (usize, &str)| {
        let fields = text[at..].split('}').next().unwrap_or_default();
        text[..at].ends_with("-> ") || fields.contains("record")
    };
    let is_rest = |(at, _): (usize, &str)| text[..at].ends_with("..");
    !(text.match_indices(&literal).all(records) && text.match_indices(&default).all(is_rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sandbox_without_a_record_is_reported() {
        let settings =
            ["SandboxSettings", " { listen, record: folder(), ..SandboxSettings::", "default() }"]
                .concat();
        assert!(!unrecorded(&settings));
        assert!(unrecorded(&settings.replace("record: folder(), ", "")));
        assert!(unrecorded(&["Sandbox::bind(SandboxSettings::", "default())"].concat()));
    }
}
