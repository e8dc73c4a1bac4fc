//! The C binding: each program in bindings/c/tests is compiled with gcc against the shared library and runs under
//! valgrind.

use anyhow::{Context, Result};

use super::sandbox::Sandbox;
use crate::{
    manifest::Manifest,
    tree::{Tree, need_program, read, run},
};

const FLAGS: &[&str] = &["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];
const VALGRIND: &[&str] = &[
    "--quiet",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect",
    "--error-exitcode=99",
];

/// A file with a `main` is a program; the others are linked into every one.
pub(super) fn tests(tree: &Tree) -> Result<()> {
    need_program("gcc", "apt-get install gcc libc6-dev")?;
    need_program("valgrind", "apt-get install valgrind")?;
    tree.need("bindings/c")?;
    tree.need("include/sis_integrations.h")?;
    let manifest = Manifest::read(tree)?;
    let package = manifest.name_at(tree, "bindings/c")?;
    let library = manifest.library_name(&package)?;
    let built = manifest.target()?.join("debug");
    let programs = manifest.target()?.join("c-tests");
    std::fs::create_dir_all(&programs)?;

    let mut mains = Vec::new();
    let mut shared = Vec::new();
    for file in tree.files("bindings/c/tests", ".c")? {
        if read(&file)?.contains("int main(") { mains.push(file) } else { shared.push(file) }
    }
    let first = mains.first().context("bindings/c/tests has no program")?;
    println!("{} programs, the first is {}", mains.len(), first.display());

    run(&mut tree.cargo(["build", "--package", &package]))?;
    let sandbox = Sandbox::start(tree)?;
    for file in &mains {
        let name = file.file_stem().context("a program without a name")?;
        let program = programs.join(name);
        let mut gcc = tree.program("gcc");
        gcc.args(FLAGS).args(["-Iinclude", "-Ibindings/c/tests"]).arg(file).args(&shared);
        gcc.arg("-o").arg(&program).arg(format!("-L{}", built.display())).arg(format!("-l{library}"));
        run(gcc.arg("-lpthread"))?;

        let mut valgrind = tree.program("valgrind");
        valgrind.args(VALGRIND);
        let suppressions = tree.path("bindings/c/tests/valgrind.supp");
        if suppressions.exists() {
            valgrind.arg(format!("--suppressions={}", suppressions.display()));
        }
        valgrind.arg(program).env("LD_LIBRARY_PATH", &built).env("SIS_SCENARIOS", tree.path("tests/scenarios"));
        sandbox.tell(&mut valgrind);
        run(&mut valgrind).with_context(|| format!("{} failed", file.display()))?;
    }
    Ok(())
}
