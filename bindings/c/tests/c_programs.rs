//! The C programs of this folder, compiled by gcc against the committed header and the library as it is delivered, run
//! plain and under valgrind.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use tempfile::TempDir;

const NEEDED: &str = "apt-get install -y gcc g++ valgrind binutils libcjson-dev";

const STRICT: &[&str] = &["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];

/// What the static library asks of the system, in the README and here.
const SYSTEM_LIBRARIES: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn include() -> PathBuf {
    here().join("../../include")
}

fn readme() -> String {
    fs::read_to_string(here().join("README.md")).unwrap()
}

/// Runs a tool that the tests need; says how to get it when it is missing.
fn tool(name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    match Command::new(name).args(arguments).output() {
        Ok(output) => output,
        Err(error) => panic!("{name} cannot be run ({error}): {NEEDED}"),
    }
}

#[track_caller]
fn passed(what: &str, output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}\n{err}", output.status);
}

/// The libraries as cargo delivers them. An integration test does not cause a cdylib to be built, so this does.
struct Built {
    folder: PathBuf,
    system_libraries: String,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--package", "sis-integrations-c", "--lib", "--message-format=json"])
        .args(["--", "--print=native-static-libs"])
        .current_dir(here())
        .output()
        .unwrap();
    passed("cargo rustc", &output);
    let messages: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let library = messages
        .iter()
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "sis_integrations")
        .flat_map(|message| message["filenames"].as_array().unwrap())
        .filter_map(|name| name.as_str())
        .find(|name| name.ends_with("libsis_integrations.so"))
        .expect("cargo names the shared library");
    let system_libraries = messages
        .iter()
        .filter_map(|message| message["message"]["message"].as_str())
        .find_map(|text| text.strip_prefix("native-static-libs: "))
        .expect("rustc names the system's libraries")
        .trim()
        .to_owned();
    Built { folder: Path::new(library).parent().unwrap().to_owned(), system_libraries }
});

#[derive(Clone, Copy, Debug)]
enum Link {
    Dynamic,
    Static,
}

/// Compiles and links one C file; answers the program.
fn compile(folder: &TempDir, source: &Path, link: Link, libraries: &[&str]) -> PathBuf {
    let program = folder.path().join(format!("{}-{link:?}", source.file_stem().unwrap().display()));
    let built = &BUILT.folder;
    let mut arguments: Vec<String> = STRICT.iter().map(|&option| option.to_owned()).collect();
    arguments.extend([format!("-I{}", include().display()), source.display().to_string()]);
    arguments.extend(["-o".to_owned(), program.display().to_string()]);
    match link {
        Link::Dynamic => arguments.extend([
            format!("-L{}", built.display()),
            "-lsis_integrations".to_owned(),
            format!("-Wl,-rpath,{}", built.display()),
        ]),
        Link::Static => {
            arguments.push(built.join("libsis_integrations.a").display().to_string());
            arguments.extend(SYSTEM_LIBRARIES.split(' ').map(str::to_owned));
        }
    }
    arguments.push("-lpthread".to_owned());
    arguments.extend(libraries.iter().map(|&library| library.to_owned()));
    let output = tool("gcc", &arguments);
    if String::from_utf8_lossy(&output.stderr).contains("cJSON.h: No such file") {
        panic!("cJSON is missing: {NEEDED}");
    }
    passed("gcc", &output);
    program
}

/// Runs a program plain and under valgrind; answers what it printed.
fn run(program: &Path, arguments: &[PathBuf], environment: &[(String, String)]) -> String {
    let with = |command: &mut Command| command.args(arguments).envs(environment.iter().cloned()).output();
    let plain = with(&mut Command::new(program)).unwrap();
    passed("the program", &plain);
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"])
        .args(["--show-leak-kinds=definite,indirect", "--error-exitcode=99", "--num-callers=40"])
        .arg(program);
    match with(&mut valgrind) {
        Ok(output) => passed("valgrind", &output),
        Err(error) => panic!("valgrind cannot be run ({error}): {NEEDED}"),
    }
    String::from_utf8(plain.stdout).unwrap()
}

/// The sandbox, and the environment variables that say where it is.
fn sandbox() -> (sandbox::Sandbox, Vec<(String, String)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = runtime.block_on(sandbox::Sandbox::start()).unwrap();
    let urls = sandbox.urls().map(|(vendor, url)| (format!("SIS_SANDBOX_{}_URL", vendor.to_uppercase()), url));
    let mut environment: Vec<_> = urls.collect();
    environment.push(("SIS_SANDBOX_TWILIO_ACCOUNT_SID".to_owned(), sandbox::twilio::ACCOUNT_SID.to_owned()));
    environment.push(("SIS_SANDBOX_TWILIO_AUTH_TOKEN".to_owned(), sandbox::twilio::AUTH_TOKEN.to_owned()));
    environment.push(("SIS_SANDBOX_STRIPE_SECRET_KEY".to_owned(), sandbox::stripe::SECRET_KEY.to_owned()));
    (sandbox, environment)
}

