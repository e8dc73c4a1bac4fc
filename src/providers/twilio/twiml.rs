//! TwiML that speaks a text: <https://www.twilio.com/docs/voice/twiml/say>.

use std::fmt::Write;

/// The longest TwiML a request takes.
pub(super) const LONGEST: usize = 4000;

/// TwiML that speaks `text` so many times.
pub(super) fn say(text: &str, times: u8, language: Option<&str>, voice: Option<&str>) -> String {
    let mut out = String::from("<Response><Say");
    let looped = (times > 1).then(|| times.to_string());
    for (name, value) in [("loop", looped.as_deref()), ("language", language), ("voice", voice)] {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = write!(out, " {name}=\"{}\"", escape(value));
        }
    }
    let _ = write!(out, ">{}</Say></Response>", escape(text));
    out
}

/// As text between tags or quotes. Characters that XML 1.0 does not have are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        assert_eq!(say("Hello", 1, None, None), "<Response><Say>Hello</Say></Response>");
        assert_eq!(
            say("</Say><Dial>+1</Dial> & \"x\"\u{0}\n", 2, Some("es-MX"), Some("a\" b")),
            "<Response><Say loop=\"2\" language=\"es-MX\" voice=\"a&quot; b\">&lt;/Say&gt;&lt;Dial&gt;+1&lt;/Dial&gt; \
             &amp; &quot;x&quot; </Say></Response>"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_tag(text in "[\\PC\u{0}-\u{1f}]{0,80}") {
            let twiml = say(&text, 1, None, None);
            proptest::prop_assert_eq!(twiml.matches('<').count(), 4);
            proptest::prop_assert_eq!(twiml.matches('>').count(), 4);
        }
    }
}
