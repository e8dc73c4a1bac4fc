//! The source tree, and running programs in it.

use std::{
    env,
    ffi::OsStr,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use anyhow::{Context, Result, anyhow, bail};

/// A checkout of the workspace.
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The one this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask/ stands in no workspace")?;
        Ok(Self { root: root.to_owned() })
    }

    /// The one at `root`.
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A path in the tree.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A folder that must be there for a step to mean anything.
    pub(crate) fn need(&self, relative: &str) -> Result<PathBuf> {
        let path = self.path(relative);
        if !path.exists() {
            bail!("{relative} is not there, so nothing could be run in it");
        }
        Ok(path)
    }

    /// The files below `relative` with this ending, in order.
    pub(crate) fn files(&self, relative: &str, ending: &str) -> Result<Vec<PathBuf>> {
        let folder = self.need(relative)?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {relative}"))? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(ending) {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            bail!("{relative} holds no *{ending}, so nothing was tested");
        }
        Ok(files)
    }

    /// Every file that git tracks or would track, relative to the tree.
    pub(crate) fn tracked(&self) -> Result<Vec<PathBuf>> {
        let mut git = self.program("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        let listed = output(&mut git)?;
        let paths = listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
        // A file that is deleted but not yet committed is still listed.
        Ok(paths.filter(|path| self.path(path).exists()).collect())
    }

    /// A program, run at the tree's root.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // What cargo told this program about itself must not reach another cargo: build scripts that watch these
        // variables would be built anew on each turn.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_")
                || matches!(
                    &*name,
                    "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME"
                )
            {
                command.env_remove(&*name);
            }
        }
        // cargo puts its own library paths there for `cargo run`.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    /// cargo with these arguments.
    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        command
    }
}

/// Prints the command line and runs it; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = show(command);
    println!("$ {line}");
    let status = command.status().map_err(|error| not_started(command, error))?;
    succeeded(status, &line)
}

/// What the command prints, as text.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let done = command.output().map_err(|error| not_started(command, error))?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        bail!("{} failed\n{}{text}", show(command), String::from_utf8_lossy(&done.stderr));
    }
    Ok(text)
}

fn succeeded(status: ExitStatus, line: &str) -> Result<()> {
    if !status.success() {
        bail!("`{line}`: {status}");
    }
    Ok(())
}

fn not_started(command: &Command, error: std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy().into_owned();
    match error.kind() {
        ErrorKind::NotFound => anyhow!("{program} is not installed, or its folder is not there"),
        _ => anyhow!("{program} did not start: {error}"),
    }
}

fn show(command: &Command) -> String {
    let mut words = vec![Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}

/// Fails with how to install a program unless it runs. Nothing is ever left out because a tool is lacking.
pub(crate) fn need_program(program: &str, install: &str) -> Result<()> {
    match Command::new(program).arg("--version").output() {
        Ok(done) if done.status.success() => Ok(()),
        _ => bail!("{program} is needed and is not there: {install}"),
    }
}

/// Whether rustup has the wasm32 target; adds it otherwise.
pub(crate) fn need_wasm_target(tree: &Tree) -> Result<()> {
    let sysroot = output(tree.program("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib/wasm32-unknown-unknown/lib").exists() {
        return Ok(());
    }
    run(tree.program("rustup").args(["target", "add", "wasm32-unknown-unknown"]))
        .context("the wasm32 target is needed: rustup target add wasm32-unknown-unknown")
}

/// Installs a program that cargo calls, into cargo's own folder.
pub(crate) fn install(tree: &Tree, package: &str) -> Result<()> {
    println!("{package} is not there; installing it takes some minutes");
    // A target folder of its own, for other builds need not wait for this one.
    let work = env::temp_dir().join(format!("xtask-install-{package}"));
    run(tree.cargo(["install", "--locked", package]).env("CARGO_TARGET_DIR", &work))?;
    std::fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a file as text.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
