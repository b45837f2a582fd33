//! The header `Link` (RFC 8288, section 3): where the next page is.
//!
//! A header that cannot be read is not the same as no header: there may be more pages then.

use percent_encoding::{AsciiSet, percent_encode};

/// What an answer says of the next page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Next {
    /// There is none.
    #[default]
    None,
    /// It is at this address, absolute or relative.
    At(String),
    /// It says something that cannot be understood.
    Unclear(String),
}

/// What the lines of the header say together: several lines are one list (RFC 9110, section 5.3). A link that is marked
/// `results="false"` leads nowhere.
pub fn next<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Next {
    let mut targets: Vec<String> = Vec::new();
    for line in lines {
        let mut scanner = Scanner { rest: line };
        let links = match scanner.links() {
            Ok(links) => links,
            Err(expected) => {
                let shown = String::from_utf8_lossy(line);
                let shown: String = shown.escape_debug().take(80).collect();
                let at = line.len() - scanner.rest.len() + 1;
                return Next::Unclear(format!(
                    "the header `Link` cannot be understood: expected {expected} at byte {at} of `{shown}`"
                ));
            }
        };
        for link in links {
            if link.leads_on() && !targets.contains(&link.target) {
                targets.push(link.target);
            }
        }
    }
    match (targets.pop(), targets.is_empty()) {
        (None, _) => Next::None,
        (Some(target), true) => Next::At(target),
        (Some(_), false) => Next::Unclear("the header `Link` names several next pages".to_owned()),
    }
}

struct Link {
    target: String,
    parameters: Vec<(String, String)>,
}

