//! One call at a time: what the road adds to the vendor's answer.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use sis_integrations::Durability;

use crate::{
    Outcome,
    host::{Bare, Road},
    report::{Rounds, budget},
    server::Server,
};

const CALLS: u64 = 400;

pub(crate) async fn measure(server: &Server, folder: &Path) -> Outcome {
    let bare = Bare::new(&server.url)?;
    let strict = Road::open(&server.url, &folder.join("lone-strict.db"), Durability::Strict).await?;
    let relaxed = Road::open(&server.url, &folder.join("lone-relaxed.db"), Durability::Relaxed).await?;
    let mut disk = Disk::at(folder)?;
    let (mut plain, mut kept, mut trailing, mut synced) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..CALLS {
        // The relaxed outcome of the turn before is still on its way; the first call after a rest wakes the machine.
        tokio::time::sleep(Duration::from_millis(3)).await;
        bare.call(number).await?;
        let turn = Instant::now();
        bare.call(number).await?;
        let bare_done = turn.elapsed();
        strict.call(number).await?;
        let strict_done = turn.elapsed();
        disk.sync()?;
        let sync_done = turn.elapsed();
        relaxed.call(number).await?;
        let relaxed_done = turn.elapsed();
        // The first turns fill caches.
        if number >= CALLS / 10 {
            plain.push(micros(bare_done));
            kept.push(micros(strict_done - bare_done));
            synced.push(micros(sync_done - strict_done));
            trailing.push(micros(relaxed_done - sync_done));
        }
    }
    strict.manager.close(Duration::from_secs(5)).await?;
    relaxed.manager.close(Duration::from_secs(5)).await?;
    let [plain, kept, trailing, synced] = [plain, kept, trailing, synced].map(|times| Rounds::new(times).median());
    println!(
        "  one commit of the library's size, 16 pages added to a file and one fdatasync: {:.0} µs",
        Rounds::new((0..100).map(|_| disk.append().map(micros)).collect::<Result<Vec<_>, _>>()?).median()
    );
    println!(
        "  one call alone, median of {CALLS}: bare {plain:.0} µs, strict {kept:.0} µs, relaxed {trailing:.0} µs; one \
         fdatasync of 4 KiB {synced:.0} µs"
    );
    let (added, allowed) = (kept - plain, 2.0 * synced + 100.0);
    budget(
        "added latency of a lone call, strict",
        &format!("{added:.0} µs, {:.0} µs beyond two fdatasync", added - 2.0 * synced),
        &format!("under two fdatasync + 100 µs = {allowed:.0} µs"),
        added < allowed,
    );
    let added = trailing - plain;
    budget(
        "added latency of a lone call, relaxed",
        &format!("{added:.0} µs, {:.0} µs beyond the fdatasync of its intent", added - synced),
        "under 50 µs",
        added < 50.0,
    );
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The disk at its quickest: one page written over again, in a file that is there already.
struct Disk(File);

impl Disk {
    fn at(folder: &Path) -> Outcome<Self> {
        let mut file = File::create(folder.join("page"))?;
        file.write_all(&[0; 1 << 16])?;
        file.sync_all()?;
        Ok(Self(file))
    }

    /// The disk as a log sees it.
    fn append(&mut self) -> std::io::Result<Duration> {
        self.0.seek(SeekFrom::End(0))?;
        let start = Instant::now();
        for _ in 0..16 {
            self.0.write_all(&[1; 4096])?;
        }
        self.0.sync_data()?;
        Ok(start.elapsed())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(&[1; 4096])?;
        self.0.sync_data()
    }
}
