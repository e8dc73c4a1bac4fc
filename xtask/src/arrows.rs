//! The arrows of the house: which module of src/ may name which other.
//!
//! Every path is looked at: `use` trees, paths in code, `super::` that climbs out of its module, and the tokens inside
//! macros. Names that the crate's root re-exports count as the module they live in. What is `#[cfg(test)]` is exempt,
//! for a test may reach for anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Attribute, Item, UseTree, spanned::Spanned, visit::Visit};

use crate::tree::{Tree, read};

/// Each module of src/ and those it may name. A module that is not here has no place in the house yet.
const ALLOWED: &[(&str, &[&str])] = &[
    ("error", &["model"]),
    ("model", &["error"]),
    ("storage", &["error", "model"]),
    ("security", &["error", "model", "storage"]),
    ("transport", &["error", "model"]),
    ("providers", &["error", "model", "transport"]),
    ("services", &["error", "model", "storage", "security", "transport", "providers"]),
    ("manager", &["error", "model", "storage", "security", "transport", "providers", "services"]),
    ("http", &["error", "model", "manager"]),
];

/// Modules that stand outside, as a host application and the bindings do: what the crate's root gives to everybody, they
/// may take there.
const OUTSIDE: &[&str] = &["http"];

/// Fails with every path that points against the arrows.
pub(crate) fn check(tree: &Tree) -> Result<()> {
    let (found, files) = violations(&|path| read(&tree.path(path)), &|path| tree.path(path).exists())?;
    if !found.is_empty() {
        let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
        bail!("{} paths point against the arrows of src/:\n{}", found.len(), lines.join("\n"));
    }
    println!("arrows: {files} files, every path points the right way");
    Ok(())
}

/// One path that points the wrong way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    file: PathBuf,
    line: usize,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

type Read<'a> = &'a dyn Fn(&Path) -> Result<String>;
type Exists<'a> = &'a dyn Fn(&Path) -> bool;

/// Walks the crate from lib.rs as the compiler does, so that a file only tests reach is never looked at.
fn violations(read: Read<'_>, exists: Exists<'_>) -> Result<(Vec<Violation>, usize)> {
    let mut house = House { read, exists, sources: Vec::new() };
    house.load(Path::new("src/lib.rs"), Path::new("src"), &[])?;
    let root = Root::of(&house.sources);
    let vendors = vendors(&house.sources);
    let mut found = BTreeSet::new();
    for source in house.sources.iter().filter(|source| !source.module.is_empty()) {
        let mut walk =
            Walk { source, module: source.module.clone(), root: &root, vendors: &vendors, found: Vec::new() };
        walk.visit_file(&source.syntax);
        found.extend(walk.found);
    }
    Ok((found.into_iter().collect(), house.sources.len()))
}

/// A file, and the module it is.
struct Source {
    path: PathBuf,
    module: Vec<String>,
    /// Whether the module has a folder of its own.
    folder: bool,
    syntax: syn::File,
}

struct House<'a> {
    read: Read<'a>,
    exists: Exists<'a>,
    sources: Vec<Source>,
}

impl House<'_> {
    /// `folder` is where the file's own modules are looked for.
    fn load(&mut self, path: &Path, folder: &Path, module: &[String]) -> Result<()> {
        let text = (self.read)(path)?;
        let syntax = syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
        let below = modules(&syntax.items, &[], path)?;
        let is_folder = path.ends_with("mod.rs");
        self.sources.push(Source { path: path.to_owned(), module: module.to_vec(), folder: is_folder, syntax });
        for names in below {
            let folder = names.iter().fold(folder.to_owned(), |folder, name| folder.join(name));
            let candidates = [folder.with_extension("rs"), folder.join("mod.rs")];
            let file = candidates.iter().find(|file| (self.exists)(file));
            let file = file.with_context(|| format!("{}: no file for mod {}", path.display(), names.join("::")))?;
            let module: Vec<_> = module.iter().chain(&names).cloned().collect();
            self.load(file, &folder, &module)?;
        }
        Ok(())
    }
}

/// The modules that have a file, inside inline modules too; not those for tests alone.
fn modules(items: &[Item], outer: &[String], path: &Path) -> Result<Vec<Vec<String>>> {
    let mut found = Vec::new();
    for item in items {
        let Item::Mod(module) = item else { continue };
        if for_tests(&module.attrs) {
            continue;
        }
        if module.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            bail!("{}: #[path] hides where a module stands", path.display());
        }
        let mut names = outer.to_vec();
        names.push(module.ident.to_string());
        match &module.content {
            None => found.push(names),
            Some((_, items)) => found.extend(modules(items, &names, path)?),
        }
    }
    Ok(found)
}

