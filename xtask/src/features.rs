//! The library's features, each alone and in pairs: a `cfg` that needs another feature is found here.

use anyhow::{Result, bail};

use crate::{
    manifest::{LIBRARY, Manifest},
    tree::{Tree, output},
};

/// Lints the library with no feature, each alone, and each two together; warnings are errors.
pub(crate) fn check(tree: &Tree) -> Result<()> {
    let features = Manifest::read(tree)?.features()?;
    let sets = sets(&features);
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

fn sets(features: &[String]) -> Vec<Vec<&str>> {
    let mut sets = vec![vec![]];
    sets.extend(features.iter().map(|one| vec![one.as_str()]));
    for (number, one) in features.iter().enumerate() {
        sets.extend(features[number + 1..].iter().map(|two| vec![one.as_str(), two.as_str()]));
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_one_and_two() {
        let features = ["a", "b", "c"].map(str::to_owned);
        let sets: Vec<_> = sets(&features).iter().map(|set| set.join("+")).collect();
        assert_eq!(sets, ["", "a", "b", "c", "a+b", "a+c", "b+c"]);
    }
}
