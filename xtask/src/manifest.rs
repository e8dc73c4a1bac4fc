//! What cargo knows of the workspace.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tree::{Tree, output};

/// The library's package.
pub(crate) const LIBRARY: &str = "sis-integrations";
/// The sandbox's.
pub(crate) const SANDBOX: &str = "sis-integrations-sandbox";

/// `cargo metadata`, without the dependencies.
pub(crate) struct Manifest(Value);

impl Manifest {
    /// Asks cargo.
    pub(crate) fn read(tree: &Tree) -> Result<Self> {
        let text = output(&mut tree.cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    /// Where builds go.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        Ok(self.0["target_directory"].as_str().context("cargo names no target directory")?.into())
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.0["packages"].as_array().into_iter().flatten()
    }

    /// The package of that name.
    pub(crate) fn package(&self, name: &str) -> Result<&Value> {
        self.packages()
            .find(|package| package["name"] == name)
            .with_context(|| format!("the workspace has no package {name}"))
    }

    /// The name of the package in a folder: `bindings/c`.
    pub(crate) fn name_at(&self, tree: &Tree, folder: &str) -> Result<String> {
        let manifest = tree.path(folder).join("Cargo.toml");
        let package = self
            .packages()
            .find(|package| package["manifest_path"].as_str().is_some_and(|path| manifest == Path::new(path)));
        let name = package.and_then(|package| package["name"].as_str());
        Ok(name.with_context(|| format!("{folder} is no member of the workspace"))?.to_owned())
    }

    /// Names of a package's targets of this kind: `bench`, `example`, `test`.
    pub(crate) fn targets(&self, package: &str, kind: &str) -> Result<Vec<String>> {
        let targets = self.package(package)?["targets"].as_array().context("cargo names no targets")?;
        let of_kind = targets
            .iter()
            .filter(|target| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|known| known == kind)));
        Ok(of_kind.filter_map(|target| target["name"].as_str()).map(str::to_owned).collect())
    }

    /// Package and name of every test target with `word` in its name.
    pub(crate) fn tests_named(&self, word: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for package in self.packages() {
            let package = package["name"].as_str().unwrap_or_default();
            let tests = self.targets(package, "test").unwrap_or_default();
            found.extend(tests.into_iter().filter(|name| name.contains(word)).map(|name| (package.to_owned(), name)));
        }
        found
    }

    /// The package whose folder holds a file, and the flags by which cargo tests what the file belongs to.
    pub(crate) fn test_target(&self, file: &Path) -> Result<(String, Vec<String>)> {
        let mut best: Option<(&Path, &Value)> = None;
        for package in self.packages() {
            let folder = package["manifest_path"].as_str().and_then(|path| Path::new(path).parent());
            if let Some(folder) = folder.filter(|folder| file.starts_with(folder))
                && best.is_none_or(|(known, _)| folder.starts_with(known))
            {
                best = Some((folder, package));
            }
        }
        let (folder, package) = best.with_context(|| format!("{} belongs to no package", file.display()))?;
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        let below = file.strip_prefix(folder)?;
        let target = match below.strip_prefix("tests") {
            Err(_) => vec!["--lib".to_owned()],
            Ok(test) => {
                let first = test.components().next().context("a test without a name")?;
                let stem = Path::new(first.as_os_str()).file_stem().unwrap_or_default();
                vec!["--test".to_owned(), stem.to_string_lossy().into_owned()]
            }
        };
        Ok((name, target))
    }

    /// The library's features, but for those that only name others.
    pub(crate) fn features(&self) -> Result<Vec<String>> {
        let features = self.package(LIBRARY)?["features"].as_object().context("cargo names no features")?;
        let own = features.keys().filter(|name| !matches!(name.as_str(), "default" | "all-providers"));
        Ok(own.cloned().collect())
    }

    /// Those of the features that are a provider each.
    pub(crate) fn providers(&self) -> Result<Vec<String>> {
        let all = self.package(LIBRARY)?["features"]["all-providers"].as_array().context("no all-providers")?;
        Ok(all.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// Every member's name and the Rust version it states.
    pub(crate) fn rust_versions(&self) -> Vec<(String, Option<String>)> {
        self.packages()
            .map(|package| {
                let name = package["name"].as_str().unwrap_or_default().to_owned();
                (name, package["rust_version"].as_str().map(str::to_owned))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_traced_to_its_tests() {
        let packages = serde_json::json!({ "packages": [
            { "name": "root", "manifest_path": "/w/Cargo.toml" },
            { "name": "c", "manifest_path": "/w/bindings/c/Cargo.toml" },
        ]});
        let found = |path: &str| Manifest(packages.clone()).test_target(Path::new(path)).unwrap();
        assert_eq!(found("/w/tests/errors.rs"), ("root".into(), vec!["--test".into(), "errors".into()]));
        assert_eq!(found("/w/tests/tables/main.rs"), ("root".into(), vec!["--test".into(), "tables".into()]));
        assert_eq!(found("/w/bindings/c/src/tests.rs"), ("c".into(), vec!["--lib".into()]));
    }
}
