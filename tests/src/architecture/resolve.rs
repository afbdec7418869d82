//! Resolves a path to the module that defines the named item, through imports and re-exports.

use std::collections::BTreeSet;

use super::modules::{Import, Module, Modules};

/// The target of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// A module of this target.
    Module(usize),
    /// An item that this module defines.
    Item(usize),
}

/// The lookups in progress. Imports can be circular.
type Seen = BTreeSet<(usize, String)>;

impl Modules {
    /// Returns the modules that define the item at `path`, named in module `from`. Returns none for
    /// other crates, local names, and names whose import is counted already.
    pub(super) fn definers(&self, from: usize, path: &[String]) -> BTreeSet<usize> {
        let targets = match path {
            [name] if self.0[from].names_itself(name) => BTreeSet::new(),
            [name, ..] if self.imports_item(from, name) => BTreeSet::new(),
            _ => self.resolve(from, path, &mut Seen::new()),
        };
        targets
            .into_iter()
            .map(|target| match target {
                Target::Module(index) | Target::Item(index) => index,
            })
            .collect()
    }

    /// Returns whether a `use` in this module brings an item of that name into scope.
    fn imports_item(&self, from: usize, name: &str) -> bool {
        self.0[from].imports_named(name).any(|import| {
            let targets = self.resolve(from, &import.path, &mut Seen::new());
            targets.iter().any(|target| matches!(target, Target::Item(_)))
        })
    }

    fn resolve(&self, from: usize, path: &[String], seen: &mut Seen) -> BTreeSet<Target> {
        let mut rest = path;
        let mut base = None;
        while let Some((first, tail)) = rest.split_first() {
            base = match (first.as_str(), base) {
                ("crate", None) => Some(0),
                ("self", None) => Some(from),
                ("super", current) => match self.0[current.unwrap_or(from)].parent {
                    Some(parent) => Some(parent),
                    None => return BTreeSet::new(),
                },
                _ => break,
            };
            rest = tail;
        }
        let mut targets = match (base, rest.split_first()) {
            (Some(base), _) => BTreeSet::from([Target::Module(base)]),
            (None, Some((first, tail))) => {
                rest = tail;
                self.lookup(from, first, seen)
            }
            (None, None) => return BTreeSet::new(),
        };
        for name in rest {
            // A function and a module may share a name. Only the module has children.
            if targets.iter().any(|target| matches!(target, Target::Module(_))) {
                targets.retain(|target| matches!(target, Target::Module(_)));
            }
            let step = |target: Target, seen: &mut Seen| match target {
                Target::Module(index) => self.lookup(index, name, seen),
                item @ Target::Item(_) => BTreeSet::from([item]),
            };
            targets = targets.into_iter().flat_map(|target| step(target, seen)).collect();
        }
        targets
    }

    fn lookup(&self, index: usize, name: &str, seen: &mut Seen) -> BTreeSet<Target> {
        if !seen.insert((index, name.to_owned())) {
            return BTreeSet::new();
        }
        let module = &self.0[index];
        let mut targets = BTreeSet::new();
        targets.extend(module.children.get(name).copied().map(Target::Module));
        targets.extend(module.items.contains(name).then_some(Target::Item(index)));
        for import in module.imports_named(name) {
            targets.extend(self.resolve(index, &import.path, seen));
        }
        if targets.is_empty() {
            for glob in module.imports.iter().filter(|import| import.name.is_none()) {
                for target in self.resolve(index, &glob.path, seen) {
                    if let Target::Module(source) = target {
                        targets.extend(self.lookup(source, name, seen));
                    }
                }
            }
        }
        seen.remove(&(index, name.to_owned()));
        targets
    }
}

impl Module {
    fn imports_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Import> {
        self.imports.iter().filter(move |import| import.name.as_deref() == Some(name))
    }

    /// Returns whether the module's scope has the name without a glob import.
    fn names_itself(&self, name: &str) -> bool {
        self.children.contains_key(name)
            || self.items.contains(name)
            || self.imports_named(name).next().is_some()
    }
}
