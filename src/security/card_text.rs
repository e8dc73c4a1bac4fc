//! Card numbers and security codes within a text.

use std::borrow::Cow;

/// Signs between the groups of a number as people write it; a number never runs on over more than this many.
const LONGEST_GAP: usize = 3;

/// Words that stand close to a card's number, with nothing between.
const BEFORE: &[&str] =
    &["visa", "mastercard", "mc", "amex", "discover", "diners", "jcb", "card", "cc", "pan", "number", "no", "nr"];
const BEHIND: &[&str] = &["exp", "expires", "cvc", "cvv", "visa", "mastercard", "amex"];

/// The first digits of Maestro's numbers, which have any length.
const MAESTRO: &[u32] = &[5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763];

/// What a security code is called in a text. "Security code" alone is also what opens a school's door.
const CODES: &[&str] = &["cvc", "cvc2", "cvv", "cvv2"];

/// A run of digits, by where it stands.
#[derive(Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
}

impl Group {
    fn len(self) -> usize {
        self.end - self.start
    }
}

/// Whether the text holds a card's number: 13 to 19 digits in one group, or in groups as they stand on a card, that begin
/// like one of the card networks' and pass the Luhn check (ISO/IEC 7812-1). Whatever numbers stand before and behind it.
pub(super) fn holds_number(text: &str) -> bool {
    let text = &*folded(text);
    let mut run: Vec<Group> = Vec::new();
    for (at, sign) in text.char_indices() {
        if sign.is_ascii_digit() {
            match run.last_mut() {
                Some(group) if group.end == at => group.end += 1,
                Some(group) if slice(text, group.end, at).chars().count() > LONGEST_GAP => {
                    if run_holds_number(text, &run) {
                        return true;
                    }
                    run = vec![Group { start: at, end: at + 1 }];
                }
                _ => run.push(Group { start: at, end: at + 1 }),
            }
        } else if !is_separator(sign) && !run.is_empty() {
            if run_holds_number(text, &run) {
                return true;
            }
            run.clear();
        }
    }
    run_holds_number(text, &run)
}

/// Whether the text names a security code and says it: `cvc: 123`.
pub(super) fn holds_code(text: &str) -> bool {
    let text = &*folded(text);
    if !text.as_bytes().windows(2).any(|pair| pair.eq_ignore_ascii_case(b"cv")) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        if CODES.iter().any(|name| word.strip_prefix(name).is_some_and(is_code)) {
            return true;
        }
        if CODES.contains(&word) {
            while words.next_if(|word| matches!(*word, "is" | "code" | "number" | "no" | "nr")).is_some() {}
            if words.peek().is_some_and(|word| is_code(word)) {
                return true;
            }
        }
    }
    false
}

/// Whether this is three or four digits.
pub(super) fn is_code(text: &str) -> bool {
    matches!(text.len(), 3 | 4) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text with the digits that phones and keyboards of other scripts write as ASCII's.
fn folded(text: &str) -> Cow<'_, str> {
    let digit = |sign: char| {
        let zero = match sign {
            '\u{660}'..='\u{669}' => 0x660,
            '\u{6f0}'..='\u{6f9}' => 0x6f0,
            '\u{966}'..='\u{96f}' => 0x966,
            '\u{ff10}'..='\u{ff19}' => 0xff10,
            _ => return None,
        };
        char::from_digit(sign as u32 - zero, 10)
    };
    if text.is_ascii() || !text.chars().any(|sign| digit(sign).is_some()) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|sign| digit(sign).unwrap_or(sign)).collect()
}

fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

fn is_separator(sign: char) -> bool {
    sign.is_whitespace()
        || matches!(sign, '-' | '.' | '/' | '_' | '\u{200b}'..='\u{200d}' | '\u{2010}'..='\u{2015}' | '\u{2060}' | '\u{2212}' | '\u{feff}')
}

/// Looks at each row of neighbouring groups.
fn run_holds_number(text: &str, run: &[Group]) -> bool {
    if run.iter().map(|group| group.len()).sum::<usize>() < 13 {
        return false;
    }
    let phone = telephone(text, run);
    (0..run.len()).any(|from| {
        let mut digits = Vec::with_capacity(20);
        let mut lengths = Vec::with_capacity(8);
        for (to, group) in run.iter().enumerate().skip(from) {
            digits.extend(slice(text, group.start, group.end).bytes().map(|digit| digit - b'0'));
            lengths.push(group.len());
            if digits.len() > 19 {
                return false;
            }
            let whole = from == 0 && to + 1 == run.len();
            if to >= phone && is_written_so(&lengths, whole) && is_card(&digits) && stands_free(text, run, from, to) {
                return true;
            }
        }
        false
    })
}

