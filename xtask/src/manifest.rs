//! What cargo knows of the workspace.

use std::path::PathBuf;

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
            .find(|package| package["manifest_path"].as_str().is_some_and(|path| PathBuf::from(path) == manifest));
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

    /// The name of a package's library, as the linker has it.
    pub(crate) fn library_name(&self, package: &str) -> Result<String> {
        let targets = self.package(package)?["targets"].as_array().context("cargo names no targets")?;
        let library = targets.iter().find(|target| {
            target["crate_types"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "cdylib"))
        });
        let name = library.and_then(|target| target["name"].as_str());
        Ok(name.with_context(|| format!("{package} builds no cdylib"))?.replace('-', "_"))
    }

    /// The library's features, but for those that only name others.
    pub(crate) fn features(&self) -> Result<Vec<String>> {
        let features = self.package(LIBRARY)?["features"].as_object().context("cargo names no features")?;
        let own = features.keys().filter(|name| !matches!(name.as_str(), "default" | "all-providers"));
        Ok(own.cloned().collect())
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

/// The version that Cargo.lock holds of a package.
pub(crate) fn locked_version(lock: &str, package: &str) -> Result<String> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    Ok(version.with_context(|| format!("Cargo.lock holds no {package}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_is_read() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert_eq!(locked_version(lock, "serde").unwrap_err().to_string(), "Cargo.lock holds no serde");
    }
}
