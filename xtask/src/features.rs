//! The library's features, each alone and in pairs: a `cfg` that needs another feature is found here.
//!
//! Providers name no other provider, which the step `arrows` sees to: a pair of two of them has nothing to tell. Each is
//! built alone; the features beside them in pairs, and each with all providers.

use anyhow::{Result, bail};

use crate::{
    manifest::{LIBRARY, Manifest},
    tree::{Tree, output},
};

/// Lints the library with no feature, each alone, and what can meddle with one another together; warnings are errors.
pub(crate) fn check(tree: &Tree) -> Result<()> {
    let manifest = Manifest::read(tree)?;
    let (features, providers) = (manifest.features()?, manifest.providers()?);
    let sets = sets(&features, &providers);
    let mut failed = Vec::new();
    for set in &sets {
        let name = if set.is_empty() { "no feature".to_owned() } else { set.join(" + ") };
        println!("features: {name}");
        // clippy, because it takes `-D warnings` for our own crate alone: RUSTFLAGS would rebuild every dependency.
        let mut clippy = tree.cargo(["clippy", "--quiet", "--package", LIBRARY, "--lib", "--no-deps"]);
        clippy.args(["--no-default-features", "--features", &set.join(","), "--", "-D", "warnings"]);
        if let Err(error) = output(&mut clippy) {
            failed.push(format!("{name}:\n{error}"));
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} sets of features do not build\n{}", failed.len(), sets.len(), failed.join("\n"));
    }
    println!("features: {} sets build", sets.len());
    Ok(())
}

fn sets<'f>(features: &'f [String], providers: &'f [String]) -> Vec<Vec<&'f str>> {
    let mut sets = vec![vec![]];
    sets.extend(features.iter().map(|one| vec![one.as_str()]));
    let beside: Vec<_> = features.iter().filter(|name| !providers.contains(name)).collect();
    for (number, one) in beside.iter().enumerate() {
        sets.push(vec!["all-providers", one.as_str()]);
        sets.extend(beside[number + 1..].iter().map(|two| vec![one.as_str(), two.as_str()]));
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_one_and_what_can_meddle() {
        let features = ["http", "sqlite", "stripe", "twilio"].map(str::to_owned);
        let sets: Vec<_> = sets(&features, &features[2..]).iter().map(|set| set.join("+")).collect();
        let wanted =
            ["", "http", "sqlite", "stripe", "twilio", "all-providers+http", "http+sqlite", "all-providers+sqlite"];
        assert_eq!(sets, wanted);
    }
}
