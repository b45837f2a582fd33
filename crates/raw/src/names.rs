//! Names as people type them, made comparable: what looks the same is the same.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// A name in Unicode's form C, with a plain space for each other white space (such as U+00A0), without characters that
/// nobody sees (such as U+200B), and without spaces around it. Names that look the same are the same then.
pub fn plain_name(name: &str) -> Cow<'_, str> {
    if name.is_ascii() && !name.contains(|letter: char| letter.is_ascii_control()) {
        return Cow::Borrowed(name.trim());
    }
    let letters: Vec<char> = name.chars().collect();
    let seen = letters.iter().enumerate().filter(|(place, letter)| {
        // Joiners shape emoji and the letters of some scripts; between others they are not seen.
        let is_shaping = matches!(letter, '\u{200c}' | '\u{200d}')
            && *place > 0
            && [place - 1, place + 1].iter().all(|beside| {
                letters
                    .get(*beside)
                    .is_some_and(|beside| !beside.is_ascii())
            });
        is_shaping || !is_invisible(**letter)
    });
    let spaced: String = seen
        .map(|(_, letter)| if letter.is_whitespace() { ' ' } else { *letter })
        .collect();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&spaced);
    Cow::Owned(composed.trim().to_owned())
}

/// Characters of format without a width: soft hyphens, joiners, marks of direction, a byte order mark within a text.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (typed, plain) in [
            (" Checkout ", "Checkout"),
            ("Cafe\u{301}", "Café"),
            ("Payment\u{a0}API", "Payment API"),
            ("\u{feff}Login\u{200b}", "Login"),
            ("Bad\u{200d} deploy", "Bad deploy"),
            ("dev 👩\u{200d}💻", "dev 👩\u{200d}💻"),
            ("two\twords", "two words"),
            ("", ""),
        ] {
            assert_eq!(plain_name(typed), plain, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_name_stays_as_it_is(name in "\\PC{0,20}") {
            let plain = plain_name(&name).into_owned();
            prop_assert_eq!(plain_name(&plain), plain.as_str());
        }
    }
}
