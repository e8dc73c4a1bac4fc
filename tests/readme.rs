//! The README's example in Rust is the crate's own, which is compiled: word for word.
#![allow(missing_docs, reason = "tests")]

/// The first block of code that begins so.
fn block<'a>(text: &'a str, begins: &str) -> Vec<&'a str> {
    let after = text.split(begins).nth(1).unwrap_or_else(|| panic!("no block begins with {begins:?}"));
    after.lines().skip(1).take_while(|line| !line.ends_with("```")).collect()
}

#[test]
fn the_readmes_example_is_the_one_that_is_compiled() {
    let tour = block(include_str!("../src/lib.rs"), "//! ```no_run");
    let shown = tour.iter().map(|line| line.strip_prefix("//! ").unwrap_or_default());
    let shown: Vec<_> = shown.filter(|line| !line.starts_with("# ")).collect();
    assert!(shown.len() > 10, "{shown:?}");
    assert_eq!(block(include_str!("../README.md"), "```rust"), shown);
}
