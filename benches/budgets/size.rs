//! What a host ships.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, report::budget};

pub(crate) fn measure() -> Outcome {
    // target/release/deps/budgets-…: the library is two levels up.
    let release = std::env::current_exe()?.parent().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
    let names = ["libsis_integrations.so", "libsis_integrations.dylib", "sis_integrations.dll"];
    let library = names.iter().map(|name| release.join(name)).find(|file| file.exists());
    let name = "size of the native library, all providers, stripped";
    match library {
        Some(library) => {
            let stripped = release.join("libsis_integrations.stripped");
            let done = Command::new("strip").arg("-o").args([&stripped, &library]).status();
            let (file, how) = match done {
                Ok(status) if status.success() => (&stripped, ""),
                _ => (&library, ", not stripped: strip is not there"),
            };
            let size = mib(fs::metadata(file)?.len());
            budget(name, &format!("{size:.1} MiB{how}"), "under 12 MiB", size < 12.0);
        }
        None => budget(name, "not built: cargo build --release -p sis-integrations-c", "under 12 MiB", false),
    }

    let name = "size of the wasm module, gzipped";
    match wasm() {
        Some(file) => {
            let packed = Command::new("gzip").arg("-9c").arg(&file).output()?.stdout;
            let size = packed.len() as f64 / 1024.0;
            budget(name, &format!("{size:.0} KiB"), "under 800 KiB", size > 0.0 && size < 800.0);
        }
        None => budget(name, "not built: cargo xtask build-wasm", "under 800 KiB", false),
    }
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The module of the npm package, wherever the build has put it.
fn wasm() -> Option<PathBuf> {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bindings/wasm/js/pkg");
    let mut folders = vec![package];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "wasm") {
                return Some(path);
            }
        }
    }
    None
}
