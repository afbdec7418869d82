//! The shape of the workspace as rules over `cargo metadata` and the source files; each complaint names what is wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata};

/// What the domain may use from outside, beside itself.
const DOMAIN_EXTERNAL: &[&str] = &["async-trait", "psl", "secrecy", "thiserror", "url"];
/// The same, as an optional dependency (`mock`).
const DOMAIN_OPTIONAL: &[&str] = &["mockall"];
/// What the domain's own tests may use on top of it.
const DOMAIN_DEV: &[&str] = &["proptest", "tokio"];
/// The file whose arms choose a provider.
const PROVIDER_WIRING: &str = "crates/billing-portal/src/wiring/provider.rs";
/// How many lines a file may have before its tests.
const FILE_LINES: usize = 400;
/// How many lines a crate that is to stay thin may have, without tests.
const CRATE_LINES: &[(&str, usize)] =
    &[("crates/api-http", 2_500), ("crates/billing-portal", 3_500)];

/// One of our crates, as far as the rules look at it.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
}

/// A dependency of one of our crates.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The crate it points at.
    pub name: String,
    /// Whether it is for tests alone.
    pub dev: bool,
    /// Whether it is optional.
    pub optional: bool,
}

/// What a crate is, which says where its arrows may point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Domain,
    Testkit,
    Store,
    Adapter,
    Standalone,
    Api,
    Root,
    Tests,
}

/// A new adapter falls under a rule by its name's start; any other new crate needs a line here.
fn role(name: &str) -> Option<Role> {
    Some(match name {
        "billing-domain" => Role::Domain,
        "billing-testkit" => Role::Testkit,
        "sandbox-stripe" | "http-edge" | "layered-settings" => Role::Standalone,
        "api-http" => Role::Api,
        "billing-portal" => Role::Root,
        "workspace-tests" => Role::Tests,
        "store-sqlite" | "store-postgres" => Role::Store,
        _ if ["store-", "provider-", "auth-"].iter().any(|start| name.starts_with(start)) => {
            Role::Adapter
        }
        _ => return None,
    })
}

/// Whether a crate of role `from` may point at crate `to`.
fn allowed(from: Role, to: &str, dev: bool) -> bool {
    match from {
        Role::Domain => dev && to == "billing-domain",
        Role::Testkit => to == "billing-domain",
        Role::Store => to == "store-core" || allowed(Role::Adapter, to, dev),
        Role::Adapter => to == "billing-domain" || (dev && to == "billing-testkit"),
        Role::Standalone => false,
        Role::Api => {
            matches!(to, "billing-domain" | "http-edge") || (dev && to == "billing-testkit")
        }
        Role::Root => to != "workspace-tests" && (dev || to != "billing-testkit"),
        Role::Tests => to != "billing-portal",
    }
}

/// Our crates, out of cargo's metadata.
#[must_use]
pub fn packages(metadata: &Metadata) -> Vec<Package> {
    let ours = metadata.workspace_packages();
    let convert = |package: &cargo_metadata::Package| Package {
        name: package.name.to_string(),
        dependencies: package
            .dependencies
            .iter()
            .map(|dependency| Dependency {
                name: dependency.name.clone(),
                dev: dependency.kind == DependencyKind::Development,
                optional: dependency.optional,
            })
            .collect(),
    };
    ours.into_iter().map(convert).collect()
}