impl Link {
    /// The first parameter of a name counts (RFC 8288, section 3.3).
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn leads_on(&self) -> bool {
        let relations = self.parameter("rel").unwrap_or_default();
        let mut relations = relations.split_ascii_whitespace();
        relations.any(|relation| relation.eq_ignore_ascii_case("next"))
            && self.parameter("results") != Some("false")
    }
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    /// A list of links; its elements may be empty. The error says what was expected.
    fn links(&mut self) -> Result<Vec<Link>, &'static str> {
        let mut links = Vec::new();
        loop {
            while self.takes(b',') {}
            if self.rest.is_empty() {
                return Ok(links);
            }
            links.push(self.link()?);
            if !self.rest.is_empty() && !self.takes(b',') {
                return Err("`,` or `;`");
            }
        }
    }

    fn link(&mut self) -> Result<Link, &'static str> {
        if !self.takes(b'<') {
            return Err("`<`");
        }
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == b'>')
            .ok_or("`>`")?;
        let target = encoded(self.rest[..end].trim_ascii());
        self.rest = &self.rest[end + 1..];
        let mut parameters = Vec::new();
        while self.takes(b';') {
            let name = self.word();
            if name.is_empty() {
                // An empty parameter is allowed, a value without a name is not.
                if self.takes(b'=') {
                    return Err("the name of a parameter");
                }
                continue;
            }
            let value = match self.takes(b'=') {
                true => self.value()?,
                false => String::new(),
            };
            parameters.push((name.to_ascii_lowercase(), value));
        }
        Ok(Link { target, parameters })
    }

    fn value(&mut self) -> Result<String, &'static str> {
        if !self.takes(b'"') {
            return Ok(self.word());
        }
        let mut value = Vec::new();
        let mut bytes = self.rest.iter().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.rest = &self.rest[at + 1..];
                    self.skip_space();
                    return Ok(String::from_utf8_lossy(&value).into_owned());
                }
                b'\\' => value.extend(bytes.next().map(|(_, byte)| *byte)),
                _ => value.push(*byte),
            }
        }
        Err("`\"` at the end of a value")
    }

    /// A name or a value without quotes.
    fn word(&mut self) -> String {
        self.skip_space();
        let ends = |byte: &u8| {
            byte.is_ascii_whitespace() || matches!(byte, b';' | b',' | b'=' | b'"' | b'<')
        };
        let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.skip_space();
        String::from_utf8_lossy(word).into_owned()
    }

    fn takes(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let found = self.rest.first() == Some(&wanted);
        if found {
            self.rest = &self.rest[1..];
            // Inside quotes space counts.
            if wanted != b'"' {
                self.skip_space();
            }
        }
        found
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

/// An address in ASCII: other bytes are percent-encoded as they came, which is what UTF-8 needs (RFC 3987, section 3.1).
fn encoded(target: &[u8]) -> String {
    percent_encode(target, &AsciiSet::EMPTY).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(lines: &[&str]) -> Next {
        next(lines.iter().map(|line| line.as_bytes()))
    }

    fn at(target: &str) -> Next {
        Next::At(target.to_owned())
    }

    #[test]
    fn links_are_read_with_and_without_results() {
        let cases = [
            (
                r#"<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last""#,
                at("https://a/x?page=2"),
            ),
            (
                r#"<https://a/x?page=1>; rel="prev first", <https://a/x?a=1,2&page=3>; rel=next"#,
                at("https://a/x?a=1,2&page=3"),
            ),
            (
                r#"<https://a/?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", <https://a/?cursor=0:100:0>; rel="next"; results="true"; cursor="0:100:0""#,
                at("https://a/?cursor=0:100:0"),
            ),
            (
                r#"<https://a/?cursor=0:100:0>; rel="next"; results="false"; cursor="0:100:0""#,
                Next::None,
            ),
            (r#"<https://a/x?page=1>; rel="prev""#, Next::None),
            ("", Next::None),
            (" , ,", Next::None),
        ];
        for (header, expected) in cases {
            assert_eq!(of(&[header]), expected, "{header}");
        }
        assert_eq!(of(&[]), Next::None);
    }

    /// The examples of RFC 8288, section 3.5, and what its grammar allows.
    #[test]
    fn the_grammar_is_that_of_the_rfc() {
        let cases = [
            (
                r#"<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter""#,
                Next::None,
            ),
            (r#"</>; rel="http://example.net/foo""#, Next::None),
            (
                r#"</TheBook/chapter2>; rel="previous"; title*=UTF-8'de'letztes%20Kapitel, </TheBook/chapter4>; rel="next"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel"#,
                at("/TheBook/chapter4"),
            ),
            (
                r#"<http://example.org/>; rel="start http://example.net/relation/other""#,
                Next::None,
            ),
            (
                r#"<https://example.org/>; rel="start", <https://example.org/index>; rel="index""#,
                Next::None,
            ),
            // Quoted `;`, `,`, `"` and `>`; names and relations in any case; space wherever it is allowed.
            (
                r#"</a>; title="a; rel=\"prev\", <b>"; REL="Next""#,
                at("/a"),
            ),
            ("<x>;rel=next;", at("x")),
            ("  < /a >  ;  rel = \"next\"  ,", at("/a")),
            ("</a>; foo; rel=next", at("/a")),
            // The first of several counts.
            (r#"</a>; rel="prev"; rel="next""#, Next::None),
            ("<>; rel=next", at("")),
            (
                "</b\u{e9}?q=ü>; title=\"é\"; rel=next",
                at("/b%C3%A9?q=%C3%BC"),
            ),
        ];
        for (header, expected) in cases {
            assert_eq!(of(&[header]), expected, "{header}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [
            r#"<https://a/css>; rel="preload""#,
            r#"<https://a/?page=2>; rel="next""#,
        ];
        assert_eq!(of(&lines), at("https://a/?page=2"));
        assert_eq!(of(&[lines[1], lines[0], lines[1]]), at("https://a/?page=2"));
        let one_is_broken = [lines[0], "nonsense"];
        assert!(matches!(of(&one_is_broken), Next::Unclear(_)));
    }

    #[test]
    fn bytes_that_are_no_text_at_all_are_kept() {
        let header = [
            b"</caf".as_slice(),
            &[0xE9],
            b">; rel=next; title=\"",
            &[0xFF],
            b"\"",
        ]
        .concat();
        assert_eq!(next([header.as_slice()].into_iter()), at("/caf%E9"));
    }

    #[test]
    fn what_cannot_be_read_is_never_no_more() {
        for header in [
            r#"<https://a/x; rel="next""#,
            r#"https://a/x; rel="next""#,
            r#"<https://a/x>; rel="next"#,
            r#"<https://a/x> rel="next""#,
            r#"<https://a/x>; ="next""#,
            r#"<a>; rel=next, <b>; rel=next"#,
            "{}",
        ] {
            assert!(
                matches!(of(&[header]), Next::Unclear(_)),
                "{header}: {:?}",
                of(&[header])
            );
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = next([bytes.as_slice()].into_iter());
        }

        #[test]
        fn what_is_written_by_the_grammar_is_found(
            path in "[a-z0-9/?&=,;%:._-]{0,20}",
            title in r#"[ -!#-\[\]-~]{0,12}"#,
            before in any::<bool>(),
        ) {
            let other = "<https://a/first>; rel=\"first\"; title=\"x, <y>; rel=next\"";
            let link = format!("<{path}>; title=\"{title}\"; rel=\"next\"");
            let header = if before { format!("{other}, {link}") } else { format!("{link}, {other}") };
            prop_assert_eq!(of(&[&header]), Next::At(path));
        }
    }
}