/// `#[cfg(test)]` and `#[test]`.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

/// Folders below providers/: one each vendor.
fn vendors(sources: &[Source]) -> BTreeSet<String> {
    sources
        .iter()
        .filter(|source| source.folder && source.module.len() == 2 && source.module[0] == "providers")
        .map(|source| source.module[1].clone())
        .collect()
}

/// Names at the crate's root that live in one of its modules: re-exports and exported macros.
struct Root(BTreeMap<String, String>);

impl Root {
    fn of(sources: &[Source]) -> Self {
        let mut names = BTreeMap::new();
        for source in sources {
            let home = source.module.first().cloned().unwrap_or_default();
            for item in &source.syntax.items {
                if let (Item::Macro(definition), false) = (item, home.is_empty())
                    && let Some(name) = &definition.ident
                {
                    names.insert(name.to_string(), home.clone());
                }
                if let (Item::Use(used), true) = (item, home.is_empty()) {
                    for (path, name) in leaves(&used.tree) {
                        let path: Vec<_> = path.iter().skip_while(|word| *word == "crate" || *word == "self").collect();
                        let Some(home) = path.first() else { continue };
                        match name {
                            Some(name) => drop(names.insert(name, (*home).clone())),
                            None => {
                                let exported = sources.iter().filter(|source| source.module == [(*home).clone()]);
                                let items = exported.flat_map(|source| &source.syntax.items);
                                names.extend(items.flat_map(public_names).map(|name| (name, (*home).clone())));
                            }
                        }
                    }
                }
            }
        }
        Self(names)
    }
}

/// The names an item gives to who globs its module.
fn public_names(item: &Item) -> Vec<String> {
    let (visibility, name) = match item {
        Item::Use(used) if matches!(used.vis, syn::Visibility::Public(_)) => {
            return leaves(&used.tree).into_iter().filter_map(|(_, name)| name).collect();
        }
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Mod(item) => (&item.vis, &item.ident),
        Item::Static(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return Vec::new(),
    };
    if matches!(visibility, syn::Visibility::Public(_)) { vec![name.to_string()] } else { Vec::new() }
}

/// Every path a `use` brings in, with the name it gets; none for a glob.
fn leaves(tree: &UseTree) -> Vec<(Vec<String>, Option<String>)> {
    fn descend(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Option<String>)>) {
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                descend(&step.tree, path, found);
                path.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| descend(tree, path, found)),
            UseTree::Glob(_) => found.push((path.clone(), None)),
            UseTree::Name(leaf) => found.push(whole(path, &leaf.ident, &leaf.ident)),
            UseTree::Rename(leaf) => found.push(whole(path, &leaf.ident, &leaf.rename)),
        }
    }
    fn whole(path: &[String], last: &syn::Ident, name: &syn::Ident) -> (Vec<String>, Option<String>) {
        let mut path = path.to_vec();
        // `use a::b::{self}` is `a::b` itself.
        if last != "self" {
            path.push(last.to_string());
        }
        let name = if name == "self" { path.last().cloned() } else { Some(name.to_string()) };
        (path, name)
    }
    let mut found = Vec::new();
    descend(tree, &mut Vec::new(), &mut found);
    found
}

struct Walk<'a> {
    source: &'a Source,
    /// Where the walk stands: the file's module and the inline ones inside it.
    module: Vec<String>,
    root: &'a Root,
    vendors: &'a BTreeSet<String>,
    found: Vec<Violation>,
}