/// Wrong arrows: between our crates, and out of the domain.
#[must_use]
pub fn wrong_arrows(packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in packages {
        let Some(role) = role(&package.name) else {
            wrong.push(format!(
                "{} has no rule: give it one in tests/src/architecture.rs",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let (from, to) = (&package.name, dependency.name.as_str());
            let kind = if dependency.dev { " (dev)" } else { "" };
            if ours.contains(to) && !allowed(role, to, dependency.dev) {
                wrong.push(format!("the arrow {from} -> {to}{kind} is not allowed"));
            }
            if !ours.contains(to) && role == Role::Domain && !domain_may_use(dependency) {
                wrong.push(format!(
                    "the arrow {from} -> {to}{kind} is not allowed: the domain is pure"
                ));
            }
        }
    }
    wrong
}

fn domain_may_use(dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    DOMAIN_EXTERNAL.contains(&name)
        || (dependency.optional && DOMAIN_OPTIONAL.contains(&name))
        || (dependency.dev && DOMAIN_DEV.contains(&name))
}

/// What providers lack on their way into the binary; `wiring` is the text of the file that chooses one.
#[must_use]
pub fn unwired_providers(packages: &[Package], wiring: &str) -> Vec<String> {
    let root = packages
        .iter()
        .find(|package| package.name == "billing-portal")
        .cloned()
        .unwrap_or_default();
    let mut missing = Vec::new();
    for provider in
        packages.iter().map(|package| &package.name).filter(|name| name.starts_with("provider-"))
    {
        let plain = |dependency: &Dependency| !dependency.dev && !dependency.optional;
        if !root
            .dependencies
            .iter()
            .any(|dependency| dependency.name == *provider && plain(dependency))
        {
            missing.push(format!(
                "{provider}: crates/billing-portal/Cargo.toml lacks a dependency on it"
            ));
        }
        if !wiring.contains(&format!("{}::", provider.replace('-', "_"))) {
            missing.push(format!("{provider}: {PROVIDER_WIRING} lacks its arm"));
        }
    }
    missing
}

/// The text of the file that chooses a provider.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn provider_wiring(root: &Path) -> String {
    std::fs::read_to_string(root.join(PROVIDER_WIRING))
        .unwrap_or_else(|e| panic!("{PROVIDER_WIRING}: {e}"))
}

/// Source files that break a rule of size or form.
///
/// # Panics
/// When they cannot be read.
#[must_use]
pub fn misshapen_files(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut lines = vec![0; CRATE_LINES.len()];
    for path in source_files(root) {
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        wrong.extend(misshapen(&name, &text));
        for (sum, (folder, _)) in lines.iter_mut().zip(CRATE_LINES) {
            if name.starts_with(&format!("{folder}/src/")) {
                *sum += lines_before_tests(&text);
            }
        }
    }
    wrong.extend(
        CRATE_LINES
            .iter()
            .zip(lines)
            .filter_map(|((folder, limit), lines)| fat(folder, lines, *limit)),
    );
    wrong
}

fn misshapen(name: &str, text: &str) -> Option<String> {
    if !text.starts_with("//! ") {
        return Some(format!("{name} does not open with a `//!` sentence"));
    }
    let lines = lines_before_tests(text);
    (lines > FILE_LINES).then(|| {
        format!("{name} has {lines} lines before its tests, more than {FILE_LINES}: split it")
    })
}

fn fat(folder: &str, lines: usize, limit: usize) -> Option<String> {
    (lines > limit)
        .then(|| format!("{folder} has {lines} lines, more than {limit}: it is to stay thin"))
}

fn lines_before_tests(text: &str) -> usize {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

/// Tests that start a sandbox which records nothing, so that nobody holds its answers against Stripe's schema.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn unrecorded_sandboxes(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in source_files(root) {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let is_test = name.starts_with("tests/") || name.contains("/tests/");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        if is_test && unrecorded(&text) {
            wrong.push(format!(
                "{name} starts a sandbox without a `record` (see tests/src/exchanges.rs)"
            ));
        }
    }
    wrong
}

fn unrecorded(text: &str) -> bool {
    // Put together, so that this file is no such test.
    let (literal, default) =
        (["SandboxSettings", " {"].concat(), ["SandboxSettings::", "default()"].concat());
    let records = |(at, _): (usize, &str)| {
        let fields = text[at..].split('}').next().unwrap_or_default();
        text[..at].ends_with("-> ") || fields.contains("record")
    };
    let is_rest = |(at, _): (usize, &str)| text[..at].ends_with("..");
    !(text.match_indices(&literal).all(records) && text.match_indices(&default).all(is_rest))
}

