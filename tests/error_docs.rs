//! `docs/errors.md` is generated from the table of codes: this test fails when it is not what the table says.

use std::fmt::Write;

use sis_integrations::ErrorCode;

#[test]
fn the_page_of_error_codes_is_the_table() {
    let mut page = String::from(
        "# Error codes\n\n\
         <!-- Generated from src/error.rs: UPDATE_GOLDEN=1 cargo test --test error_docs -->\n\n\
         Every error, in every language and over REST, carries one of these codes. A name and its number keep their \
         meaning for\never; a number is never given to another code. An older binding sees a code it does not know as \
         `internal`.\n\n\
         | code | number | HTTP status | meaning |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let (name, number, status) = (code.name(), code.number(), code.http_status());
        writeln!(page, "| `{name}` | {number} | {status} | {} |", code.explanation()).unwrap();
    }
    page.push_str(
        "\n## Whether to repeat a call\n\n\
         | `retry` | meaning |\n|---|---|\n\
         | `never` | Repeating changes nothing: something has to be mended first. |\n\
         | `after` | Repeat after `retryAfterMs`; over REST the header `Retry-After` says it in seconds. |\n\
         | `exhausted` | The library has repeated it itself until its attempts or the deadline ran out. |\n\
         | `unknown` | It may have happened. Look before you repeat. |\n",
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/errors.md is not what src/error.rs says; run UPDATE_GOLDEN=1 cargo test --test error_docs"
    );
}
