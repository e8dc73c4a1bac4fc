//! The Python binding: a wheel is built, put into a clean virtual environment, and tested from outside of the tree.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::sandbox::Sandbox;
use crate::{
    manifest::Manifest,
    tree::{Tree, need_program, run},
};

const FOLDER: &str = "bindings/uniffi";
const TESTS: &str = "bindings/uniffi/tests";

pub(super) fn tests(tree: &Tree) -> Result<()> {
    tree.files(TESTS, ".py")?;
    // The profile of the other tests: their dependencies are built already.
    let clean = installed(tree, "clean", "dev")?;
    run(pip(tree, &clean, &["install", "--requirement"]).arg(tree.need("bindings/uniffi/tests/requirements.txt")?))?;

    // Outside of the tree, so that the installed package is read and not the folder it came from.
    let work = work(tree)?;
    let mypy = |module: &str| {
        let mut mypy = tree.program(clean.join("python"));
        mypy.current_dir(&work).env_remove("PYTHONPATH").args(["-m", module]);
        mypy
    };
    // The stub says what the package is, and the README's example fits it.
    let mut stub = mypy("mypy.stubtest");
    stub.arg("sis_integrations").arg("--mypy-config-file").arg(tree.need("bindings/uniffi/tests/mypy.ini")?);
    run(stub.arg("--allowlist").arg(tree.need("bindings/uniffi/tests/stubtest.txt")?))?;
    let mut example = mypy("mypy");
    example.args(["--strict", "--no-error-summary", "--cache-dir"]).arg(work.join("mypy"));
    run(example.arg(tree.need("bindings/uniffi/tests/example.py")?))?;

    let sandbox = Sandbox::start(tree)?;
    let mut pytest = tree.program(clean.join("python"));
    pytest.current_dir(&work).args(["-m", "pytest", "-p", "no:cacheprovider"]).arg(tree.path(TESTS));
    pytest.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH");
    sandbox.tell(&mut pytest);
    run(&mut pytest)
}

fn work(tree: &Tree) -> Result<PathBuf> {
    Ok(Manifest::read(tree)?.target()?.join("python"))
}

/// The folder of programs of a fresh environment in which the package is installed, from a wheel built for it.
pub(crate) fn installed(tree: &Tree, name: &str, profile: &str) -> Result<PathBuf> {
    need_program("python3", "apt-get install python3 python3-venv")?;
    tree.need(FOLDER)?;
    let work = work(tree)?;
    let wheels = work.join("wheels");
    if wheels.exists() {
        // A wheel of an earlier version must not be the one that is taken.
        std::fs::remove_dir_all(&wheels)?;
    }
    let build = environment(tree, &work.join("build"), false)?;
    let mut wheel = pip(tree, &build, &["wheel", "--no-deps", "--wheel-dir"]);
    wheel.arg(&wheels).arg(tree.path(FOLDER)).env("MATURIN_PEP517_ARGS", format!("--profile {profile}"));
    run(&mut wheel)?;
    let wheel = std::fs::read_dir(&wheels)?.flatten().map(|entry| entry.path()).next();
    let wheel = wheel.context("no wheel was built")?;
    let made = environment(tree, &work.join(name), true)?;
    run(pip(tree, &made, &["install"]).arg(wheel))?;
    Ok(made)
}

/// A virtual environment, and its folder of programs.
fn environment(tree: &Tree, folder: &Path, clear: bool) -> Result<PathBuf> {
    let mut venv = tree.program("python3");
    venv.args(["-m", "venv"]);
    if clear {
        venv.arg("--clear");
    }
    run(venv.arg(folder)).context("python3 makes no virtual environment: apt-get install python3-venv")?;
    Ok(folder.join("bin"))
}

fn pip(tree: &Tree, programs: &Path, arguments: &[&str]) -> std::process::Command {
    let mut pip = tree.program(programs.join("python"));
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).args(arguments);
    pip
}
