//! Numbers in words: `1,250 customers were affected`. Which words belong to which number is in the guide. An
//! approximate or hypothetical number is left to a person.

/// A number in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    /// Its digits; as it is written where it is no whole number, such as `5%` and `12k`.
    pub(crate) value: String,
    /// Whether the text says that it is this number and no other.
    pub(crate) is_exact: bool,
}

/// Stands for the number in the words of a guide.
const NUMBER: &str = "#";

/// Words in front of a number that is approximate, or only a part.
const ABOUT: [&str; 24] = [
    "about",
    "additional",
    "almost",
    "another",
    "approximately",
    "around",
    "circa",
    "estimated",
    "first",
    "further",
    "least",
    "most",
    "nearly",
    "of",
    "or",
    "other",
    "over",
    "remaining",
    "roughly",
    "some",
    "than",
    "to",
    "under",
    "~",
];

/// Words of a sentence about what did not happen, or may not have.
const SUPPOSED: [&str; 6] = ["expected", "if", "might", "unless", "whether", "would"];

/// All numbers of a text that stands under a label.
pub(crate) fn all(text: &str) -> Vec<Count> {
    let words = words(text);
    let numbers = (0..words.len()).filter(|place| has_digit(&words[*place]));
    numbers.map(|place| count(&words, place)).collect()
}

/// The numbers of a sentence that stand where one of these phrases has `#`. A word between the number and what it counts,
/// as in `1,250 paying customers`, may make it a number of something else.
pub(crate) fn in_sentence<'p>(
    sentence: &str,
    phrases: impl Iterator<Item = &'p str>,
) -> Vec<Count> {
    let words = words(sentence);
    let is_supposed = words.iter().any(|word| SUPPOSED.contains(&word.as_str()));
    let mut counts = Vec::new();
    for phrase in phrases {
        let phrase: Vec<&str> = phrase.split_whitespace().collect();
        for start in 0..words.len() {
            let Some((place, is_close)) = number_of(&words[start..], &phrase) else {
                continue;
            };
            let mut count = count(&words, start + place);
            count.is_exact &= is_close && !is_supposed;
            counts.push(count);
        }
    }
    counts
}

/// Where the number of a phrase is among the words that begin with it, and whether nothing else stands behind the number.
fn number_of(words: &[String], phrase: &[&str]) -> Option<(usize, bool)> {
    let number = phrase.iter().position(|word| *word == NUMBER)?;
    let fits = |gap: usize| {
        phrase.iter().enumerate().all(|(place, wanted)| {
            let place = place + if place > number { gap } else { 0 };
            words.get(place).is_some_and(|word| match *wanted {
                NUMBER => has_digit(word),
                wanted => word == wanted,
            })
        })
    };
    let gap = (0..=1).find(|gap| fits(*gap))?;
    Some((number, gap == 0))
}

fn count(words: &[String], place: usize) -> Count {
    let word = &words[place];
    let before = |back: usize| place.checked_sub(back).map(|place| words[place].as_str());
    let is_about = before(1).is_some_and(|word| ABOUT.contains(&word));
    // Between 200 and 300.
    let is_range = before(1) == Some("and") && before(2).is_some_and(has_digit);
    match whole(word) {
        Some(value) => Count {
            value,
            is_exact: !is_about && !is_range,
        },
        None => Count {
            value: word.clone(),
            is_exact: false,
        },
    }
}

/// The digits of a whole number, with commas between thousands or without.
fn whole(word: &str) -> Option<String> {
    let groups: Vec<&str> = word.split(',').collect();
    let is_digits =
        |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = groups.len() == 1
        || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
    (groups.iter().all(is_digits) && is_grouped).then(|| groups.concat())
}

/// The words in lower case, without the signs around them that do not change a number.
fn words(text: &str) -> Vec<String> {
    let is_sign = |c: char| !c.is_alphanumeric() && !"%+<>~≈±".contains(c);
    let words = text
        .split_whitespace()
        .map(|word| word.trim_matches(is_sign).to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

fn has_digit(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(counts: &[Count]) -> String {
        let counts: Vec<String> = counts
            .iter()
            .map(|count| format!("{}{}", count.value, if count.is_exact { "" } else { "?" }))
            .collect();
        counts.join(" ")
    }

    #[test]
    fn numbers_under_a_label() {
        for (text, expected) in [
            ("1,250", "1250"),
            ("250 customers.", "250"),
            ("about 250", "250?"),
            ("~250", "~250?"),
            ("250+", "250+?"),
            ("12k", "12k?"),
            ("5%", "5%?"),
            ("1.2 million", "1.2?"),
            ("12,50", "12,50?"),
            ("between 200 and 300", "200 300?"),
            ("200-300", "200-300?"),
            ("many", ""),
        ] {
            assert_eq!(shown(&all(text)), expected, "{text}");
        }
    }

    #[test]
    fn numbers_in_a_sentence() {
        let phrases = ["# customers were affected", "affected # customers"];
        for (sentence, expected) in [
            ("In all, 1,250 customers were affected.", "1250"),
            ("This affected 12 customers for an hour.", "12"),
            ("Up to 1,250 customers were affected.", "1250?"),
            ("Between 200 and 300 customers were affected.", "300?"),
            ("250 paying customers were affected.", "250?"),
            ("If 250 customers were affected, we would call.", "250?"),
            ("5% customers were affected", "5%?"),
            ("5% of customers were affected", "5%?"),
            ("12 of 300 customers were affected.", "300?"),
            ("Another 300 customers were affected.", "300?"),
            ("300 customers were not affected.", ""),
            ("1.2 million customers were affected", "1.2?"),
            ("On 1 May 2026 customers were told.", ""),
            ("# customers were affected", ""),
        ] {
            assert_eq!(
                shown(&in_sentence(sentence, phrases.into_iter())),
                expected,
                "{sentence}"
            );
        }
    }
}
