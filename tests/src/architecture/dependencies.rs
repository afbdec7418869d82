//! Allowed dependencies between our crates, and the domain's external dependencies.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata};

/// Crates of ours that a crate may depend on. The first matching pattern applies; `*` matches any
/// text.
const RULES: &[(&str, &[&str])] = &[
    (DOMAIN, &[]),
    (TESTKIT, &[DOMAIN]),
    ("store-core", &[DOMAIN]),
    ("store-*", &[DOMAIN, "store-core"]),
    ("provider-*", &[DOMAIN, "strict-json", "outbound-http"]),
    ("events-out", &[DOMAIN, "strict-json", "outbound-http"]),
    ("auth-jwt", &[DOMAIN, "strict-json", "outbound-http"]),
    ("auth-*", &[DOMAIN]),
    ("api-http", &[DOMAIN, "http-edge"]),
    ("http-edge", &["strict-json"]),
    ("strict-json", &[]),
    ("outbound-http", &[]),
    ("layered-settings", &[]),
    ("sandbox-*", &[]),
    ("billing-portal", &["*"]),
    (TESTS, &["*"]),
];
const DOMAIN: &str = "billing-domain";
const TESTKIT: &str = "billing-testkit";
const TESTS: &str = "workspace-tests";

/// External crates that the domain may use.
const DOMAIN_EXTERNAL: &[&str] = &["async-trait", "psl", "secrecy", "thiserror", "url"];
/// External crates that the domain may use as an optional dependency (feature `mock`).
const DOMAIN_OPTIONAL: &[&str] = &["mockall"];
/// External crates that the domain's tests may use in addition.
const DOMAIN_DEV: &[&str] = &["proptest", "tokio"];

/// The name and dependencies of one of our crates.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The crate's name.
    pub name: String,
    /// The crate's dependencies.
    pub dependencies: Vec<Dependency>,
}

/// A dependency of one of our crates.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The crate that is depended on.
    pub name: String,
    /// Whether it is a dev-dependency.
    pub dev: bool,
    /// Whether the dependency is optional.
    pub optional: bool,
}

/// Reads our crates from cargo's metadata.
#[must_use]
pub fn packages(metadata: &Metadata) -> Vec<Package> {
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
    metadata.workspace_packages().into_iter().map(convert).collect()
}

/// Returns the forbidden dependencies between our crates and of the domain.
#[must_use]
pub fn forbidden_dependencies(packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in packages {
        let from = package.name.as_str();
        let Some((_, targets)) = RULES.iter().find(|(pattern, _)| fits(pattern, from)) else {
            wrong.push(format!(
                "{from} has no rule: add one to tests/src/architecture/dependencies.rs"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            let kind = if dependency.dev { " (dev)" } else { "" };
            if ours.contains(to) && !is_allowed(from, targets, dependency) {
                wrong.push(format!("the dependency {from} -> {to}{kind} is not allowed"));
            }
            if !ours.contains(to) && from == DOMAIN && !domain_may_use(dependency) {
                wrong.push(format!(
                    "the dependency {from} -> {to}{kind} is not allowed: the domain is pure"
                ));
            }
        }
    }
    wrong
}

/// Returns whether a crate may have this dependency on one of our crates. Tests may also use the
/// crate itself with other features, and the testkit if the crate may use the domain.
fn is_allowed(from: &str, targets: &[&str], dependency: &Dependency) -> bool {
    let to = dependency.name.as_str();
    let is_listed = targets.iter().any(|pattern| fits(pattern, to));
    match to {
        TESTKIT => from == TESTS || (dependency.dev && targets.iter().any(|t| fits(t, DOMAIN))),
        TESTS => false,
        _ => is_listed || (dependency.dev && to == from),
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

fn domain_may_use(dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    DOMAIN_EXTERNAL.contains(&name)
        || (dependency.optional && DOMAIN_OPTIONAL.contains(&name))
        || (dependency.dev && DOMAIN_DEV.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, on: &[&str]) -> Package {
        let dependency =
            |name: &&str| Dependency { name: (*name).to_owned(), dev: false, optional: false };
        Package { name: name.to_owned(), dependencies: on.iter().map(dependency).collect() }
    }

    /// Returns the violations of a crate whose dependencies are all ours.
    fn violations(name: &str, on: &[&str]) -> Vec<String> {
        let others = on.iter().filter(|other| **other != name).map(|other| package(other, &[]));
        forbidden_dependencies(&others.chain([package(name, on)]).collect::<Vec<_>>())
    }

    #[test]
    fn designed_dependencies_are_allowed() {
        let domain = "billing-domain";
        for (from, to) in [
            ("billing-testkit", &[domain][..]),
            ("store-core", &[domain]),
            ("store-sqlite", &[domain, "store-core"]),
            ("provider-polar", &[domain, "strict-json", "outbound-http"]),
            ("events-out", &[domain, "strict-json", "outbound-http"]),
            ("auth-jwt", &[domain, "strict-json", "outbound-http"]),
            ("auth-api-key", &[domain]),
            ("http-edge", &["strict-json"]),
            ("api-http", &[domain, "http-edge"]),
            ("billing-portal", &["api-http", "store-postgres", "sandbox-stripe", "auth-jwt"]),
            ("workspace-tests", &["billing-portal", "billing-testkit", "sandbox-stripe"]),
        ] {
            assert_eq!(violations(from, to), Vec::<String>::new());
        }
    }

    #[test]
    fn other_dependencies_are_reported() {
        for (from, to) in [
            ("billing-domain", "http-edge"),
            ("billing-testkit", "store-core"),
            ("store-core", "store-sqlite"),
            ("store-sqlite", "store-postgres"),
            ("store-sqlite", "strict-json"),
            ("auth-jwt", "store-sqlite"),
            ("auth-api-key", "outbound-http"),
            ("provider-stripe", "sandbox-stripe"),
            ("http-edge", "billing-domain"),
            ("strict-json", "billing-domain"),
            ("outbound-http", "strict-json"),
            ("layered-settings", "billing-domain"),
            ("sandbox-polar", "sandbox-stripe"),
            ("api-http", "store-sqlite"),
            ("api-http", "billing-portal"),
            ("store-sqlite", "billing-testkit"),
            ("billing-portal", "billing-testkit"),
            ("billing-portal", "workspace-tests"),
        ] {
            assert_eq!(
                violations(from, &[to]),
                [format!("the dependency {from} -> {to} is not allowed")]
            );
        }
    }

    #[test]
    fn testkit_is_a_dev_dependency_of_adapters() {
        let mut store = package("store-sqlite", &["billing-testkit"]);
        store.dependencies[0].dev = true;
        assert_eq!(
            forbidden_dependencies(&[store, package("billing-testkit", &[])]),
            Vec::<String>::new()
        );

        let mut edge = package("http-edge", &["billing-testkit"]);
        edge.dependencies[0].dev = true;
        assert_eq!(
            forbidden_dependencies(&[edge, package("billing-testkit", &[])]),
            ["the dependency http-edge -> billing-testkit (dev) is not allowed"]
        );
    }

    #[test]
    fn domain_may_not_use_a_runtime_or_a_required_mock_library() {
        for library in ["tokio", "mockall"] {
            assert_eq!(
                forbidden_dependencies(&[package("billing-domain", &["url", library])]),
                [format!(
                    "the dependency billing-domain -> {library} is not allowed: the domain is pure"
                )]
            );
        }
    }

    #[test]
    fn crate_without_a_rule_is_reported() {
        assert_eq!(
            violations("billing-utils", &[]),
            ["billing-utils has no rule: add one to tests/src/architecture/dependencies.rs"]
        );
    }
}
