//! Names that become parts of paths: types that cannot lead out of their folder.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

/// The name of a file or a folder: one component of a path, never a path. It is not hidden, leads nowhere else, and is
/// a name on every system that people may carry the folder to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// The name of a stream, which is also that of its folders `raw_data/<stream>/` and `rejects/<stream>/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(FileName);

/// The name of a source, with which those of its streams and its setting `…_BASE_URL` begin: small letters, digits and
/// `_`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(String);

/// The longest name in bytes, so that an ending can still be added to it (most file systems allow 255).
const LONGEST: usize = 200;

/// Names that Windows keeps for devices, besides `COM1` to `COM9` and `LPT1` to `LPT9`
/// (learn.microsoft.com/windows/win32/fileio/naming-a-file).
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

impl FileName {
    /// Takes a name, or says what was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
        if let Some(found) = text.chars().find(|c| refused(*c)) {
            let found = found.escape_default();
            return Err(format!("expected a name without `{found}`, not a path"));
        }
        if text.is_empty() || text.starts_with('.') || text.trim() != text || text.ends_with('.') {
            return Err(
                "expected a name that neither begins nor ends with a dot or a space".into(),
            );
        }
        let stem = text.split('.').next().unwrap_or(text).to_uppercase();
        let numbered = stem.strip_suffix(|digit: char| matches!(digit, '1'..='9'));
        if DEVICES.contains(&stem.as_str()) || matches!(numbered, Some("COM" | "LPT")) {
            return Err(format!(
                "expected a name that Windows does not reserve, as it does `{stem}`"
            ));
        }
        if text.len() > LONGEST {
            return Err(format!("expected a name of at most {LONGEST} bytes"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl StreamName {
    /// Takes a name, or says what was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        FileName::parse(text).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SourceName {
    /// Takes a name, or says what was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        match is_plain(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(PLAIN.to_owned()),
        }
    }
}

/// What a plain name is.
pub(crate) const PLAIN: &str = "expected small letters, digits and `_`, beginning with a letter";

/// Whether a name is plain: it needs no quotes in SQL, on a command line or in a setting.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain)
}

impl Deref for SourceName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl Deref for FileName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for StreamName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl PartialEq<str> for StreamName {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<String> for StreamName {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_names_and_paths_are_not() {
        for good in ["shop_users", "Our incidents", "größe-2", "a.b"] {
            assert_eq!(StreamName::parse(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(LONGEST + 1);
        for bad in [
            "",
            ".",
            "..",
            "/srv/x",
            "a/b",
            "../x",
            "a\\b",
            "C:x",
            ".hidden",
            "a\0b",
            "a\nb",
            " a",
            "a ",
            "a.",
            "a*",
            long.as_str(),
        ] {
            assert!(StreamName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sources_have_plain_names() {
        for good in ["shop", "status_page2"] {
            assert_eq!(SourceName::parse(good).as_deref(), Ok(good));
        }
        for bad in ["", "Shop", "2nd", "_x", "a-b", "a/b", "ä"] {
            assert!(SourceName::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_never_leads_out_of_its_folder(text in any::<String>()) {
            if let Ok(name) = FileName::parse(&text) {
                let components: Vec<_> = Path::new(&*name).components().collect();
                prop_assert!(matches!(components[..], [Component::Normal(_)]));
                let path = Path::new("folder").join(&*name);
                prop_assert_eq!(path.parent(), Some(Path::new("folder")));
            }
        }
    }
}
