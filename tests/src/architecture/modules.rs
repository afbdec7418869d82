//! Reads the modules of one target: the items that each defines, imports and names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::{Expr, ExprLit, Item, ItemMod, Lit, Meta, UseTree, Visibility};

use super::mentions::{Mention, attributes, is_test_only, mentions};

/// Reads a source file. Returns `None` if it does not exist.
pub(super) type ReadFile<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// A module of a target.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The module's path from the target's root, without `crate`.
    pub(super) path: Vec<String>,
    /// The file that contains the module.
    pub(super) file: PathBuf,
    /// The path of the file's root module. It differs from `path` for `mod x { … }`.
    pub(super) file_path: Vec<String>,
    /// The paths that the module's code names.
    pub(super) mentions: BTreeSet<Mention>,
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
}

/// A `use` declaration at module level.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// The name brought into scope; `None` for `*`.
    pub(super) name: Option<String>,
    /// The imported path.
    pub(super) path: Vec<String>,
}

/// The modules of a target. The first one is the root.
#[derive(Debug, Default)]
pub(super) struct Modules(pub(super) Vec<Module>);

impl Modules {
    /// Reads the module tree below a target's root file.
    ///
    /// # Panics
    /// When a file is missing or is not Rust.
    pub(super) fn read(root: &Path, read: ReadFile<'_>) -> Self {
        let mut modules = Self::default();
        modules.0.push(Module { file: root.to_owned(), ..Module::default() });
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        modules.add_items(0, &parse(root, read).items, &folder, read);
        modules
    }

    /// Adds items to a module whose child files are in `folder`.
    fn add_items(&mut self, index: usize, items: &[Item], folder: &Path, read: ReadFile<'_>) {
        for item in items.iter().filter(|item| !is_test_only(attributes(item))) {
            match item {
                Item::Mod(child) => self.add_child(index, child, folder, read),
                Item::Use(declaration) => {
                    let reexport = !matches!(declaration.vis, Visibility::Inherited);
                    let imports = imports(&declaration.tree);
                    let module = &mut self.0[index];
                    module.mentions.extend(mentions(item).into_iter().map(|mut mention| {
                        mention.reexport = reexport;
                        mention
                    }));
                    module.imports.extend(imports);
                }
                _ => {
                    let module = &mut self.0[index];
                    module.items.extend(defined_name(item));
                    module.mentions.extend(mentions(item));
                    if is_exported_macro(item) {
                        self.export_macro(index, item);
                    }
                }
            }
        }
    }

    fn add_child(&mut self, parent: usize, child: &ItemMod, folder: &Path, read: ReadFile<'_>) {
        let name = child.ident.to_string();
        let index = self.0.len();
        let path: Vec<String> = self.0[parent].path.iter().chain([&name]).cloned().collect();
        self.0[parent].children.insert(name.clone(), index);
        let mut module = Module { parent: Some(parent), path, ..Module::default() };
        let folder = folder.join(&name);

        if let Some((_, items)) = &child.content {
            module.file = self.0[parent].file.clone();
            module.file_path = self.0[parent].file_path.clone();
            self.0.push(module);
            self.add_items(index, items, &folder, read);
        } else {
            let given = given_path(child).map(|path| self.0[parent].file.with_file_name(path));
            let usual = [folder.with_extension("rs"), folder.join("mod.rs")];
            // Child modules of a `#[path]` file are next to that file.
            let folder = given.as_deref().and_then(Path::parent).unwrap_or(&folder).to_owned();
            let file = given.or_else(|| usual.into_iter().find(|file| read(file).is_some()));
            module.file = file.unwrap_or_else(|| panic!("{}: no such file", folder.display()));
            module.file_path = module.path.clone();
            let items = parse(&module.file, read).items;
            self.0.push(module);
            self.add_items(index, &items, &folder, read);
        }
    }

    /// Adds a `#[macro_export]` macro to the root's items.
    fn export_macro(&mut self, index: usize, item: &Item) {
        let Some(name) = defined_name(item).filter(|_| index != 0) else { return };
        let mut path = vec!["crate".to_owned()];
        path.extend(self.0[index].path.iter().cloned());
        path.push(name.clone());
        self.0[0].imports.push(Import { name: Some(name), path });
    }
}

/// Returns the file that `#[path = "…"]` names.
fn given_path(module: &ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

fn parse(file: &Path, read: ReadFile<'_>) -> syn::File {
    let text = read(file).unwrap_or_else(|| panic!("{}: no such file", file.display()));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn imports(tree: &UseTree) -> Vec<Import> {
    let mut imports = Vec::new();
    flatten(tree, &mut Vec::new(), &mut imports);
    imports
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, imports: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, imports);
            prefix.pop();
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| flatten(tree, prefix, imports));
        }
        UseTree::Glob(_) => imports.push(Import { name: None, path: prefix.clone() }),
        UseTree::Name(name) => {
            let mut path = prefix.clone();
            if name.ident != "self" {
                path.push(name.ident.to_string());
            }
            imports.push(Import { name: path.last().cloned(), path });
        }
        UseTree::Rename(rename) => {
            let mut path = prefix.clone();
            path.push(rename.ident.to_string());
            imports.push(Import { name: Some(rename.rename.to_string()), path });
        }
    }
}

fn is_exported_macro(item: &Item) -> bool {
    matches!(item, Item::Macro(_))
        && attributes(item).iter().any(|attribute| attribute.path().is_ident("macro_export"))
}

/// Returns the name that an item defines in its module.
fn defined_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
