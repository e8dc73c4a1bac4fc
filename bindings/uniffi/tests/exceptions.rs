//! The exceptions of Python are generated from the table of codes, and the file in git is what the table says.

use std::{fmt::Write, fs, path::Path};

use sis_integrations::ErrorCode;

const HEAD: &str = r#""""One exception for each code of the library's table.

Generated from it: run `UPDATE_GOLDEN=1 cargo test -p sis-integrations-uniffi` after a change there.
"""

from ._base import SisError

"#;

fn class(code: ErrorCode) -> String {
    code.name()
        .split('_')
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}

fn module() -> String {
    let mut text = HEAD.to_owned();
    let names = ErrorCode::ALL.iter().map(|code| class(*code));
    text.push_str("__all__ = [\n    \"BY_CODE\",\n    \"SisError\",\n");
    for name in names {
        writeln!(text, "    \"{name}\",").unwrap();
    }
    text.push_str("]\n");
    for code in ErrorCode::ALL {
        let class = class(*code);
        let words = code.explanation().replace("`retry` says", "`retry_after_ms` says");
        write!(text, "\n\nclass {class}(SisError):\n    \"\"\"{words}\"\"\"\n").unwrap();
    }
    text.push_str("\n\n#: The exception of each code. A code that is not here, of a later version, raises `SisError` itself.\n");
    text.push_str("BY_CODE: dict[str, type[SisError]] = {\n");
    for code in ErrorCode::ALL {
        writeln!(text, "    \"{}\": {},", code.name(), class(*code)).unwrap();
    }
    text.push_str("}\n");
    text
}

#[test]
fn the_exceptions_of_python_are_the_table_of_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/sis_integrations/exceptions.py");
    let expected = module();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is not what the table of codes says: run again with UPDATE_GOLDEN=1", path.display());
}
