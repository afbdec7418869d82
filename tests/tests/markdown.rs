//! The links of the documents resolve, and their lines and table cells are short.

use std::path::{Component, Path, PathBuf};

use url::Url;
use workspace_tests::binary::workspace_root;
use workspace_tests::markdown::{Link, anchors, links, too_long};
use workspace_tests::repository::{TextFile, text_files};

/// Returns the Markdown pages of the repository.
fn pages() -> Vec<TextFile> {
    let files = text_files(workspace_root()).into_iter();
    let pages: Vec<TextFile> = files.filter(|file| file.path.ends_with(".md")).collect();
    assert!(pages.len() > 30, "only {} pages were found", pages.len());
    pages
}

/// Resolves a relative path of a link against the folder of its page.
fn resolve(page: &str, path: &str) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in Path::new(page).parent()?.join(path).components() {
        match component {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            // A link out of the repository works on no other machine.
            Component::ParentDir if !resolved.pop() => return None,
            Component::ParentDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

/// Returns the fault of a link; `None` if the link is valid.
fn fault(root: &Path, page: &TextFile, link: &Link) -> Option<String> {
    let target = link.target.as_str();
    if target.contains("://") {
        let host = Url::parse(target).ok().and_then(|url| {
            matches!(url.scheme(), "http" | "https").then(|| url.host_str().map(str::to_owned))?
        });
        let is_complete = host.is_some_and(|host| host.contains('.'));
        return (!is_complete).then(|| format!("`{target}` is no http or https URL"));
    }

    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    let resolved = match path {
        "" if anchor.is_some() => Some(PathBuf::from(&page.path)),
        "" => None,
        _ => resolve(&page.path, path),
    };
    let Some(file) = resolved.map(|path| root.join(path)).filter(|path| path.exists()) else {
        return Some(format!("`{target}`: there is no such file"));
    };

    let anchor = anchor?;
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let exists = file.extension().is_some_and(|extension| extension == "md")
        && anchors(&text).contains(anchor);
    (!exists).then(|| format!("`{target}`: there is no such heading"))
}

#[test]
fn links_of_all_documents_resolve() {
    let root = workspace_root();
    let mut count = 0;
    let mut faults = Vec::new();
    for page in pages() {
        for link in links(&page.text) {
            count += 1;
            let fault = fault(root, &page, &link);
            faults.extend(fault.map(|fault| format!("{}:{}: {fault}", page.path, link.line)));
        }
    }
    assert!(count > 200, "only {count} links were found");
    assert!(faults.is_empty(), "{} broken links:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn lines_and_table_cells_of_all_documents_are_short() {
    let faults: Vec<String> = pages()
        .iter()
        .flat_map(|page| {
            too_long(&page.text).into_iter().map(|line| format!("{}:{line}", page.path))
        })
        .collect();
    assert!(faults.is_empty(), "{} are too long:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn broken_links_are_reported() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("docs")).unwrap();
    let page = TextFile { path: "docs/page.md".to_owned(), text: "# One heading\n".to_owned() };
    std::fs::write(root.path().join(&page.path), &page.text).unwrap();
    std::fs::write(root.path().join("README.md"), "## Top\n").unwrap();
    let is_broken = |target: &str| {
        fault(root.path(), &page, &Link { line: 1, target: target.to_owned() }).is_some()
    };

    for target in ["page.md", "#one-heading", "../README.md#top", "../docs", "https://example.com/"]
    {
        assert!(!is_broken(target), "{target}");
    }
    let broken = ["", "gone.md", "#gone", "../README.md#gone", "../../README.md", "/docs/page.md"];
    for target in broken.into_iter().chain(["../docs#top", "https://", "ftp://example.com/"]) {
        assert!(is_broken(target), "{target}");
    }
}
