//! Finds the paths that code names: imports, inline paths, and paths in macros and attributes.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprCall, ImplItem, Item, Local, Meta, Path, UseTree, Visibility};

/// A path that code names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mention {
    /// The line in the file.
    pub(super) line: usize,
    /// The segments, as written.
    pub(super) path: Vec<String>,
    /// Whether this is a `pub use`.
    pub(super) reexport: bool,
}

/// Returns the paths that an item names outside of test code.
pub(super) fn mentions(item: &Item) -> BTreeSet<Mention> {
    let mut visitor = Visitor::default();
    visitor.visit_item(item);
    visitor.0
}

/// Returns whether these attributes restrict an item to the test build.
pub(super) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        let condition = list.tokens.to_string().replace(' ', "");
        list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all(test,"))
    })
}

/// Returns an item's attributes.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(syn::ItemConst { attrs, .. })
        | Item::Enum(syn::ItemEnum { attrs, .. })
        | Item::ExternCrate(syn::ItemExternCrate { attrs, .. })
        | Item::Fn(syn::ItemFn { attrs, .. })
        | Item::ForeignMod(syn::ItemForeignMod { attrs, .. })
        | Item::Impl(syn::ItemImpl { attrs, .. })
        | Item::Macro(syn::ItemMacro { attrs, .. })
        | Item::Mod(syn::ItemMod { attrs, .. })
        | Item::Static(syn::ItemStatic { attrs, .. })
        | Item::Struct(syn::ItemStruct { attrs, .. })
        | Item::Trait(syn::ItemTrait { attrs, .. })
        | Item::TraitAlias(syn::ItemTraitAlias { attrs, .. })
        | Item::Type(syn::ItemType { attrs, .. })
        | Item::Union(syn::ItemUnion { attrs, .. })
        | Item::Use(syn::ItemUse { attrs, .. }) => attrs,
        _ => &[],
    }
}

#[derive(Default)]
struct Visitor(BTreeSet<Mention>);

impl Visitor {
    fn add(&mut self, path: &[&Ident]) {
        let Some(first) = path.first() else { return };
        let path = path.iter().map(ToString::to_string).collect();
        self.0.insert(Mention { line: first.span().start().line, path, reexport: false });
    }

    /// Adds a path found outside `use`. Skips a single lower-case word, which may be a variable.
    fn add_inline(&mut self, path: &[&Ident]) {
        let starts_upper = |ident: &&Ident| ident.to_string().starts_with(char::is_uppercase);
        if path.len() > 1 || path.first().is_some_and(starts_upper) {
            self.add(path);
        }
    }

    fn add_use<'a>(&mut self, tree: &'a UseTree, prefix: &mut Vec<&'a Ident>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(&path.ident);
                self.add_use(&path.tree, prefix);
                prefix.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_use(tree, prefix));
            }
            UseTree::Glob(_) => self.add(prefix),
            UseTree::Name(syn::UseName { ident })
            | UseTree::Rename(syn::UseRename { ident, .. }) => {
                if ident != "self" {
                    prefix.push(ident);
                }
                self.add(prefix);
                if ident != "self" {
                    prefix.pop();
                }
            }
        }
    }

    /// Finds paths of the form `a::b::c` among a macro's tokens, which are not a syntax tree.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
        let is_separator = |at: usize| is_colon(at) && is_colon(at + 1);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Literal(literal) => self.add_literal(&literal.to_string()),
                TokenTree::Ident(first) => {
                    let is_continued = at >= 3 && is_separator(at - 3);
                    let mut path = vec![first];
                    while is_separator(at)
                        && let Some(TokenTree::Ident(next)) = tokens.get(at + 2)
                    {
                        path.push(next);
                        at += 3;
                    }
                    if !is_continued {
                        self.add_inline(&path);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// Adds a quoted path, as in `#[serde(with = "crate::time")]`.
    fn add_literal(&mut self, literal: &str) {
        let text = literal.trim_matches('"');
        if (text.starts_with("crate::") || text.starts_with("super::"))
            && let Ok(path) = syn::parse_str::<Path>(text)
        {
            self.visit_path(&path);
        }
    }
}

impl<'ast> Visit<'ast> for Visitor {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = if let ImplItem::Fn(function) = item { &*function.attrs } else { &[] };
        if !is_test_only(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if !is_test_only(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_item_use(&mut self, declaration: &'ast syn::ItemUse) {
        if declaration.leading_colon.is_none() {
            self.add_use(&declaration.tree, &mut Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            self.add_inline(
                &path.segments.iter().map(|segment| &segment.ident).collect::<Vec<_>>(),
            );
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = &*call.func
            && let Some(name) = function.path.get_ident()
        {
            self.add(&[name]);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident() {
            self.add(&[name]);
        }
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }

    /// Ignores `pub(in path)`, which names a module without using it.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
