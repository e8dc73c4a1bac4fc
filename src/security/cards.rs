use crate::error::{Error, ErrorCode, Result};

/// Refuses arguments that hold a card number: 13 to 19 digits in a row, spaces and hyphens between them not counted,
/// that begin like one of the card networks' and pass the Luhn check (ISO/IEC 7812-1). PCI DSS: what never enters need
/// not be guarded.
///
/// A telephone number (`+` before it) is not looked at.
pub fn refuse_card_data(arguments: &[u8]) -> Result<()> {
    let mut digits: Vec<u8> = Vec::with_capacity(20);
    let mut before = 0u8;
    let mut phone = false;
    for &byte in arguments.iter().chain(b"\"") {
        match byte {
            b'0'..=b'9' => {
                if digits.is_empty() {
                    // A number within a word or an id is no card number.
                    phone = before == b'+' || before.is_ascii_alphabetic() || before == b'_';
                }
                digits.push(byte - b'0');
            }
            b' ' | b'-' if !digits.is_empty() && before.is_ascii_digit() => {}
            _ => {
                // A space before the next word ended the number already.
                let within_word = byte.is_ascii_alphabetic() && before.is_ascii_digit();
                if !phone && !within_word && is_card(&digits) {
                    return Err(Error::new(
                        ErrorCode::CardDataRefused,
                        "an argument looks like a card number; pass a payment method that the vendor's own page has made",
                    ));
                }
                digits.clear();
            }
        }
        before = byte;
    }
    Ok(())
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

/// Whether the number begins and is as long as one of Visa, Mastercard, American Express, Discover, JCB or Diners.
fn network(digits: &[u8]) -> bool {
    let first = |count: usize| digits[..count].iter().fold(0u32, |number, &digit| number * 10 + u32::from(digit));
    let length = digits.len();
    match first(2) {
        34 | 37 => length == 15,
        40..=49 => matches!(length, 13 | 16 | 19),
        51..=55 => length == 16,
        36 | 38 | 39 | 30 => matches!(length, 14..=19),
        35 => (3528..=3589).contains(&first(4)) && (16..=19).contains(&length),
        60 | 62 | 64 | 65 => (16..=19).contains(&length),
        22..=27 => (2221..=2720).contains(&first(4)) && length == 16,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_refused_and_other_numbers_pass() {
        for card in
            ["4242424242424242", "4242 4242 4242 4242", "5555-5555-5555-4444", "378282246310005", "6011111111111117"]
        {
            let arguments = format!(r#"{{"note":"pay with {card} please"}}"#);
            assert_eq!(
                refuse_card_data(arguments.as_bytes()).unwrap_err().code(),
                ErrorCode::CardDataRefused,
                "{card}"
            );
            assert!(refuse_card_data(format!(r#"{{"n":{}}}"#, card.replace([' ', '-'], "")).as_bytes()).is_err());
        }
        for other in [
            "4242424242424241",
            "+4242424242424242",
            "SM4242424242424242",
            "1732473812345",
            "555 123 4567",
            "2026-11-24 19:03:32",
        ] {
            refuse_card_data(format!(r#"{{"note":"{other}"}}"#).as_bytes()).unwrap();
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(0u8.., 0..300)) {
            let _ = refuse_card_data(&bytes);
        }
    }
}
