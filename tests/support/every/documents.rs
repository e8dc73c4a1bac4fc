//! Which requests the vendors' published documents have, and by which names.

use super::vendor;

/// Whether a path, or the beginning of one, is that of a pattern, and what comes after it. `*` is any segment, `*:` any
/// that ends so.
fn fits<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    let mut rest = path;
    for part in pattern.split('/').skip(1) {
        rest = rest.strip_prefix('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        let same = match part {
            "*" => true,
            "*:" => rest[..end].ends_with(':'),
            part => part == &rest[..end],
        };
        if !same {
            return None;
        }
        rest = &rest[end..];
    }
    Some(rest)
}

/// Whether the vendor's documents leave this request out.
pub fn is_left_out(provider: &str, method: &str, path: &str) -> bool {
    vendor(provider).undocumented.iter().any(|left_out| {
        let (which, pattern) = left_out.split_once(' ').unwrap();
        ["*", method].contains(&which) && fits(pattern, path) == Some("")
    })
}

/// The path by which the vendor's documents know it.
pub fn as_documented(provider: &str, path: &str) -> String {
    let below = |(alias, documented): &(&str, &str)| {
        let rest = fits(alias, path).filter(|rest| !rest.is_empty())?;
        Some(format!("{documented}{rest}"))
    };
    vendor(provider).aliases.iter().find_map(below).unwrap_or_else(|| path.to_owned())
}
