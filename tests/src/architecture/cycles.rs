//! Import cycles between sibling files: `x.rs` and its folder `x/` are one unit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::modules::{Module, Modules};

/// The lines that cause a dependency: file and line, with the paths that they name.
type Lines = BTreeMap<(PathBuf, usize), BTreeSet<String>>;
/// The dependencies within one folder, by source and destination unit.
type Edges = BTreeMap<(String, String), Lines>;

/// Exempt units, by folder. The services of each capability use ports, and ports name the values of
/// each capability. The layout keeps all ports in one folder.
const EXEMPT: &[(&str, &str)] = &[("crates/billing-domain/src", "ports")];

/// Returns a description of each import cycle in the targets with these root files.
///
/// # Panics
/// When a source file is missing or is not Rust.
#[must_use]
pub fn import_cycles(root: &Path, roots: &BTreeSet<PathBuf>) -> Vec<String> {
    let read = |file: &Path| std::fs::read_to_string(root.join(file)).ok();
    roots.iter().flat_map(|target| cycles(&Modules::read(target, &read))).collect()
}

fn cycles(modules: &Modules) -> Vec<String> {
    let mut violations = Vec::new();
    for (folder, mut edges) in edges(modules) {
        while let Some(cycle) = shortest_cycle(&edges) {
            violations.push(describe(&folder, &cycle, &edges));
            // Removing the dependency with the fewest lines breaks this cycle. The next round finds
            // another.
            if let Some(weakest) = cycle.iter().min_by_key(|edge| edges[*edge].len()) {
                edges.remove(weakest);
            }
        }
    }
    violations
}

/// Returns the dependencies between the units of each folder.
fn edges(modules: &Modules) -> BTreeMap<PathBuf, Edges> {
    let mut folders: BTreeMap<PathBuf, Edges> = BTreeMap::new();
    for (index, module) in modules.0.iter().enumerate() {
        for mention in &module.mentions {
            for definer in modules.definers(index, &mention.path) {
                let Some((depth, from, to)) = edge(module, &modules.0[definer]) else { continue };
                if mention.reexport && module.file_path.len() == depth {
                    continue;
                }
                let folder = folder(&modules.0[0].file, &module.file_path[..depth]);
                if EXEMPT.iter().any(|(of, unit)| {
                    folder == Path::new(of) && [&from, &to].iter().any(|name| name == unit)
                }) {
                    continue;
                }
                let place = (module.file.clone(), mention.line);
                let edge = folders.entry(folder).or_default().entry((from, to)).or_default();
                edge.entry(place).or_default().insert(mention.path.join("::"));
            }
        }
    }
    folders
}

/// Returns the depth of two files' common folder, and their units in it. A file and the files below
/// it are one unit. The root is a unit of its own.
fn edge(from: &Module, to: &Module) -> Option<(usize, String, String)> {
    let depth = from.file_path.iter().zip(&to.file_path).take_while(|(a, b)| a == b).count();
    let unit = |module: &Module| match module.file_path.get(depth) {
        Some(name) => Some(name.clone()),
        None if depth == 0 => module.file.file_stem().map(|name| name.display().to_string()),
        None => None,
    };
    let (source, destination) = (unit(from)?, unit(to)?);
    (from.file_path != to.file_path).then_some((depth, source, destination))
}

fn folder(root: &Path, path: &[String]) -> PathBuf {
    path.iter().fold(root.parent().unwrap_or(Path::new("")).to_owned(), |at, name| at.join(name))
}

/// Returns the shortest cycle as a list of dependencies.
fn shortest_cycle(edges: &Edges) -> Option<Vec<(String, String)>> {
    let units: BTreeSet<&String> = edges.keys().map(|(from, _)| from).collect();
    units.into_iter().filter_map(|unit| shortest_path_back(unit, edges)).min_by_key(Vec::len)
}

