//! Which raw files a machine loads, where several load at once.

use xxhash_rust::xxh3::xxh3_64;

/// A part of all raw files: the `number`th of `of`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    of: u64,
}

impl Shard {
    /// All raw files.
    pub const ALL: Self = Self { number: 1, of: 1 };

    /// Reads `2/8`. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected which part of how many, such as `2/8`";
        let (number, of) = text.split_once('/').ok_or(expected)?;
        let whole = |part: &str| part.parse::<u64>().map_err(|_| expected.to_owned());
        match (whole(number)?, whole(of)?) {
            (number, of) if (1..=of).contains(&number) && of <= 10_000 => Ok(Self { number, of }),
            _ => Err(expected.to_owned()),
        }
    }

    /// Whether a file with this id is in it.
    pub(crate) fn has(self, id: FileId) -> bool {
        id.0 % self.of == self.number - 1
    }
}

/// What the names of a raw file's files in the lake begin with: the hash of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileId(u64);

impl FileId {
    pub(crate) fn of(path: &str) -> Self {
        Self(xxh3_64(path.as_bytes()))
    }

    /// The id that a name begins with, hidden or not.
    pub(crate) fn in_name(name: &str) -> Option<Self> {
        let digits = name.trim_start_matches('.').get(..16)?;
        u64::from_str_radix(digits, 16).ok().map(Self)
    }
}

impl std::fmt::Display for FileId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=3)
            .map(|number| Shard::parse(&format!("{number}/3")).unwrap())
            .collect();
        for path in ["a", "raw_data/x/1.ndjson", "raw_data/x/2.ndjson", "ü"] {
            let id = FileId::of(path);
            assert_eq!(shards.iter().filter(|shard| shard.has(id)).count(), 1);
            assert!(Shard::ALL.has(id));
            assert_eq!(FileId::in_name(&format!(".{id}-12.parquet")), Some(id));
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in [
            "", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1/99999",
        ] {
            let expected = "expected which part of how many, such as `2/8`";
            assert_eq!(Shard::parse(text), Err(expected.to_owned()), "{text}");
        }
    }
}