/// All `.rs` files of our crates.
fn source_files(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.join("crates"), root.join("tests")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, on: &[&str]) -> Package {
        let dependency =
            |name: &&str| Dependency { name: (*name).to_owned(), dev: false, optional: false };
        Package { name: name.to_owned(), dependencies: on.iter().map(dependency).collect() }
    }

    fn with_neighbours(bad: Package) -> Vec<Package> {
        let mut all: Vec<Package> =
            ["billing-domain", "billing-testkit", "store-sqlite", "auth-jwt", "http-edge"]
                .iter()
                .filter(|name| **name != bad.name)
                .map(|name| package(name, &[]))
                .collect();
        all.push(bad);
        all
    }

    #[test]
    fn an_arrow_from_adapter_to_adapter_is_named() {
        let wrong = wrong_arrows(&with_neighbours(package(
            "auth-jwt",
            &["billing-domain", "store-sqlite"],
        )));
        assert_eq!(wrong, ["the arrow auth-jwt -> store-sqlite is not allowed"]);
    }

    #[test]
    fn tokio_in_the_domain_is_named() {
        let wrong = wrong_arrows(&with_neighbours(package("billing-domain", &["url", "tokio"])));
        assert_eq!(wrong, ["the arrow billing-domain -> tokio is not allowed: the domain is pure"]);
    }

    #[test]
    fn mockall_in_the_domain_must_be_optional() {
        let wrong = wrong_arrows(&with_neighbours(package("billing-domain", &["mockall"])));
        assert_eq!(
            wrong,
            ["the arrow billing-domain -> mockall is not allowed: the domain is pure"]
        );
    }

    #[test]
    fn the_testkit_is_for_tests_alone() {
        let wrong = wrong_arrows(&with_neighbours(package("store-sqlite", &["billing-testkit"])));
        assert_eq!(wrong, ["the arrow store-sqlite -> billing-testkit is not allowed"]);
    }

    #[test]
    fn a_standalone_crate_points_at_nobody() {
        let wrong = wrong_arrows(&with_neighbours(package("http-edge", &["billing-domain"])));
        assert_eq!(wrong, ["the arrow http-edge -> billing-domain is not allowed"]);
    }

    #[test]
    fn no_adapter_points_at_the_api() {
        let mut all = with_neighbours(package("store-sqlite", &["api-http"]));
        all.push(package("api-http", &[]));
        assert_eq!(wrong_arrows(&all), ["the arrow store-sqlite -> api-http is not allowed"]);
    }

    #[test]
    fn the_api_points_at_the_domain_and_the_edge_alone() {
        let wrong = wrong_arrows(&with_neighbours(package(
            "api-http",
            &["billing-domain", "http-edge", "store-sqlite"],
        )));
        assert_eq!(wrong, ["the arrow api-http -> store-sqlite is not allowed"]);
    }

    #[test]
    fn nobody_points_at_the_composition_root() {
        for from in ["billing-domain", "store-sqlite", "http-edge", "api-http", "workspace-tests"] {
            let mut all = with_neighbours(package(from, &["billing-portal"]));
            all.push(package(
                "billing-portal",
                &["billing-domain", "store-sqlite", "auth-jwt", "http-edge"],
            ));
            assert_eq!(
                wrong_arrows(&all),
                [format!("the arrow {from} -> billing-portal is not allowed")]
            );
        }
    }

    #[test]
    fn a_crate_without_a_rule_is_named() {
        let wrong = wrong_arrows(&with_neighbours(package("billing-utils", &[])));
        assert_eq!(wrong, ["billing-utils has no rule: give it one in tests/src/architecture.rs"]);
    }

    #[test]
    fn a_provider_that_is_not_wired_hears_what_is_missing() {
        let provider = || package("provider-paddle", &[]);
        let missing = unwired_providers(
            &[provider(), package("billing-portal", &[])],
            "use provider_stripe::X;",
        );
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing.iter().all(|text| text.starts_with("provider-paddle: ")), "{missing:?}");
        let wired = [provider(), package("billing-portal", &["provider-paddle"])];
        assert_eq!(unwired_providers(&wired, "use provider_paddle::X;"), Vec::<String>::new());
    }

    #[test]
    fn a_sandbox_without_a_record_is_noticed() {
        let settings =
            ["SandboxSettings", " { listen, record: folder(), ..SandboxSettings::", "default() }"]
                .concat();
        assert!(!unrecorded(&settings));
        assert!(unrecorded(&settings.replace("record: folder(), ", "")));
        assert!(unrecorded(&["Sandbox::bind(SandboxSettings::", "default())"].concat()));
    }

    #[test]
    fn a_file_without_its_sentence_or_too_long_is_named() {
        assert!(misshapen("a.rs", "use x;\n").is_some_and(|text| text.contains("a.rs")));
        let long = format!("//! Long.\n{}", "x\n".repeat(FILE_LINES));
        assert!(misshapen("b.rs", &long).is_some_and(|text| text.contains("b.rs")));
        let tested = format!("//! Short.\n#[cfg(test)]\n{}", "x\n".repeat(FILE_LINES));
        assert_eq!(misshapen("c.rs", &tested), None);
    }

    #[test]
    fn a_crate_past_its_limit_is_named() {
        assert_eq!(fat("crates/api-http", 2_500, 2_500), None);
        assert!(
            fat("crates/api-http", 2_501, 2_500)
                .is_some_and(|text| text.starts_with("crates/api-http has 2501"))
        );
    }
}
