//! A document: text in UTF-16 units with the styles that lie on them.

use serde_json::{Map, Value, json};

/// One unit of text. The unit of a line break carries the style of its paragraph as well.
#[derive(Debug, Clone)]
struct Unit {
    code: u16,
    /// What the text looks like, such as `{ "bold": true }`.
    look: Map<String, Value>,
    /// `NORMAL_TEXT`, `HEADING_1` and the like; only read on line breaks.
    paragraph: String,
}

/// A document of the Docs editor. It always ends with a line break, and its first unit has the index 1.
#[derive(Debug, Clone)]
pub(in crate::google_workspace) struct Document {
    units: Vec<Unit>,
    revision: u64,
}

const BREAK: u16 = 0x0a;
const NORMAL: &str = "NORMAL_TEXT";

/// Whether the vendor leaves a character out of what is inserted.
fn is_stripped(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{8}' | '\u{c}'..='\u{1f}' | '\u{e000}'..='\u{f8ff}')
}

impl Document {
    /// A document of this text.
    pub(in crate::google_workspace) fn new(text: &str) -> Self {
        let plain = |code| Unit { code, look: Map::new(), paragraph: NORMAL.to_owned() };
        let mut units: Vec<Unit> = text.replace(is_stripped, "").encode_utf16().map(plain).collect();
        if units.last().is_none_or(|unit| unit.code != BREAK) {
            units.push(plain(BREAK));
        }
        Self { units, revision: 1 }
    }

    /// Goes on counting revisions from another document that it takes the place of.
    pub(in crate::google_workspace) fn follow(&mut self, old: &Self) {
        self.revision = old.revision + 1;
    }

    /// Counts a change.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
    }

    /// Names the state that the document is in.
    pub(in crate::google_workspace) fn revision(&self) -> String {
        format!("ALm37BV{:016x}", self.revision)
    }

    /// All of its text.
    pub(in crate::google_workspace) fn text(&self) -> String {
        let codes: Vec<u16> = self.units.iter().map(|unit| unit.code).collect();
        String::from_utf16_lossy(&codes)
    }

    /// The index behind the last unit.
    pub(super) fn end(&self) -> usize {
        self.units.len() + 1
    }

    /// Puts text in front of the unit at `index`. It looks like what stands before it.
    pub(super) fn insert(&mut self, index: usize, text: &str) -> Result<(), String> {
        if index < 1 || index >= self.end() {
            let end = self.end();
            return Err(format!("Index {index} must be less than the end index of the referenced segment, {end}."));
        }
        let at = index - 1;
        if at > 0 && self.splits_a_pair(at) {
            return Err("The insertion index cannot be within a grapheme cluster.".to_owned());
        }
        let look = match at.checked_sub(1).and_then(|before| self.units.get(before)) {
            Some(before) if before.code != BREAK => before.look.clone(),
            _ => Map::new(),
        };
        let next_break = self.units.iter().skip(at).find(|unit| unit.code == BREAK);
        let paragraph = next_break.map_or_else(|| NORMAL.to_owned(), |unit| unit.paragraph.clone());
        let text = text.replace(is_stripped, "");
        let new = text.encode_utf16().map(|code| Unit { code, look: look.clone(), paragraph: paragraph.clone() });
        self.units.splice(at..at, new);
        Ok(())
    }

    /// Whether the second half of a surrogate pair stands there.
    fn splits_a_pair(&self, at: usize) -> bool {
        self.units.get(at).is_some_and(|unit| (0xdc00..0xe000).contains(&unit.code))
    }

    fn checked(&self, start: usize, end: usize) -> Result<std::ops::Range<usize>, String> {
        if start < 1 || start >= end || end > self.end() {
            return Err(format!("The range [{start}, {end}) is not within the document."));
        }
        if self.splits_a_pair(start - 1) || self.splits_a_pair(end - 1) {
            return Err("The range should not split a surrogate pair.".to_owned());
        }
        Ok(start - 1..end - 1)
    }

    /// Takes the units from `start` up to `end` out.
    pub(super) fn delete(&mut self, start: usize, end: usize) -> Result<(), String> {
        let range = self.checked(start, end)?;
        if range.end == self.units.len() {
            return Err("The range cannot include the newline character at the end of the segment.".to_owned());
        }
        self.units.drain(range);
        Ok(())
    }

    /// Puts another text in the place of every occurrence, and says of how many.
    pub(super) fn replace(&mut self, old: &str, new: &str, match_case: bool) -> usize {
        let fold = |code: u16| {
            let ascii = u8::try_from(code).ok().filter(|_| !match_case);
            ascii.map_or(code, |byte| u16::from(byte.to_ascii_lowercase()))
        };
        let old: Vec<u16> = old.encode_utf16().map(fold).collect();
        let (mut at, mut count) = (0, 0);
        while !old.is_empty() && at + old.len() <= self.units.len() {
            let here = self.units.iter().skip(at).take(old.len()).map(|unit| fold(unit.code));
            // The last line break stays, whatever is looked for.
            if !here.eq(old.iter().copied()) || at + old.len() == self.units.len() {
                at += 1;
                continue;
            }
            let first = self.units.get(at).cloned();
            let (look, paragraph) = first.map_or_else(Default::default, |unit| (unit.look, unit.paragraph));
            let new: Vec<Unit> = new
                .encode_utf16()
                .map(|code| Unit { code, look: look.clone(), paragraph: paragraph.clone() })
                .collect();
            let added = new.len();
            self.units.splice(at..at + old.len(), new);
            at += added;
            count += 1;
        }
        count
    }

    /// Changes what a range of text looks like: the named fields, to null where the style does not say.
    pub(super) fn look(
        &mut self,
        start: usize,
        end: usize,
        style: &Map<String, Value>,
        fields: &[&str],
    ) -> Result<(), String> {
        let range = self.checked(start, end)?;
        let wanted = |name: &str| fields.contains(&"*") || fields.contains(&name);
        for unit in self.units.iter_mut().take(range.end).skip(range.start) {
            unit.look.retain(|name, _| !wanted(name));
            unit.look.extend(style.iter().filter(|(name, _)| wanted(name)).map(|(n, v)| (n.clone(), v.clone())));
        }
        Ok(())
    }

    /// Changes the style of every paragraph that a range touches.
    pub(super) fn paragraph(&mut self, start: usize, end: usize, named: &str) -> Result<(), String> {
        let range = self.checked(start, end)?;
        // The paragraph that holds the last unit ends behind the range.
        let last = self.units.iter().skip(range.end - 1).position(|unit| unit.code == BREAK);
        let stop = last.map_or(self.units.len(), |behind| range.end + behind);
        for unit in self.units.iter_mut().take(stop).skip(range.start).filter(|unit| unit.code == BREAK) {
            named.clone_into(&mut unit.paragraph);
        }
        Ok(())
    }

    /// The body as the vendor shows it: a section break, then paragraphs of runs.
    pub(super) fn body(&self) -> Value {
        let mut content = vec![json!({
            "endIndex": 1,
            "sectionBreak": {
                "sectionStyle": {
                    "columnSeparatorStyle": "NONE",
                    "contentDirection": "LEFT_TO_RIGHT",
                    "sectionType": "CONTINUOUS",
                },
            },
        })];
        let mut at = 1;
        for units in self.units.split_inclusive(|unit| unit.code == BREAK) {
            content.push(paragraph(units, at));
            at += units.len();
        }
        json!({ "content": content })
    }
}

