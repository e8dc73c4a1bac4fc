//! Links between our own pages: every relative link in a `*.md` leads to a file, every anchor to a heading.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::tree::{Tree, read};

/// Fails with every link that leads nowhere.
pub(crate) fn check(tree: &Tree) -> Result<()> {
    let pages: Vec<_> =
        tree.tracked()?.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    let mut texts = BTreeMap::new();
    for page in &pages {
        texts.insert(page.clone(), read(&tree.path(page))?);
    }
    let mut links = 0;
    let mut broken = Vec::new();
    for (page, text) in &texts {
        for Link { line, target } in targets(text) {
            links += 1;
            let exists = |path: &Path| tree.path(path).exists();
            if let Some(why) = judge(page, &target, &texts, &exists) {
                broken.push(format!("{}:{line}: {target}: {why}", page.display()));
            }
        }
    }
    if !broken.is_empty() {
        bail!("{} links lead nowhere:\n{}", broken.len(), broken.join("\n"));
    }
    println!("links: {} pages, {links} links, all lead somewhere", texts.len());
    Ok(())
}

fn judge(
    page: &Path,
    target: &str,
    texts: &BTreeMap<PathBuf, String>,
    exists: &dyn Fn(&Path) -> bool,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    let path = if path.is_empty() { Some(page.to_owned()) } else { within(page, path) };
    let Some(path) = path else {
        return Some("leads out of the tree".to_owned());
    };
    if !exists(&path) {
        return Some("no such file".to_owned());
    }
    let (anchor, text) = (anchor?, texts.get(&path)?);
    (!anchors(text).contains(anchor)).then(|| format!("{} has no heading of that name", path.display()))
}

/// The path from the tree's root, if it stays inside.
fn within(page: &Path, path: &str) -> Option<PathBuf> {
    let mut whole = page.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::CurDir => {}
            Component::ParentDir if whole.pop() => {}
            _ => return None,
        }
    }
    Some(whole)
}

#[derive(Debug, PartialEq, Eq)]
struct Link {
    line: usize,
    target: String,
}

/// Lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let start = line.trim_start();
        match fence {
            Some(mark) => {
                if start.starts_with(mark) {
                    fence = None;
                }
                None
            }
            None => {
                fence = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
                fence.is_none().then_some((number, line))
            }
        }
    })
}

/// `[words](target)`, `![words](target)` and `[name]: target`.
fn targets(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let mut add = |target: &str| {
            let target = target.trim().trim_start_matches('<').split([' ', '>']).next().unwrap_or_default();
            if !target.is_empty() {
                found.push(Link { line: number, target: target.to_owned() });
            }
        };
        let mut rest = line.as_str();
        while let Some(start) = rest.find("](") {
            rest = &rest[start + 2..];
            let Some(end) = rest.find(')') else { break };
            add(&rest[..end]);
            rest = &rest[end..];
        }
        if line.starts_with('[')
            && let Some((_, target)) = line.split_once("]: ")
        {
            add(target);
        }
    }
    found
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The anchors GitHub makes of the headings, and those written as `<a id="…">`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(text) {
        let heading = line.trim_start_matches('#');
        if heading.len() < line.len() && heading.starts_with(' ') {
            let slug = slug(heading);
            let again = (1..).map(|number| format!("{slug}-{number}"));
            let free = std::iter::once(slug.clone()).chain(again).find(|name| !found.contains(name));
            found.extend(free);
        }
        if let Some((_, id)) = line.split_once("<a id=\"") {
            found.extend(id.split('"').next().map(str::to_owned));
        }
    }
    found
}

fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> BTreeMap<PathBuf, String> {
        BTreeMap::from([
            ("README.md".into(), "# Title\n## What is ready, and what is not\n## Twice\n## Twice\n".to_owned()),
            ("docs/a.md".into(), "# A\n<a id=\"here\"></a>\n```\n# no heading\n```\n".to_owned()),
        ])
    }

    fn why(page: &str, target: &str) -> Option<String> {
        let pages = pages();
        judge(Path::new(page), target, &pages, &|path| pages.contains_key(path) || path == Path::new("LICENSE"))
    }

    #[test]
    fn good_links_pass() {
        for target in ["docs/a.md", "docs/a.md#here", "#what-is-ready-and-what-is-not", "#twice-1", "LICENSE"] {
            assert_eq!(why("README.md", target), None, "{target}");
        }
        assert_eq!(why("docs/a.md", "../README.md#title"), None);
        assert_eq!(why("docs/a.md", "https://example.com/nowhere#at-all"), None);
    }

    #[test]
    fn bad_links_fail() {
        assert_eq!(why("README.md", "docs/b.md").unwrap(), "no such file");
        assert_eq!(why("docs/a.md", "../../outside.md").unwrap(), "leads out of the tree");
        assert_eq!(why("README.md", "/etc/passwd").unwrap(), "leads out of the tree");
        assert_eq!(why("README.md", "#twice-2").unwrap(), "README.md has no heading of that name");
        assert_eq!(why("README.md", "docs/a.md#no-heading").unwrap(), "docs/a.md has no heading of that name");
    }

    #[test]
    fn links_are_found() {
        let text = "see [a](x.md) and ![b](<y.png> \"title\"), not `[c](z.md)`\n```\n[d](w.md)\n```\n[e]: v.md\n";
        let found: Vec<_> = targets(text).into_iter().map(|link| (link.line, link.target)).collect();
        assert_eq!(found, [(1, "x.md".to_owned()), (1, "y.png".to_owned()), (5, "v.md".to_owned())]);
    }
}
