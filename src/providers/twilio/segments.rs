//! How many parts an SMS is sent and charged in: <https://www.twilio.com/docs/glossary/what-sms-character-limit>.

/// The most characters a message body may have.
pub(super) const LONGEST: usize = 1600;

/// GSM 03.38's basic alphabet, beyond what ASCII shares with it.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Its second table: each of these takes two places.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Places a character takes in GSM-7; `None` if it is not in the alphabet.
fn places(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || BASIC.contains(c) {
        Some(1)
    } else if EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// The number of segments: GSM-7 160 characters, or 153 each in parts; UCS-2 70 and 67. A character that takes two
/// places is never torn between two parts.
pub fn segments(body: &str) -> u32 {
    let gsm: Option<Vec<usize>> = body.chars().map(places).collect();
    match gsm {
        Some(sizes) => count(&sizes, 160, 153),
        None => count(&body.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

fn count(sizes: &[usize], one: usize, part: usize) -> u32 {
    if sizes.iter().sum::<usize>() <= one {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > part {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_the_edges() {
        for (body, expected) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // 152 + 2 does not fit into 153: the euro sign moves to the next part.
            (format!("{}€{}", "a".repeat(152), "a".repeat(151)), 2),
            (format!("{}€{}", "a".repeat(152), "a".repeat(152)), 3),
            ("я".repeat(70), 1),
            ("я".repeat(71), 2),
            ("я".repeat(134), 2),
            ("я".repeat(135), 3),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
            // Thirty-three pairs fit into 67 units.
            ("😀".repeat(67), 3),
            ("é\n@".to_owned(), 1),
        ] {
            assert_eq!(segments(&body), expected, "{} characters", body.chars().count());
        }
    }

    proptest::proptest! {
        #[test]
        fn more_text_is_never_fewer_segments(a in "\\PC{0,200}", b in "\\PC{0,200}") {
            let longer = a.clone() + &b;
            proptest::prop_assert!(segments(&longer) >= segments(&a));
        }
    }
}
