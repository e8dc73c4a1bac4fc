//! `cargo xtask check`: everything CI wants to know but the tests.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::{
    arrows, features, links,
    manifest::{LIBRARY, Manifest},
    steps::Step,
    tree::{Tree, install, need_wasm_target, output, read, run},
};

/// The steps, the quick ones first.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "format", about: "rustfmt changes nothing", run: format },
    Step { name: "arrows", about: "every path in src/ points the way the house allows", run: arrows::check },
    Step { name: "links", about: "relative links and anchors in *.md lead somewhere", run: links::check },
    Step { name: "msrv", about: "the Rust version is stated once, and builds", run: msrv },
    Step { name: "clippy", about: "no warning in any target with all features", run: clippy },
    Step { name: "docs", about: "rustdoc has no warning", run: docs },
    Step { name: "features", about: "each feature alone, and in pairs that can meddle", run: features::check },
    Step { name: "wasm32", about: "the library compiles for wasm32-unknown-unknown", run: wasm32 },
    Step { name: "drift", about: "what is generated and kept in git is current", run: drift },
    Step { name: "dependencies", about: "licences, bans, sources and advisories (cargo-deny)", run: dependencies },
];

fn format(tree: &Tree) -> Result<()> {
    run(&mut tree.cargo(["fmt", "--all", "--check"])).context("cargo fmt --all mends it")
}

fn clippy(tree: &Tree) -> Result<()> {
    run(&mut tree.cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))
}

fn docs(tree: &Tree) -> Result<()> {
    let mut doc = tree.cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Every member states the same version, the README says it too, and the library builds with it.
fn msrv(tree: &Tree) -> Result<()> {
    let mut stated = Manifest::read(tree)?.rust_versions().into_iter();
    let (_, version) = stated.next().context("the workspace has no member")?;
    let version = version.context("no rust-version is stated")?;
    if let Some((name, other)) = stated.find(|(_, other)| other.as_deref() != Some(&version)) {
        bail!("{name} states Rust {}, the others {version}", other.as_deref().unwrap_or("nothing"));
    }
    let readme = read(&tree.path("README.md"))?;
    if !readme.lines().any(|line| line.contains("Rust") && line.contains(&version)) {
        bail!("no line of README.md says Rust and {version}, which is what Cargo.toml's rust-version says");
    }
    let using = output(tree.program("rustc").arg("--version"))?;
    if using.starts_with(&format!("rustc {version}.")) {
        println!("msrv: Rust {version}, which is the very one in use: every other step shows that it builds");
        return Ok(());
    }
    println!("msrv: Rust {version} is stated, {} is in use", using.trim());
    let toolchain = output(tree.program("rustup").args(["run", &version, "cargo", "--version"]));
    toolchain.with_context(|| format!("Rust {version} is not there: rustup toolchain install {version}"))?;
    run(tree.program("rustup").args(["run", &version, "cargo", "check", "--package", LIBRARY, "--all-features"]))
}

/// Up to the machine's code, which the test step `wasm` makes in the npm package's profile.
fn wasm32(tree: &Tree) -> Result<()> {
    need_wasm_target(tree)?;
    let build = ["check", "--target", "wasm32-unknown-unknown", "--package"];
    let mut bare = tree.cargo(build);
    run(bare.args([LIBRARY, "--no-default-features", "--features", "all-providers"]))?;
    let mut default = tree.cargo(build);
    run(default.arg(LIBRARY)).context("the default features must resolve on wasm32 too")?;
    tree.need("bindings/wasm")?;
    let binding = Manifest::read(tree)?.name_at(tree, "bindings/wasm")?;
    run(tree.cargo(build).arg(binding))
}

/// What is generated and kept in git is compared by tests, which write it instead when `UPDATE_GOLDEN` is set: every
/// test that knows that variable is one of them.
fn drift(tree: &Tree) -> Result<()> {
    let manifest = Manifest::read(tree)?;
    let mut targets = BTreeSet::new();
    for file in tree.tracked()?.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")) {
        if !file.starts_with("xtask") && read(&tree.path(&file))?.contains("UPDATE_GOLDEN") {
            targets.insert(manifest.test_target(&tree.path(&file))?);
        }
    }
    if targets.is_empty() {
        bail!("no test compares what is generated");
    }
    for (package, target) in targets {
        let mut test = tree.cargo(["test", "--quiet", "--package", &package, "--all-features"]);
        test.args(&target).env_remove("UPDATE_GOLDEN");
        let mend = format!("UPDATE_GOLDEN=1 cargo test -p {package} --all-features {} mends drift", target.join(" "));
        run(&mut test).context(mend)?;
    }
    Ok(())
}

fn dependencies(tree: &Tree) -> Result<()> {
    if output(&mut tree.cargo(["deny", "--version"])).is_err() {
        install(tree, "cargo-deny")?;
    }
    run(&mut tree.cargo(["deny", "--workspace", "--all-features", "check", "bans", "licenses", "sources"]))?;
    // The advisories live in a git repository. Without a way there nothing is known of them, and that is said.
    match output(&mut tree.cargo(["deny", "--workspace", "--all-features", "fetch", "db"])) {
        Ok(_) => run(&mut tree.cargo(["deny", "--workspace", "--all-features", "check", "advisories"])),
        Err(_) => {
            println!(
                "NOT CHECKED: advisories. Their database needs the network (https://github.com/rustsec/advisory-db)."
            );
            Ok(())
        }
    }
}