/// Returns the shortest path from a unit back to itself (breadth-first search).
fn shortest_path_back(start: &str, edges: &Edges) -> Option<Vec<(String, String)>> {
    let mut reached = BTreeSet::new();
    let mut paths = VecDeque::from([(start, Vec::new())]);
    while let Some((unit, path)) = paths.pop_front() {
        for edge in edges.keys().filter(|(from, _)| from == unit) {
            let mut path = path.clone();
            path.push(edge.clone());
            if edge.1 == start {
                return Some(path);
            }
            if reached.insert(&edge.1) {
                paths.push_back((&edge.1, path));
            }
        }
    }
    None
}

fn describe(folder: &Path, cycle: &[(String, String)], edges: &Edges) -> String {
    let mut units: Vec<&str> = cycle.iter().map(|(from, _)| from.as_str()).collect();
    units.extend(units.first().copied());
    let mut text = format!("import cycle in {}: {}", folder.display(), units.join(" -> "));
    for edge in cycle {
        for ((file, line), paths) in &edges[edge] {
            let paths = paths.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let place = format!("{}:{line}", file.display());
            text.push_str(&format!("\n    {} -> {}: {place} names {paths}", edge.0, edge.1));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the cycles of a crate with these files below `src`.
    fn violations(files: &[(&str, &str)]) -> Vec<String> {
        violations_in(Path::new("src"), files)
    }

    fn violations_in(folder: &Path, files: &[(&str, &str)]) -> Vec<String> {
        let read = |path: &Path| {
            let name = path.strip_prefix(folder).ok()?;
            let (_, text) = files.iter().find(|(file, _)| name == Path::new(file))?;
            Some((*text).to_owned())
        };
        cycles(&Modules::read(&folder.join("lib.rs"), &read))
    }

    fn two(a: &str, b: &str) -> Vec<String> {
        violations(&[("lib.rs", "mod a;\nmod b;"), ("a.rs", a), ("b.rs", b)])
    }

    #[test]
    fn mutual_imports_are_reported_with_their_lines() {
        assert_eq!(
            two("use crate::b::B;\npub struct A;", "pub struct B;\n\nuse super::a::A;"),
            ["import cycle in src: a -> b -> a\
              \n    a -> b: src/a.rs:1 names crate::b::B\
              \n    b -> a: src/b.rs:3 names super::a::A"]
        );
    }

    #[test]
    fn one_way_imports_are_not_a_cycle() {
        assert_eq!(two("use crate::b::B;\npub struct A;", "pub struct B;"), Vec::<String>::new());
    }

    #[test]
    fn paths_in_types_macros_and_attributes_are_imports() {
        for inline in [
            "fn b() { crate::a::a() }",
            "fn b() { println!(\"{}\", super::a::a()) }",
            "fn b() -> Option<crate::a::A> { None }",
            "impl crate::a::T for B {}",
            "#[derive(Deserialize)]\nstruct C { #[serde(with = \"crate::a\")] c: u8 }",
        ] {
            let a = "use crate::b::B;\npub fn a() {}\npub struct A;\npub trait T {}";
            let violations = two(a, &format!("pub struct B;\n{inline}"));
            assert_eq!(violations.len(), 1, "{inline}: {violations:?}");
        }
    }

    #[test]
    fn re_export_is_an_import_of_the_defining_file() {
        let named = "mod a;\nmod b;\npub use a::A;\npub use b::*;";
        let a = "use crate::B;\npub struct A;";
        let b = "use crate::A;\npub struct B;";
        let violations = violations(&[("lib.rs", named), ("a.rs", a), ("b.rs", b)]);
        assert_eq!(
            violations,
            ["import cycle in src: a -> b -> a\
              \n    a -> b: src/a.rs:1 names crate::B\
              \n    b -> a: src/b.rs:1 names crate::A"]
        );
    }

    #[test]
    fn names_from_a_glob_import_are_imports() {
        let root = "mod a;\nmod b;\nuse a::A;";
        let a = "use crate::b::B;\npub struct A;";
        let b = "use super::*;\npub struct B(A);";
        let violations = violations(&[("lib.rs", root), ("a.rs", a), ("b.rs", b)]);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].contains("src/b.rs:2 names A"), "{violations:?}");
    }

    #[test]
    fn file_and_its_folder_are_one_unit() {
        let files = [
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "mod inner;\nuse inner::I;\npub struct A;"),
            ("a/inner.rs", "use super::A;\nuse crate::b::B;\npub struct I;"),
            ("b.rs", "use crate::a::A;\npub struct B;"),
        ];
        assert_eq!(
            violations(&files),
            ["import cycle in src: a -> b -> a\
              \n    a -> b: src/a/inner.rs:2 names crate::b::B\
              \n    b -> a: src/b.rs:1 names crate::a::A"]
        );
    }

    #[test]
    fn cycle_below_a_folder_is_reported() {
        let files = [
            ("lib.rs", "mod x;"),
            ("x/mod.rs", "mod a;\nmod b;"),
            ("x/a.rs", "use super::b::B;\npub struct A;"),
            ("x/b.rs", "pub struct B(super::a::A);"),
        ];
        let violations = violations(&files);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].starts_with("import cycle in src/x: a -> b -> a\n"));
    }

    #[test]
    fn path_attribute_is_followed() {
        let files = [
            ("lib.rs", "#[path = \"shared/mod.rs\"]\nmod a;\nmod b;"),
            ("shared/mod.rs", "mod inner;\npub use inner::A;"),
            ("shared/inner.rs", "pub struct A(crate::b::B);"),
            ("b.rs", "pub struct B(crate::a::A);"),
        ];
        let violations = violations(&files);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].contains("src/shared/inner.rs:1 names crate::b::B"));
    }

    #[test]
    fn modules_and_re_exports_of_the_root_are_ignored() {
        let root = "mod a;\npub use a::A;\npub const LIMIT: u8 = 1;";
        let a = "use crate::LIMIT;\npub struct A;";
        assert_eq!(violations(&[("lib.rs", root), ("a.rs", a)]), Vec::<String>::new());

        let root = "mod a;\nuse a::A;\npub const LIMIT: u8 = 1;";
        let violations = violations(&[("lib.rs", root), ("a.rs", a)]);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].starts_with("import cycle in src: a -> lib -> a\n"));
    }

    #[test]
    fn imports_of_the_domain_ports_are_exempt() {
        let files = [
            ("lib.rs", "mod keys;\nmod audit;\nmod ports;"),
            ("keys.rs", "use crate::ports::P;\nuse crate::audit::A;\npub struct K;"),
            ("audit.rs", "pub struct A(crate::keys::K);"),
            ("ports.rs", "use crate::keys::K;\npub struct P;"),
        ];
        let violations = violations_in(Path::new("crates/billing-domain/src"), &files);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].contains(": audit -> keys -> audit\n"), "{violations:?}");

        let elsewhere = violations_in(Path::new("crates/other/src"), &files);
        assert_eq!(elsewhere.len(), 2, "{elsewhere:?}");
    }

    #[test]
    fn test_code_is_ignored() {
        let b = "pub struct B;\n#[cfg(test)]\nuse crate::a::A;\n\
                 #[cfg(test)]\nmod tests { use crate::a::A; }";
        assert_eq!(two("use crate::b::B;\npub struct A;", b), Vec::<String>::new());
    }

    #[test]
    fn every_cycle_of_a_larger_component_is_reported() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\nmod c;"),
            ("a.rs", "use crate::b::B;\npub struct A(crate::b::B);"),
            ("b.rs", "use crate::c::C;\npub struct B(crate::a::A);"),
            ("c.rs", "use crate::a::A;\npub struct C;"),
        ];
        let cycles: Vec<String> = violations(&files)
            .iter()
            .filter_map(|text| Some(text.lines().next()?.to_owned()))
            .collect();
        assert_eq!(
            cycles,
            ["import cycle in src: a -> b -> a", "import cycle in src: a -> b -> c -> a"]
        );
    }
}
