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

/// Graph knows a drive by who has it and by its id; the document has the operations of the second.
/// <https://learn.microsoft.com/graph/api/resources/drive>
pub fn as_documented(provider: &str, path: &str) -> String {
    let owners = ["/v1.0/users/*/drive", "/v1.0/groups/*/drive", "/v1.0/sites/*/drive"];
    let rest = owners.iter().filter(|_| provider == "microsoft365").find_map(|owner| fits(owner, path));
    match rest.filter(|rest| !rest.is_empty()) {
        Some(rest) => format!("/v1.0/drives/a-drive{rest}"),
        None => path.to_owned(),
    }
}
