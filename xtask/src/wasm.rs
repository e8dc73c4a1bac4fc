//! `cargo xtask build-wasm`: the npm package.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    manifest::{Manifest, locked_version},
    tree::{Tree, need_wasm_target, output, read, run, write},
};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds bindings/wasm for Node (`pkg/node`) and for browsers (`pkg/web`), with what stands in `js/` beside them.
pub(crate) fn build(tree: &Tree) -> Result<()> {
    let source = tree.need("bindings/wasm")?;
    need_wasm_target(tree)?;
    let manifest = Manifest::read(tree)?;
    let package = manifest.name_at(tree, "bindings/wasm")?;
    run(&mut tree.cargo(["build", "--release", "--target", TARGET, "--package", &package]))?;

    let bindgen = bindgen(tree, &manifest.target()?)?;
    let library = manifest.library_name(&package)?;
    let module = manifest.target()?.join(TARGET).join("release").join(&library).with_extension("wasm");
    let pkg = source.join("pkg");
    for (kind, folder) in [("nodejs", "node"), ("web", "web")] {
        let mut command = tree.program(&bindgen);
        command.args(["--target", kind, "--out-name", &library, "--out-dir"]).arg(pkg.join(folder)).arg(&module);
        run(&mut command)?;
    }
    // wasm-bindgen's own output says which module system it speaks only by what stands around it.
    write(&pkg.join("node/package.json"), "{ \"type\": \"commonjs\" }\n")?;
    write(&pkg.join("web/package.json"), "{ \"type\": \"module\" }\n")?;
    // Built, never committed.
    write(&pkg.join(".gitignore"), "*\n")?;
    for extra in ["package.json", "README.md", "js"] {
        let from = source.join(extra);
        if from.exists() {
            copy(&from, &pkg.join(extra))?;
        }
    }
    let size = std::fs::metadata(&module)?.len();
    println!("bindings/wasm/pkg: {} KiB of WebAssembly before wasm-bindgen", size / 1024);
    Ok(())
}

/// wasm-bindgen of the very version that Cargo.lock holds: any other refuses the module.
fn bindgen(tree: &Tree, target: &Path) -> Result<PathBuf> {
    let version = locked_version(&read(&tree.path("Cargo.lock"))?, "wasm-bindgen")?;
    let tools = target.join("tools");
    let program = tools.join("bin/wasm-bindgen");
    let there = output(tree.program(&program).arg("--version")).unwrap_or_default();
    if there.trim() != format!("wasm-bindgen {version}") {
        println!("wasm-bindgen {version} is not there; installing it takes a minute or two");
        let mut install = tree.cargo(["install", "--locked", "wasm-bindgen-cli", "--version", &version, "--root"]);
        run(install.arg(&tools)).context("wasm-bindgen-cli could not be installed")?;
    }
    Ok(program)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        std::fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