fn paragraph(units: &[Unit], start: usize) -> Value {
    let mut at = start;
    let mut elements = Vec::new();
    for run in units.chunk_by(|one, next| one.look == next.look) {
        let codes: Vec<u16> = run.iter().map(|unit| unit.code).collect();
        let look = run.first().map(|unit| unit.look.clone()).unwrap_or_default();
        elements.push(json!({
            "startIndex": at,
            "endIndex": at + run.len(),
            "textRun": { "content": String::from_utf16_lossy(&codes), "textStyle": look },
        }));
        at += run.len();
    }
    let named = units.last().map_or(NORMAL, |unit| unit.paragraph.as_str());
    json!({
        "startIndex": start,
        "endIndex": at,
        "paragraph": {
            "elements": elements,
            "paragraphStyle": { "namedStyleType": named, "direction": "LEFT_TO_RIGHT" },
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Document;

    #[test]
    fn indexes_count_utf16_units() {
        let mut document = Document::new("a😀b");
        assert_eq!(document.end(), 6);
        document.insert(4, "\u{7}x\u{e000}").unwrap();
        assert_eq!(document.text(), "a😀xb\n");
        assert!(document.insert(3, "y").is_err(), "inside of a pair");
        assert!(document.insert(0, "y").is_err());
        assert!(document.insert(7, "y").is_err());
        document.insert(6, "!").unwrap();
        assert_eq!(document.text(), "a😀xb!\n");
        document.delete(2, 4).unwrap();
        assert_eq!(document.text(), "axb!\n");
        assert!(document.delete(1, 6).is_err(), "the last line break stays");
    }

    #[test]
    fn styles_make_runs_and_paragraphs() {
        let mut document = Document::new("Title\nsome text");
        document.paragraph(2, 3, "HEADING_1").unwrap();
        let style = json!({ "bold": true, "italic": true }).as_object().cloned().unwrap();
        document.look(7, 11, &style, &["bold"]).unwrap();
        let body = document.body();
        assert_eq!(body["content"][1]["paragraph"]["paragraphStyle"]["namedStyleType"], "HEADING_1");
        assert_eq!(body["content"][2]["paragraph"]["paragraphStyle"]["namedStyleType"], "NORMAL_TEXT");
        let runs = &body["content"][2]["paragraph"]["elements"];
        assert_eq!(runs[0]["textRun"], json!({ "content": "some", "textStyle": { "bold": true } }));
        assert_eq!((&runs[1]["startIndex"], &runs[1]["endIndex"]), (&json!(11), &json!(17)));
    }

    #[test]
    fn text_is_replaced_everywhere() {
        let mut document = Document::new("Name, name; NAME");
        assert_eq!(document.replace("name", "Ann", false), 3);
        assert_eq!(document.text(), "Ann, Ann; Ann\n");
        assert_eq!(document.replace("ann", "x", true), 0);
        assert_eq!(document.replace("\n", "x", true), 0);
    }
}