impl Walk<'_> {
    /// A path as it is written, from its first word on.
    fn path(&mut self, words: &[String], line: usize) {
        let Some(absolute) = self.resolve(words) else { return };
        if let Some(message) = self.judge(&absolute) {
            let message = format!("{} {message}", words.join("::"));
            self.found.push(Violation { file: self.source.path.clone(), line, message });
        }
    }

    /// The path from the crate's root; none for one that stays in its module or leaves the crate.
    fn resolve(&self, words: &[String]) -> Option<Vec<String>> {
        let first = words.first()?;
        let rest = |from: usize| words[from..].iter().cloned();
        match first.as_str() {
            "crate" => Some(rest(1).collect()),
            "self" | "super" => {
                let steps = words.iter().take_while(|word| matches!(word.as_str(), "self" | "super")).count();
                let up = words[..steps].iter().filter(|word| *word == "super").count();
                let kept = self.module.len().checked_sub(up)?;
                Some(self.module[..kept].iter().cloned().chain(rest(steps)).collect())
            }
            _ => None,
        }
    }

    /// What is wrong with naming that path from here.
    fn judge(&self, path: &[String]) -> Option<String> {
        let here = self.module.first()?;
        let first = path.first()?;
        let known = |name: &String| ALLOWED.iter().any(|(module, _)| module == name);
        let at_root = self.root.0.get(first).filter(|_| !known(first));
        if at_root.is_some() && OUTSIDE.contains(&here.as_str()) {
            return None;
        }
        let there = at_root.unwrap_or(first);
        if here == there {
            return self.judge_vendor(path);
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(module, _)| module == here) else {
            return Some(format!("is named from {here}/, which has no place in the house (xtask/src/arrows.rs)"));
        };
        if !known(there) {
            return Some("is none of the house's modules: name the module it lives in".to_owned());
        }
        if allowed.contains(&there.as_str()) {
            return None;
        }
        Some(format!("points to {there}/; {here}/ may name {} alone", allowed.join(", ")))
    }

    /// Inside providers/: only its mod.rs, which lists them, names a vendor, and a vendor names no other.
    fn judge_vendor(&self, path: &[String]) -> Option<String> {
        let [providers, vendor, ..] = path else { return None };
        if providers != "providers" || !self.vendors.contains(vendor) {
            return None;
        }
        match self.module.get(1) {
            None => None,
            Some(here) if here == vendor => None,
            Some(here) if self.vendors.contains(here) => Some(format!("points to another vendor; {here} is alone")),
            Some(_) => Some("points to a vendor; what vendors share knows none of them".to_owned()),
        }
    }

    /// The paths inside a macro's tokens, where there is no syntax to go by.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(first) if first == "crate" || first == "super" => {
                    let line = first.span().start().line;
                    let mut words = vec![first.to_string()];
                    while let [TokenTree::Punct(one), TokenTree::Punct(two), next, ..] = &tokens[at + 1..]
                        && (one.as_char(), two.as_char()) == (':', ':')
                    {
                        match next {
                            TokenTree::Ident(word) => words.push(word.to_string()),
                            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                                for word in group_heads(group.stream()) {
                                    self.path(&[words.as_slice(), &[word]].concat(), line);
                                }
                                break;
                            }
                            _ => break,
                        }
                        at += 3;
                    }
                    self.path(&words, line);
                }
                _ => {}
            }
            at += 1;
        }
    }
}

