//! The Python binding: a wheel is built, put into a clean virtual environment, and tested from outside of the tree.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::sandbox::Sandbox;
use crate::{
    manifest::Manifest,
    tree::{Tree, need_program, run},
};

const TESTS: &str = "bindings/uniffi/python/tests";

pub(super) fn tests(tree: &Tree) -> Result<()> {
    need_program("python3", "apt-get install python3 python3-venv")?;
    let source = tree.need("bindings/uniffi")?;
    tree.files(TESTS, ".py")?;
    let work = Manifest::read(tree)?.target()?.join("python");
    let wheels = work.join("wheels");
    if wheels.exists() {
        // A wheel of an earlier version must not be the one that is tested.
        std::fs::remove_dir_all(&wheels)?;
    }

    let build = environment(tree, &work.join("build"), false)?;
    pip(tree, &build, &["maturin>=1.9,<2"])?;
    let mut maturin = tree.program(build.join("maturin"));
    maturin.current_dir(&source).args(["build", "--locked", "--interpreter"]).arg(build.join("python"));
    // maturin calls the uniffi-bindgen of its environment where the crate has none of its own.
    maturin.env("PATH", path_with(&build)?);
    run(maturin.arg("--out").arg(&wheels))?;

    let clean = environment(tree, &work.join("clean"), true)?;
    let needs = tree.path(TESTS).join("requirements.txt");
    if needs.exists() {
        pip(tree, &clean, &["-r", &needs.to_string_lossy()])?;
    } else {
        pip(tree, &clean, &["pytest", "pytest-asyncio"])?;
    }
    let wheel = std::fs::read_dir(&wheels)?.flatten().map(|entry| entry.path()).next();
    pip(tree, &clean, &[&wheel.context("maturin built no wheel")?.to_string_lossy()])?;

    let sandbox = Sandbox::start(tree)?;
    let mut pytest = tree.program(clean.join("python"));
    // Outside of the tree, so that the installed package is imported and not the folder it came from.
    pytest.current_dir(&work).args(["-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib", "-v"]);
    pytest.arg(tree.path(TESTS)).env("SIS_SCENARIOS", tree.path("tests/scenarios"));
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    sandbox.tell(&mut pytest);
    run(&mut pytest)
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

fn pip(tree: &Tree, programs: &Path, what: &[&str]) -> Result<()> {
    let mut pip = tree.program(programs.join("python"));
    run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(what))
}

fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&path)))?)
}
