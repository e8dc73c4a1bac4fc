//! Many calls at once: how many a second, and what processor time each takes.

use std::{
    future::Future,
    path::Path,
    time::{Duration, Instant},
};

use sis_integrations::Durability;

use crate::{
    Outcome,
    host::{Bare, Road},
    node::Node,
    on_runtime,
    report::{Rounds, budget, cpu_time, ratio},
    server::Server,
};

const AT_ONCE: u64 = 32;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(600);

/// What one round came to.
#[derive(Clone, Copy)]
struct Pace {
    per_second: f64,
    cpu_us: f64,
}

async fn pace<F>(lasting: Duration, call: impl Fn(u64) -> F + Clone + Send + 'static) -> Outcome<Pace>
where
    F: Future<Output = Outcome> + Send,
{
    let (start, cpu) = (Instant::now(), cpu_time());
    let callers: Vec<_> = (0..AT_ONCE)
        .map(|caller| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut calls = 0;
                while start.elapsed() < lasting {
                    call(caller << 32 | calls).await?;
                    calls += 1;
                }
                Outcome::Ok(calls)
            })
        })
        .collect();
    let mut calls = 0;
    for caller in callers {
        calls += caller.await??;
    }
    let calls = calls as f64;
    Ok(Pace {
        per_second: calls / start.elapsed().as_secs_f64(),
        cpu_us: (cpu_time() - cpu).as_secs_f64() * 1e6 / calls,
    })
}

async fn bare_pace(bare: &Bare, lasting: Duration) -> Outcome<Pace> {
    let bare = bare.clone();
    pace(lasting, move |number| {
        let bare = bare.clone();
        async move { bare.call(number).await.map(drop) }
    })
    .await
}

async fn road_pace(road: &Road, lasting: Duration) -> Outcome<Pace> {
    let road = road.clone();
    pace(lasting, move |number| {
        let road = road.clone();
        async move { road.call(number).await }
    })
    .await
}

pub(crate) async fn measure(server: &Server, folder: &Path) -> Outcome {
    let bare = Bare::new(&server.url)?;
    let strict = Road::open(&server.url, &folder.join("strict.db"), Durability::Strict).await?;
    let relaxed = Road::open(&server.url, &folder.join("relaxed.db"), Durability::Relaxed).await?;
    let mut node = Node::start("twilio", &server.url, &[sandbox::twilio::ACCOUNT_SID, sandbox::twilio::AUTH_TOKEN]);
    let warm = ROUND / 2;
    bare_pace(&bare, warm).await?;
    road_pace(&strict, warm).await?;
    road_pace(&relaxed, warm).await?;
    if let Ok(running) = &mut node {
        // Its compiler takes longer to warm up.
        running.round(3 * ROUND)?;
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let bare = bare_pace(&bare, ROUND).await?;
        let strict = road_pace(&strict, ROUND).await?;
        let relaxed = road_pace(&relaxed, ROUND).await?;
        let sdk = node.as_mut().ok().map(|node| node.round(ROUND)).transpose()?;
        println!(
            "  bare {:.0}/s {:.0} µs of processor, strict {:.0}/s {:.0} µs, relaxed {:.0}/s {:.0} µs, twilio-node {:.0}/s",
            bare.per_second,
            bare.cpu_us,
            strict.per_second,
            strict.cpu_us,
            relaxed.per_second,
            relaxed.cpu_us,
            sdk.unwrap_or(f64::NAN),
        );
        rounds.push((bare, strict, relaxed, sdk));
    }
    strict.manager.close(Duration::from_secs(5)).await?;
    relaxed.manager.close(Duration::from_secs(5)).await?;

    let speed = Rounds::new(rounds.iter().map(|(bare, strict, ..)| strict.per_second / bare.per_second));
    let measured = format!("{} bare reqwest", ratio(&speed));
    budget("calls a second, 32 at a time, strict", &measured, "at least 0.5 ×", speed.median() >= 0.5);
    let speed = Rounds::new(rounds.iter().map(|(bare, _, relaxed, _)| relaxed.per_second / bare.per_second));
    let measured = format!("{} bare reqwest", ratio(&speed));
    budget("calls a second, 32 at a time, relaxed", &measured, "at least 0.5 ×", speed.median() >= 0.5);

    let name = "calls a second, 32 at a time, strict, over Twilio's SDK for Node";
    match &node {
        Ok(_) => {
            let sdk = Rounds::new(rounds.iter().filter_map(|(_, strict, _, sdk)| Some(strict.per_second / (*sdk)?)));
            budget(name, &ratio(&sdk), "at least 10 ×", sdk.median() >= 10.0);
        }
        Err(why) => budget(name, &format!("not measured: {why}"), "at least 10 ×", false),
    }
    let cpu = Rounds::new(rounds.iter().map(|(bare, strict, ..)| strict.cpu_us / bare.cpu_us));
    budget("processor time a call", &format!("{} bare reqwest", ratio(&cpu)), "under 2 ×", cpu.median() < 2.0);
    Ok(())
}

/// For a profiler: `child-profile <bare|road> <calls>`, 32 at a time.
pub(crate) fn profile(arguments: &[String]) -> Outcome {
    let [what, calls] = arguments else { return Err("expected what and how many calls".into()) };
    let each = calls.parse::<u64>()? / AT_ONCE;
    on_runtime(async {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let server = Server::start().await?;
        let bare = Bare::new(&server.url)?;
        let road = Road::open(&server.url, &folder.path().join("profile.db"), Durability::Strict).await?;
        let callers: Vec<_> = (0..AT_ONCE)
            .map(|caller| {
                let (what, bare, road) = (what.clone(), bare.clone(), road.clone());
                tokio::spawn(async move {
                    for call in 0..each {
                        match what.as_str() {
                            "bare" => drop(bare.call(caller << 32 | call).await?),
                            _ => road.call(caller << 32 | call).await?,
                        }
                    }
                    Outcome::Ok(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        road.manager.close(Duration::from_secs(5)).await?;
        Ok(())
    })
}