/// The first word of each path in a `{a::b, c}`.
fn group_heads(tokens: TokenStream) -> Vec<String> {
    let mut heads = Vec::new();
    let mut at_start = true;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if at_start => {
                heads.push(word.to_string());
                at_start = false;
            }
            TokenTree::Punct(mark) if mark.as_char() == ',' => at_start = true,
            _ => {}
        }
    }
    heads
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !for_tests(&function.attrs) {
            syn::visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_some() {
            self.module.push(module.ident.to_string());
            syn::visit::visit_item_mod(self, module);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, used: &'ast syn::ItemUse) {
        for (path, _) in leaves(&used.tree) {
            self.path(&path, used.span().start().line);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let words: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            // A macro's own name is a path too, and `self` alone is a value.
            if words.len() > 1 {
                self.path(&words, path.span().start().line);
            }
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        self.tokens(invoked.tokens.clone());
        syn::visit::visit_macro(self, invoked);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(in crate::a)` says who may look in, and points nowhere.
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate of these files, and what is said of it.
    fn said(files: &[(&str, &str)]) -> Vec<String> {
        let lib = "pub mod error; pub mod model; pub mod providers; pub mod storage; pub mod manager; pub mod http;
                   pub use model::*; pub use error::Error; pub use storage::Storage;";
        let mut all = BTreeMap::from([
            ("src/lib.rs", lib),
            ("src/error.rs", "pub struct Error;"),
            ("src/model/mod.rs", "mod ids; pub use ids::TenantId; pub struct Actor;"),
            ("src/model/ids.rs", "pub struct TenantId;"),
            ("src/storage/mod.rs", "#[macro_export] macro_rules! conformance { () => {} } pub trait Storage {}"),
            ("src/providers/mod.rs", "pub mod call; pub mod twilio; pub mod stripe;"),
            ("src/providers/call.rs", ""),
            ("src/providers/twilio/mod.rs", "mod sms;"),
            ("src/providers/twilio/sms.rs", ""),
            ("src/providers/stripe/mod.rs", ""),
            ("src/manager/mod.rs", ""),
            ("src/http/mod.rs", ""),
        ]);
        all.extend(files.iter().copied());
        let read = |path: &Path| Ok((*all.get(path.to_str().unwrap()).context("no such file")?).to_owned());
        let exists = |path: &Path| all.contains_key(path.to_str().unwrap());
        violations(&read, &exists).unwrap().0.iter().map(ToString::to_string).collect()
    }

    /// What is said of one file that is wrong in one place.
    #[track_caller]
    fn one(file: &str, text: &str) -> String {
        let said = said(&[(file, text)]);
        assert_eq!(said.len(), 1, "{said:?}");
        said.into_iter().next().unwrap()
    }

    #[test]
    fn an_upright_house_passes() {
        let none: Vec<String> = Vec::new();
        assert_eq!(said(&[]), none);
        let sms = "use crate::{error::Error, model::Actor, Actor as A, providers::call}; use super::super::call as c;";
        assert_eq!(said(&[("src/providers/twilio/sms.rs", sms)]), none);
        let manager = "use crate::{providers::twilio, storage::Storage, Error, conformance}; use super::model::Actor;";
        assert_eq!(said(&[("src/manager/mod.rs", manager)]), none);
    }

    #[test]
    fn a_use_against_the_arrows_fails() {
        let said = one("src/model/ids.rs", "\nuse crate::storage::Storage;");
        assert_eq!(said, "src/model/ids.rs:2: crate::storage::Storage points to storage/; model/ may name error alone");
        one("src/providers/twilio/sms.rs", "use crate::{model::Actor, storage::{Storage as S}};");
        one("src/http/mod.rs", "use crate::storage;");
        one("src/http/mod.rs", "use crate::storage::Storage;");
        one("src/http/mod.rs", "use crate::providers::*;");
    }

    #[test]
    fn a_path_in_code_fails() {
        one("src/storage/mod.rs", "fn f() { let _ = crate::manager::open(); }");
        one("src/storage/mod.rs", "fn f(x: &dyn crate::providers::Provider) {}");
        one("src/storage/mod.rs", "fn f(x: Option<crate::manager::M>) {}");
    }

    #[test]
    fn a_name_at_the_root_counts_as_its_module() {
        let said = one("src/model/ids.rs", "fn f(x: &dyn crate::Storage) {}");
        assert!(said.contains("points to storage/"), "{said}");
        one("src/model/ids.rs", "use crate::conformance;");
        let said = one("src/model/ids.rs", "use crate::Nonsense;");
        assert!(said.contains("name the module it lives in"), "{said}");
    }

    #[test]
    fn who_stands_outside_takes_what_the_root_gives() {
        let none: Vec<String> = Vec::new();
        assert_eq!(said(&[("src/http/mod.rs", "use crate::{Storage, Actor, manager}; use crate::Error;")]), none);
    }

    #[test]
    fn climbing_out_fails() {
        let said = one("src/model/ids.rs", "use super::super::storage::Storage;");
        assert!(said.contains("points to storage/"), "{said}");
        one("src/model/mod.rs", "mod ids; mod inner { fn f() { super::super::manager::open() } }");
        one("src/model/mod.rs", "mod ids; use self::super::manager::open;");
    }

    #[test]
    fn a_vendor_is_alone() {
        let said = one("src/providers/twilio/sms.rs", "use crate::providers::stripe::Stripe;");
        assert!(said.contains("another vendor"), "{said}");
        one("src/providers/twilio/sms.rs", "use super::super::stripe::Stripe;");
        let said = one("src/providers/call.rs", "use super::twilio::Twilio;");
        assert!(said.contains("knows none of them"), "{said}");
    }

    #[test]
    fn macros_are_looked_into() {
        one("src/model/ids.rs", "fn f() { vec![crate::storage::open()] }");
        one("src/model/ids.rs", "fn f() { select! { x = crate::{storage::open} => {} } }");
        one("src/model/ids.rs", "macro_rules! m { () => { $crate::storage::open() } }");
        one("src/model/ids.rs", "fn f() { crate::conformance!(); }");
    }

    #[test]
    fn tests_are_exempt() {
        let none: Vec<String> = Vec::new();
        let text = "#[cfg(test)] mod tests { use crate::manager::M; } #[cfg(test)] use crate::storage::Storage;
                    #[cfg(test)] fn f() { crate::manager::open() }";
        assert_eq!(said(&[("src/model/ids.rs", text)]), none);
        let text = "mod ids; #[cfg(test)] mod tests; pub use ids::TenantId; pub struct Actor;";
        let tests = ("src/model/tests.rs", "use crate::manager::M;");
        assert_eq!(said(&[("src/model/mod.rs", text), tests]), none);
        one("src/model/ids.rs", "#[cfg(any(test, feature = \"x\"))] use crate::storage::Storage;");
    }

    #[test]
    fn a_module_without_a_place_fails() {
        let lib = "pub mod error; pub mod model; pub mod shed;";
        let said = said(&[("src/lib.rs", lib), ("src/shed.rs", "use crate::model::Actor;")]);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("has no place in the house"), "{said:?}");
    }
}