/// How many groups from the first on are a telephone number: those of one that begins with `+`, of at most fifteen digits
/// (E.164), and the first in any case.
fn telephone(text: &str, run: &[Group]) -> usize {
    let Some(first) = run.first().filter(|first| slice(text, 0, first.start).ends_with('+')) else { return 0 };
    let mut digits = first.len();
    let more = run.iter().skip(1).take_while(|group| {
        digits += group.len();
        digits <= 15
    });
    1 + more.count()
}

/// Whether a card's number is written in such groups. Telephone numbers and dates, one behind the other, are not.
fn is_written_so(lengths: &[usize], whole: bool) -> bool {
    match lengths {
        [_] | [4, 6, 4 | 5] | [4, 3, 3, 3] => true,
        [first, between @ .., last] if *first >= 3 && between.iter().all(|length| length == first) && last <= first => {
            true
        }
        // Thirteen digits in groups of all kinds are a telephone number without its plus.
        _ => whole && lengths.iter().all(|length| (3..=6).contains(length)) && lengths.iter().sum::<usize>() > 13,
    }
}

/// Whether the groups begin and end as a number does: not within a word, an id or a decimal fraction.
fn stands_free(text: &str, run: &[Group], from: usize, to: usize) -> bool {
    let (Some(first), Some(last)) = (run.get(from), run.get(to)) else { return false };
    let (before, behind) = (slice(text, 0, first.start), slice(text, last.end, text.len()));
    let fraction =
        from > 0 && before.strip_suffix('.').is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()));
    !fraction && free(before, BEFORE, true) && free(behind, BEHIND, false)
}