#[test]
fn scenarios() {
    let folder = TempDir::new().unwrap();
    let (_sandbox, environment) = sandbox();
    let mut files: Vec<PathBuf> = fs::read_dir(here().join("../../tests/scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    for link in [Link::Dynamic, Link::Static] {
        let program = compile(&folder, &here().join("tests/scenarios.c"), link, &["-lcjson"]);
        let printed = run(&program, &files, &environment);
        assert!(printed.contains(&format!("{} scenarios, 0 failed", files.len())), "{printed}");
    }
}

#[test]
fn misuse() {
    let folder = TempDir::new().unwrap();
    for link in [Link::Dynamic, Link::Static] {
        let program = compile(&folder, &here().join("tests/misuse.c"), link, &[]);
        assert_eq!(run(&program, &[], &[]), "misuse: ok\n");
    }
}

#[test]
fn keys_and_limits() {
    let folder = TempDir::new().unwrap();
    let program = compile(&folder, &here().join("tests/limits.c"), Link::Dynamic, &["-lcjson"]);
    let key = "00112233445566778899aabbccddeeff102132435465768798a9babbdcddedfe";
    let tried = |what: &str, storage: &str, more: &str| {
        let options = format!("{{\"storage\":\"{storage}\",\"masterKey\":\"{key}\"{more}}}");
        assert_eq!(run(&program, &[what.into(), options.into()], &[]), format!("{what}: ok\n"));
    };
    let file = |name: &str| folder.path().join(name);
    let stored = |name: &str| format!("sqlite:{}", file(name).display());
    tried("keys", "memory", "");
    tried("recipients", "memory", "");
    tried("full", &stored("full.db"), ",\"maxDatabaseBytes\":400000");
    fs::write(file("corrupt.db"), "no database, but long enough to have been one".repeat(1000)).unwrap();
    tried("corrupt", &stored("corrupt.db"), "");
    tried("keys", &stored("locked.db"), "");
    let other = rusqlite::Connection::open(file("locked.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    tried("locked", &stored("locked.db"), ",\"busyTimeoutMs\":200");
}

#[test]
fn the_example_of_the_readme() {
    let readme = readme();
    let example = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example in C");
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("example.c");
    fs::write(&source, example).unwrap();
    let (sandbox, _) = sandbox();
    let environment = [
        ("TWILIO_ACCOUNT_SID", sandbox::twilio::ACCOUNT_SID.to_owned()),
        ("TWILIO_AUTH_TOKEN", sandbox::twilio::AUTH_TOKEN.to_owned()),
        ("TWILIO_FROM_NUMBER", "+15005550006".to_owned()),
        ("TWILIO_BASE_URL", sandbox.url("twilio")),
        ("INTEGRATION_ENCRYPTION_KEY", "00112233445566778899aabbccddeeff102132435465768798a9babbdcddedfe".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let program = compile(&folder, &source, Link::Dynamic, &[]);
    let printed = run(&program, &[], &environment);
    assert!(printed.contains("\"sid\":\"SM"), "{printed}");
    assert_eq!(sandbox.twilio().messages().len(), 2, "one by the plain run, one under valgrind");
}

#[test]
fn the_readme_has_the_link_lines() {
    let readme = readme();
    let wanted = &BUILT.system_libraries;
    assert_eq!(SYSTEM_LIBRARIES, wanted, "rustc asks for other libraries of the system");
    assert!(readme.contains(&format!("libsis_integrations.a {wanted}")), "the README links otherwise than {wanted}");
    assert!(readme.contains(NEEDED), "the README says otherwise what the tests need");
}

#[test]
fn the_header_compiles_alone() {
    let header = include().join("sis_integrations.h");
    let arguments = |options: &[&str]| -> Vec<String> {
        let mut all: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        all.extend(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"].map(str::to_owned));
        all.push(header.display().to_string());
        all
    };
    for standard in ["-std=c99", "-std=c11", "-std=c17"] {
        passed(standard, &tool("gcc", arguments(&[standard, "-xc"])));
    }
    for standard in ["-std=c++11", "-std=c++20"] {
        passed(standard, &tool("g++", arguments(&[standard, "-xc++"])));
    }
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let header = fs::read_to_string(include().join("sis_integrations.h")).unwrap();
    let mut declared: Vec<&str> = header
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#', '}']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .collect();
    declared.sort_unstable();
    let library = BUILT.folder.join("libsis_integrations.so");
    let output = tool("nm", [OsStr::new("-D"), OsStr::new("--defined-only"), library.as_os_str()]);
    passed("nm", &output);
    let symbols = String::from_utf8(output.stdout).unwrap();
    let mut exported: Vec<&str> = symbols.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    exported.sort_unstable();
    assert_eq!(exported, declared);
    assert!(declared.len() >= 20 && declared.contains(&"sis_manager_execute"), "{declared:?}");
}
