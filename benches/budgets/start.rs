//! A host that starts: how long until its first call is answered, and how much memory it takes.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use sis_integrations::Durability;

use crate::{
    Outcome,
    host::{Bare, Road},
    on_runtime,
    report::{Rounds, budget, memory},
    server::Server,
};

const STARTS: usize = 7;
const CALLS: u64 = 100;

/// What a child of this program prints.
fn child(arguments: &[&str]) -> Outcome<f64> {
    let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().parse().map_err(|_| format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))?)
}

/// A file with a school in it, closed.
async fn school(server: &Server, file: &Path) -> Outcome<String> {
    let road = Road::open(&server.url, file, Durability::Strict).await?;
    road.call(0).await?;
    road.manager.close(Duration::from_secs(5)).await?;
    Ok(file.to_str().ok_or("the path is not text")?.to_owned())
}

pub(crate) async fn measure_first_call(server: &Server, folder: &Path) -> Outcome {
    let file = school(server, &folder.join("first.db")).await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        ours.push(child(&["child-first-call", &server.url, &file])?);
        bare.push(child(&["child-first-call", &server.url])?);
    }
    let (ours, bare) = (Rounds::new(ours), Rounds::new(bare).median());
    let (least, most) = ours.spread();
    println!("  the first call of a new process: {:.1} ms, with reqwest alone {bare:.1} ms", ours.median());
    let measured = format!("{:.1} ms ({least:.1} to {most:.1})", ours.median());
    budget("open to first call, raw key, warm disk", &measured, "under 20 ms", ours.median() < 20.0);
    Ok(())
}

/// The child's part: milliseconds from the start of `main` to the answer.
pub(crate) fn first_call(arguments: &[String]) -> Outcome {
    let start = Instant::now();
    on_runtime(async {
        match arguments {
            [url, file] => Road::open(url, Path::new(file), Durability::Strict).await?.call(1).await?,
            [url] => drop(Bare::new(url)?.call(1).await?),
            _ => return Err("expected an address, and a file".into()),
        }
        Ok(())
    })?;
    println!("{}", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

pub(crate) async fn measure_memory(server: &Server, folder: &Path) -> Outcome {
    let file = school(server, &folder.join("memory.db")).await?;
    let of = |what: &'static str| {
        let readings: Outcome<Vec<f64>> = (0..5).map(|_| child(&["child-memory", what, &server.url, &file])).collect();
        readings.map(|readings| Rounds::new(readings).median())
    };
    let (idle, bare, road) = (of("idle")?, of("bare")?, of("road")?);
    println!(
        "  resident after {CALLS} calls: a host alone {idle:.1} MiB, with reqwest {bare:.1}, with a manager {road:.1}"
    );
    let added = road - idle;
    let measured = format!("{added:.1} MiB, {:.1} of them beyond reqwest's", road - bare);
    budget("memory added to a host with one tenant", &measured, "under 15 MiB", added < 15.0);
    Ok(())
}

/// The child's part: the MiB that are resident after some calls.
pub(crate) fn hold_memory(arguments: &[String]) -> Outcome {
    let [what, url, file] = arguments else { return Err("expected what, an address and a file".into()) };
    on_runtime(async {
        let (mut bare, mut road) = (None, None);
        match what.as_str() {
            "bare" => bare = Some(Bare::new(url)?),
            "road" => road = Some(Road::open(url, &PathBuf::from(file), Durability::Strict).await?),
            _ => {}
        }
        for number in 0..CALLS {
            if let Some(bare) = &bare {
                bare.call(number).await?;
            }
            if let Some(road) = &road {
                road.call(number).await?;
            }
        }
        println!("{}", memory("VmRSS") as f64 / 1024.0);
        Ok(())
    })
}
