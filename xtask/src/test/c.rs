//! The C binding. Its own cargo tests compile the C programs with gcc against the shared and the static library, and run
//! them plain and under valgrind; here is what they need.

use anyhow::{Context, Result};

use crate::{
    manifest::Manifest,
    tree::{Tree, need_program, output, run},
};

/// The folder of the binding.
pub(super) const FOLDER: &str = "bindings/c";

pub(super) fn tests(tree: &Tree) -> Result<()> {
    need_program("gcc", "apt-get install gcc libc6-dev")?;
    need_program("g++", "apt-get install g++")?;
    need_program("nm", "apt-get install binutils")?;
    need_program("valgrind", "apt-get install valgrind")?;
    output(tree.program("gcc").args(["-fsyntax-only", "-include", "cjson/cJSON.h", "-xc", "/dev/null"]))
        .map(drop)
        .context("cJSON, by which the C programs read JSON, is needed: apt-get install libcjson-dev")?;
    tree.need(FOLDER)?;
    tree.need("include/sis_integrations.h")?;
    tree.files("bindings/c/tests", ".c")?;
    let package = Manifest::read(tree)?.name_at(tree, FOLDER)?;
    run(&mut tree.cargo(["test", "--package", &package]))
}
