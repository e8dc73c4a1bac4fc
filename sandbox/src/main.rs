//! Runs the look-alikes alone, for programs in any language.

use std::io::{self, Write};

use clap::{Parser, ValueEnum};
use sandbox::Sandbox;
use tokio::sync::oneshot;

/// Local look-alikes of vendors, on loopback. Prints `name address` for each, then runs until interrupted.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Start only this vendor; may be repeated.
    #[arg(long = "vendor", value_name = "NAME")]
    vendors: Vec<String>,

    /// Give a vendor a port; may be repeated.
    #[arg(long = "port", value_name = "NAME=PORT", value_parser = named_port)]
    ports: Vec<(String, u16)>,

    /// How ports are chosen where none is given.
    #[arg(long, value_enum, default_value_t = HostPorts::Free)]
    host_ports: HostPorts,

    /// Add a Twilio account; may be repeated. Needs `twilio` among the vendors.
    #[arg(long, value_name = "SID:TOKEN", value_parser = pair)]
    twilio_account: Vec<(String, String)>,

    /// How many requests each vendor's recorder keeps.
    #[arg(long, value_name = "COUNT", default_value_t = sandbox::DEFAULT_KEPT)]
    keep: usize,

    /// End when standard input does, so that the sandbox does not outlive the program that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HostPorts {
    /// Any free port.
    Free,
    /// 4010 for the first vendor, and one more for each that follows, in the order in which they are printed.
    Fixed,
}

const FIRST_FIXED_PORT: u16 = 4010;

fn named_port(text: &str) -> Result<(String, u16), String> {
    let (name, port) = text.split_once('=').ok_or("expected NAME=PORT")?;
    Ok((name.to_owned(), port.parse().map_err(|_| format!("{port} is not a port"))?))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (sid, token) = text.split_once(':').ok_or("expected SID:TOKEN")?;
    Ok((sid.to_owned(), token.to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let options = Options::parse();
    let mut builder = Sandbox::builder();
    if matches!(options.host_ports, HostPorts::Fixed) {
        for (name, port) in sandbox::vendors().zip(FIRST_FIXED_PORT..) {
            builder = builder.port(name, port);
        }
    }
    for (name, port) in options.ports {
        builder = builder.port(name, port);
    }
    if !options.vendors.is_empty() {
        builder = builder.vendors(options.vendors);
    }
    let sandbox = builder.start().await?;
    sandbox.keep(options.keep);
    if !options.twilio_account.is_empty() && sandbox.urls().all(|(name, _)| name != "twilio") {
        let words = "--twilio-account is of no use without --vendor twilio";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    }
    for (sid, token) in options.twilio_account {
        sandbox.twilio().add_account(&sid, &token);
    }

    let mut out = io::stdout().lock();
    for (name, url) in sandbox.urls() {
        writeln!(out, "{name} {url}")?;
    }
    out.flush()?;
    drop(out);

    if options.until_stdin_closes {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = stdin_end()? => {}
        }
    } else {
        tokio::signal::ctrl_c().await?;
    }
    sandbox.shutdown().await;
    Ok(())
}

/// Waits for the end of standard input on a thread that nobody waits for: a runtime does not end while one of its own
/// threads sits in a read.
fn stdin_end() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        // An input that cannot be read has ended too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    })?;
    Ok(end)
}
