//! The words of a document. <https://developers.google.com/workspace/docs/api/samples/extract-text>

use serde_json::{Map, Value};

use super::objects::Document;

/// All of them, in their order.
pub(super) fn of(document: &Document) -> String {
    let mut out = String::new();
    if let Some(body) = &document.body {
        content(body, &mut out);
    }
    for tab in document.tabs.iter().flatten() {
        each_part(tab, &mut |part| part.get("body").into_iter().for_each(|body| content(body, &mut out)));
    }
    out
}

/// The same with what stands outside of the body: headers, footers and footnotes.
pub(super) fn everywhere(document: &Document) -> String {
    let mut out = of(document);
    margins(&document.more, &mut out);
    for tab in document.tabs.iter().flatten() {
        each_part(tab, &mut |part| margins(part, &mut out));
    }
    out
}

fn margins(holder: &Map<String, Value>, out: &mut String) {
    for name in ["headers", "footers", "footnotes"] {
        for one in holder.get(name).and_then(Value::as_object).into_iter().flat_map(Map::values) {
            content(one, out);
        }
    }
}

/// What a tab and those below it hold, in their order.
fn each_part(tab: &Value, visit: &mut dyn FnMut(&Map<String, Value>)) {
    if let Some(part) = tab.get("documentTab").and_then(Value::as_object) {
        visit(part);
    }
    for child in list(tab, "childTabs") {
        each_part(child, visit);
    }
}

/// The words below something that has a `content`: a body, a cell, a table of contents.
fn content(holder: &Value, out: &mut String) {
    for element in list(holder, "content") {
        for run in element.get("paragraph").into_iter().flat_map(|paragraph| list(paragraph, "elements")) {
            if let Some(text) = run.pointer("/textRun/content").and_then(Value::as_str) {
                out.push_str(text);
            }
        }
        for row in element.get("table").into_iter().flat_map(|table| list(table, "tableRows")) {
            for cell in list(row, "tableCells") {
                content(cell, out);
            }
        }
        if let Some(contents) = element.get("tableOfContents") {
            content(contents, out);
        }
    }
}

fn list<'a>(holder: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    holder.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paragraph(text: &str) -> Value {
        json!({ "paragraph": { "elements": [{ "textRun": { "content": text } }, { "pageBreak": {} }] } })
    }

    #[test]
    fn words_of_paragraphs_tables_and_tabs() {
        let table = json!({ "table": { "tableRows": [{ "tableCells": [
            { "content": [paragraph("a\n")] }, { "content": [paragraph("b\n")] },
        ] }] } });
        let document =
            Document { body: Some(json!({ "content": [paragraph("One\n"), table] })), ..Document::default() };
        assert_eq!(of(&document), "One\na\nb\n");
        let tabs = json!([{
            "documentTab": { "body": { "content": [paragraph("first\n")] } },
            "childTabs": [{ "documentTab": { "body": { "content": [paragraph("child\n")] } } }],
        }]);
        let document: Document = serde_json::from_value(json!({ "tabs": tabs })).unwrap();
        assert_eq!(of(&document), "first\nchild\n");
        let margin = |text: &str| json!({ "m.1": { "content": [paragraph(text)] } });
        let tabs = json!([{
            "documentTab": { "body": { "content": [paragraph("body\n")] }, "headers": margin("head\n") },
            "childTabs": [{ "documentTab": { "footers": margin("foot\n"), "footnotes": margin("note\n") } }],
        }]);
        let document: Document = serde_json::from_value(json!({ "tabs": tabs })).unwrap();
        assert_eq!((of(&document).as_str(), everywhere(&document).as_str()), ("body\n", "body\nhead\nfoot\nnote\n"));
        assert_eq!(of(&Document::default()), "");
    }
}
