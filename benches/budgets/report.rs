//! What is printed, and what the machine tells of itself.

use std::{fs, time::Duration};

/// One line for `cargo xtask bench`.
pub(crate) fn budget(name: &str, measured: &str, budget: &str, met: bool) {
    println!("budget {name} | {measured} | {budget} | {}", if met { "met" } else { "short" });
}

/// What several rounds measured.
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// From the least to the most.
    pub(crate) fn spread(&self) -> (f64, f64) {
        (self.0.first().copied().unwrap_or(f64::NAN), self.0.last().copied().unwrap_or(f64::NAN))
    }
}

/// Median, and in brackets the least and the most.
pub(crate) fn ratio(rounds: &Rounds) -> String {
    let (least, most) = rounds.spread();
    format!("{:.2} × ({least:.2} to {most:.2})", rounds.median())
}

/// The processor time this process has used, all threads, by the kernel's hundredths of a second.
pub(crate) fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in the second field may hold blanks; what follows its bracket does not.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let hundredths: u64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * hundredths)
}

/// A line of `/proc/self/status`, in KiB.
pub(crate) fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// How busy the machine is: others may be building on it.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().unwrap_or("unknown").to_owned()
}