/// Whether what touches the number is no letter, or one of these words and nothing else.
fn free(beside: &str, words: &[&str], before: bool) -> bool {
    let inside = |sign: char| sign.is_alphanumeric() || sign == '_';
    let word = match before {
        true => &beside[beside.trim_end_matches(inside).len()..],
        false => &beside[..beside.len() - beside.trim_start_matches(inside).len()],
    };
    if before && word.is_empty() && beside.ends_with('+') {
        return false;
    }
    // Of `my_card_4242…` the word is `card`; an id such as `in_4242…` has one that is not known.
    let word = word.trim_matches('_');
    let word = if before { word.rsplit('_').next() } else { word.split('_').next() }.unwrap_or_default();
    word.is_empty() || words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn is_card(digits: &[u8]) -> bool {
    if !(13..=19).contains(&digits.len()) || !network(digits) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| match (at % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether the number begins and is as long as one of Visa, Mastercard, Maestro, American Express, Discover, JCB or
/// Diners.
fn network(digits: &[u8]) -> bool {
    let first = |count: usize| digits.iter().take(count).fold(0u32, |number, &digit| number * 10 + u32::from(digit));
    let length = digits.len();
    match first(2) {
        34 | 37 => length == 15,
        40..=49 => matches!(length, 13 | 16 | 19),
        51..=55 => length == 16,
        36 | 38 | 39 | 30 => matches!(length, 14..=19),
        35 => (3528..=3589).contains(&first(4)) && (16..=19).contains(&length),
        60 | 62 | 64 | 65 => (16..=19).contains(&length),
        50 | 58 | 63 | 67 => MAESTRO.contains(&first(4)),
        22..=27 => (2221..=2720).contains(&first(4)) && length == 16,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    const CARDS: &[&str] = &[
        "6759649826438453",
        "4242424242424242",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "3530111333300000",
        "36227206271667",
        "4222222222222",
    ];

    #[test]
    fn a_number_is_found_whatever_stands_next_to_it() {
        for text in [
            "4242 4242 4242 4242 12/28",
            "4242424242424242 12/28 123",
            "Pay 7 4242424242424242",
            "378282246310005 1228",
            "3782 822463 10005 12 28",
            "4242.4242.4242.4242",
            "4242\u{a0}4242\u{a0}4242\u{a0}4242",
            "4242  4242  4242  4242",
            "4242 - 4242 - 4242 - 4242",
            "4242\u{2013}4242\u{2013}4242\u{2013}4242",
            "424242424242 4242",
            "4242_4242_4242_4242",
            "4242\u{200b}4242\u{200b}4242\u{200b}4242",
            "my_card_4242424242424242",
            "\u{ff14}\u{ff12}\u{ff14}\u{ff12}42424242\u{664}\u{662}\u{664}\u{662}",
            "6759 6498 2643 8453",
            "VISA4242424242424242",
            "visa 4242424242424242exp 12/28",
            "1 4242 4242 4242 4242 2",
            "(4242424242424242)",
            "+1 415 555 2671 4242 4242 4242 4242",
        ] {
            assert!(holds_number(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_none() {
        for text in [
            "4242424242424241",
            "+4242424242424242",
            "SM4242424242424242",
            "pi_4242424242424242",
            "pi_live_4242424242424242",
            "5712345678901233",
            "4242424242424242ab",
            "42424242424242424242424242",
            "1732473812345",
            "555 123 4567",
            "2026-11-24 19:03:32",
            // These would pass the Luhn check if taken together.
            "25-11-2026 27-11-2026",
            "0.4242424242424242",
            "4242.4242424242424",
            "978-3-16-148410-0",
        ] {
            assert!(!holds_number(text), "{text}");
        }
    }

    #[test]
    fn a_code_is_found_by_its_name() {
        for text in ["cvc 123", "CVV: 1234", "the cvc code is 123", "cvv2=123", "CVC123", "4242, cvc 999."] {
            assert!(holds_code(text), "{text}");
        }
        for text in ["cvc", "cvc 12", "cvc 12345", "cvc check passed", "room 123 cvc", "scvc 123"] {
            assert!(!holds_code(text), "{text}");
        }
    }

    /// A number of a network's, right by Luhn.
    fn card() -> impl Strategy<Value = String> {
        let begin = select(vec![("4", 16), ("4", 19), ("51", 16), ("55", 16), ("37", 15), ("6011", 16), ("2221", 16)]);
        (begin, proptest::collection::vec(0u8..10, 19)).prop_map(|((begin, length), fill)| {
            let mut digits: Vec<u8> = begin.bytes().map(|byte| byte - b'0').collect();
            digits.extend(fill.into_iter().take(length - 1 - digits.len()));
            digits.push(0);
            let right = (0..10).find(|last| {
                digits[length - 1] = *last;
                is_card(&digits)
            });
            digits[length - 1] = right.unwrap();
            digits.iter().map(|digit| char::from(b'0' + digit)).collect()
        })
    }

    proptest! {
        #[test]
        fn every_card_among_other_numbers_is_found(
            number in card(),
            known in select(CARDS),
            gap in select(vec!["", " ", "-", ".", "  ", "\u{a0}", " - "]),
            before in select(vec!["", "7 ", "Pay 25.00 by ", "12/28 ", "visa ", "555-0134 ", "VISA", "nr. ", "2026 "]),
            behind in select(vec!["", " 12/28", " 12/28 123", " 1228", ".", " 7", " 4242", "-99", " exp", ", 90210"]),
        ) {
            for number in [number.as_str(), known] {
                let groups: Vec<_> = match number.len() {
                    15 => vec![&number[..4], &number[4..10], &number[10..]],
                    14 => vec![&number[..4], &number[4..10], &number[10..]],
                    13 => vec![&number[..4], &number[4..7], &number[7..10], &number[10..]],
                    _ => number.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect(),
                };
                let text = format!("{before}{}{behind}", groups.join(gap));
                prop_assert!(holds_number(&text), "{}", text);
            }
        }

        #[test]
        fn what_schools_write_is_let_through(
            text in select(vec![
                r"\+[1-9][0-9]{6,14}",
                r"\+1 [2-9][0-9]{2} [0-9]{3} [0-9]{4}",
                r"\+4[0-9] [0-9]{3} [0-9]{3} [0-9]{4}",
                r"\([2-9][0-9]{2}\) 555-[0-9]{4} x[0-9]{2,4}",
                r"[2-9][0-9]{2}-555-[0-9]{4} [2-9][0-9]{2}-555-[0-9]{4}",
                r"97[89]-[0-9]-[0-9]{2}-[0-9]{6}-[0-9]",
                r"97[89][0-9]{10}",
                r"(pi|cus|ch|sub|evt)_[0-9A-Za-z]{24}",
                r"(SM|AC|MG)[0-9a-f]{32}",
                r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                r"[0-3][0-9]-[01][0-9]-20[0-9]{2} - [0-3][0-9]-[01][0-9]-20[0-9]{2}",
                r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z",
                r"-?[0-9]{2}\.[0-9]{13,15},-?[0-9]{2}\.[0-9]{13,15}",
                r"1[0-9]{12}", r"1[0-9]{15}", r"1[0-9]{18}", r"[0-9]{1,12}", r"1[0-9]{20}",
                r"\$[0-9]{1,5}\.[0-9]{2} of \$[0-9]{1,5}\.[0-9]{2}",
            ]).prop_flat_map(|form| proptest::string::string_regex(form).unwrap())
        ) {
            prop_assert!(!holds_number(&text) && !holds_code(&text), "{}", text);
            let said = format!("Call {text} by 12/28, room 204");
            prop_assert!(!holds_number(&said), "{}", said);
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = (holds_number(&text), holds_code(&text));
        }
    }
}
