//! Query files: a header of comments, then one select.

use std::ops::Range;
use std::sync::Arc;

use diagnostics::{Diagnostic, Source, nearest};

use crate::chart::Chart;
use crate::sentence::{Condition, Sentence, condition};
use crate::{File, Word};

/// The parts of the page, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Group {
    /// What customers noticed.
    Customers,
    /// Pages: what interrupted people.
    Pages,
    /// The load on people.
    People,
    /// What is learned from incidents.
    Learning,
    /// Monitors, errors and ownership.
    Watching,
    /// Whether the numbers can be trusted.
    Data,
    /// Questions of the project's own that name no other.
    #[default]
    More,
}

/// Columns that name people.
#[derive(Debug, Clone, PartialEq)]
pub struct People {
    /// The columns.
    pub columns: Vec<String>,
    /// In which rows they name people: all of these conditions hold.
    pub conditions: Vec<Condition>,
}

impl People {
    /// `user_id, user_name`, or `name where kind = person`; several parted by `;`.
    fn parse(text: &str) -> Result<Vec<Self>, String> {
        let one = |part: &str| {
            let (columns, conditions) = match part.split_once(" where ") {
                Some((columns, conditions)) => (
                    columns,
                    conditions
                        .split(" and ")
                        .map(condition)
                        .collect::<Result<_, _>>()?,
                ),
                None => (part, Vec::new()),
            };
            let columns = columns.split(',').map(|column| column.trim().to_owned());
            Ok(Self {
                columns: columns.collect(),
                conditions,
            })
        };
        text.split(';').map(one).collect()
    }
}

impl Group {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Customers,
        Self::Pages,
        Self::People,
        Self::Learning,
        Self::Watching,
        Self::Data,
        Self::More,
    ];

    /// The word for it in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Pages => "pages",
            Self::People => "people",
            Self::Learning => "learning",
            Self::Watching => "watching",
            Self::Data => "data",
            Self::More => "more",
        }
    }

    /// `customers`, or `customers 3` for the third place in it.
    fn parse(text: &str) -> Result<(Self, u32), String> {
        let (name, place) = text.split_once(' ').unwrap_or((text, ""));
        let found = Self::ALL.into_iter().find(|group| group.name() == name);
        let known = || Self::ALL.map(Self::name).join(", ");
        let group = found.ok_or_else(|| {
            format!(
                "`{name}` is not a part of the page: expected one of {}",
                known()
            )
        })?;
        let place = match place {
            "" => u32::MAX,
            number => number
                .parse()
                .map_err(|_| format!("`{number}` is no place in `{name}`: expected a number"))?,
        };
        Ok((group, place))
    }
}

/// The header keys that mean something.
const KEYS: &[&str] = &[
    "title", "question", "grain", "meaning", "misleads", "people", "group", "sentence", "period",
    "chart", "columns",
];

/// One question to the database.
#[derive(Debug, Clone)]
pub struct Query {
    /// The file's name without its ending; the CSV is called the same.
    pub name: String,
    /// A few words, for headings.
    pub title: String,
    /// What it answers, as a person would ask it.
    pub question: String,
    /// What one row is.
    pub grain: String,
    /// How it is computed, in words.
    pub meaning: String,
    /// How it can mislead.
    pub misleads: String,
    /// The tables whose rows are counted: the answer's period is from their first row to the newest that is known of them.
    pub period: Vec<Word>,
    /// Its columns, in order, each with what it means.
    pub columns: Vec<(Word, String)>,
    /// The columns that name people, in which rows: what a page without names hides.
    pub people: Vec<People>,
    /// Under which heading of the page it stands, and at which place there; those without a place come last.
    pub group: (Group, u32),
    /// The sentence that its answer is put in.
    pub sentence: Sentence,
    /// How to draw it.
    pub chart: Chart,
    /// The whole text: the header is SQL comments.
    pub sql: String,
    /// Where it was written.
    pub source: Arc<Source>,
}

/// One key of the header, and the comments that belong to it.
pub(crate) struct Entry<'t> {
    pub(crate) key: &'t str,
    lines: Vec<Line<'t>>,
}

/// A comment, or what follows the key in it.
struct Line<'t> {
    text: &'t str,
    /// Where the text begins in the file.
    start: usize,
    /// The spaces before it; none behind a key.
    indent: usize,
}

/// Reads the header; what the SQL says is for the engine to judge.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Option<Query> {
    let source = &file.source;
    let header = header(source, KEYS, faults);
    let entry = |key: &str| header.iter().find(|entry| entry.key == key);
    let take = |key: &str| entry(key).map_or(String::new(), Entry::text);
    let title = take("title");
    advise(source, &title, &take("grain"), faults);
    Some(Query {
        name: file.stem().to_owned(),
        title: if title.is_empty() {
            file.stem().replace('_', " ")
        } else {
            title
        },
        question: take("question"),
        grain: take("grain"),
        meaning: take("meaning"),
        misleads: take("misleads"),
        period: entry("period").map_or(Vec::new(), Entry::list),
        columns: entry("columns").map_or(Vec::new(), |entry| columns(entry, source, faults)),
        people: understood(
            entry("people"),
            "query-people",
            source,
            faults,
            People::parse,
        ),
        group: understood(entry("group"), "query-group", source, faults, Group::parse),
        sentence: understood(
            entry("sentence"),
            "query-sentence",
            source,
            faults,
            Sentence::parse,
        ),
        chart: understood(entry("chart"), "query-chart", source, faults, Chart::parse),
        sql: source.text.clone(),
        source: Arc::clone(source),
    })
}

/// Warns of what a question should have.
fn advise(source: &Source, title: &str, grain: &str, faults: &mut Vec<Diagnostic>) {
    if title.is_empty() {
        faults.push(
            Diagnostic::warning(
                "query-without-title",
                format!("`{}` has no title", source.path),
            )
            .hint("begin the file with `-- title: A few words`"),
        );
    }
    if grain.is_empty() {
        faults.push(
            Diagnostic::warning(
                "query-without-grain",
                format!("`{}` does not say what one row is", source.path),
            )
            .hint("say it in the header: `-- grain: one row per …`"),
        );
    }
    if !source.text.to_lowercase().contains("order by") {
        faults.push(
            Diagnostic::warning("query-without-order", format!("`{}` has no `order by`", source.path))
                .hint("end it with an `order by` over all that tells rows apart, so that its CSV is the same from run to run"),
        );
    }
}

impl Entry<'_> {
    pub(crate) fn text(&self) -> String {
        let words: Vec<&str> = self.lines.iter().map(|line| line.text).collect();
        words.join(" ").trim().to_owned()
    }

    /// Names with commas between them.
    pub(crate) fn list(&self) -> Vec<Word> {
        let mut names = Vec::new();
        for line in &self.lines {
            let mut start = line.start;
            for part in line.text.split_inclusive(',') {
                let name = part.trim_end_matches(',').trim();
                if !name.is_empty() {
                    let at = start + part.len() - part.trim_start().len();
                    names.push(word(name, at));
                }
                start += part.len();
            }
        }
        names
    }
}

/// What an entry says; a fault if it cannot be understood, and then what an entry that is not there says.
pub(crate) fn understood<T: Default>(
    entry: Option<&Entry>,
    code: &'static str,
    source: &Arc<Source>,
    faults: &mut Vec<Diagnostic>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> T {
    let Some(entry) = entry else {
        return T::default();
    };
    parse(&entry.text()).unwrap_or_else(|message| {
        let ends = entry.lines.first().zip(entry.lines.last());
        let span = ends.map_or(0..0, |(first, last)| {
            first.start..last.start + last.text.len()
        });
        faults.push(Diagnostic::warning(code, message).at(source, span, ""));
        T::default()
    })
}

fn word(text: &str, start: usize) -> Word {
    Word {
        text: text.to_owned(),
        span: start..start + text.len(),
    }
}

/// The comments at the beginning of a file, by key.
pub(crate) fn header<'t>(
    source: &'t Arc<Source>,
    keys: &[&str],
    faults: &mut Vec<Diagnostic>,
) -> Vec<Entry<'t>> {
    let mut header: Vec<Entry> = Vec::new();
    let mut offset = 0;
    for whole in source.text.split_inclusive('\n') {
        let start = offset;
        offset += whole.len();
        let Some(comment) = whole.trim().strip_prefix("--") else {
            if whole.trim().is_empty() {
                continue;
            }
            break;
        };
        let indent = comment.len() - comment.trim_start().len();
        let text_start = start + whole.find("--").unwrap_or(0) + 2 + indent;
        let comment = comment.trim();
        match comment.split_once(':') {
            // A continued line is set in by at least two spaces.
            Some((key, value)) if is_key(key) && indent < 2 => {
                if !keys.contains(&key) {
                    faults.push(unknown_key(
                        source,
                        keys,
                        key,
                        start..start + whole.trim_end().len(),
                    ));
                }
                let text = value.trim();
                let line = Line {
                    text,
                    start: text_start + comment.len() - value.trim_start().len(),
                    indent: 0,
                };
                header.push(Entry {
                    key,
                    lines: vec![line],
                });
            }
            _ => {
                if let Some(entry) = header.last_mut() {
                    entry.lines.push(Line {
                        text: comment,
                        start: text_start,
                        indent,
                    });
                }
            }
        }
    }
    header
}

/// `name: what it means`, one column a line; a line that is set in further goes on with it.
fn columns(
    entry: &Entry,
    source: &Arc<Source>,
    faults: &mut Vec<Diagnostic>,
) -> Vec<(Word, String)> {
    let mut columns: Vec<(Word, String)> = Vec::new();
    let mut outermost = None;
    for line in entry.lines.iter().filter(|line| !line.text.is_empty()) {
        let is_new = line.indent == 0 || line.indent <= *outermost.get_or_insert(line.indent);
        match (line.text.split_once(':'), columns.last_mut()) {
            (Some((name, meaning)), _)
                if is_new && line.indent > 0 && is_column(name) && !meaning.trim().is_empty() =>
            {
                columns.push((word(name, line.start), meaning.trim().to_owned()));
            }
            (_, Some((_, meaning))) if !is_new => {
                meaning.push(' ');
                meaning.push_str(line.text);
            }
            _ => faults.push(
                Diagnostic::warning("query-columns", "this line describes no column").at(
                    source,
                    line.start..line.start + line.text.len(),
                    "expected `name: what it means`, and what goes on with it set in further",
                ),
            ),
        }
    }
    columns
}

fn unknown_key(source: &Arc<Source>, keys: &[&str], key: &str, span: Range<usize>) -> Diagnostic {
    let fault = Diagnostic::warning(
        "query-unknown-key",
        format!("`{key}` is not a header key here"),
    )
    .at(source, span, format!("expected one of {}", keys.join(", ")));
    match nearest(key, keys.iter().copied()) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault,
    }
}

/// A column's name has no spaces; a sentence has.
fn is_column(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_whitespace)
}

/// A header key is one lower-case word at the start of its comment; other colons are prose.
fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Query, Vec<Diagnostic>) {
        let file = File::built_in("queries/q.sql", text);
        let mut faults = Vec::new();
        (parse(&file, &mut faults).unwrap(), faults)
    }

    #[test]
    fn the_header_is_read_and_continued() {
        let (query, faults) = read(
            "-- title: T\n-- grain: one\n-- question: why\n--   note: indeed?\nselect 1 order by 1 -- grain: no",
        );
        assert_eq!(faults, []);
        assert_eq!((query.title.as_str(), query.grain.as_str()), ("T", "one"));
        assert_eq!(query.question, "why note: indeed?");
    }

    #[test]
    fn the_period_and_the_columns_point_at_their_places() {
        let text = "-- title: T\n-- grain: one\n-- period: Incidents,  Pages\n-- columns:\n--   name: who\n--     else: nobody\n--   n_pages: how many\nselect 1 order by 1";
        let (query, faults) = read(text);
        assert_eq!(faults, []);
        let period: Vec<&str> = query
            .period
            .iter()
            .map(|word| &text[word.span.clone()])
            .collect();
        assert_eq!(period, ["Incidents", "Pages"]);
        let columns: Vec<(&str, &str)> = query
            .columns
            .iter()
            .map(|(word, meaning)| (&text[word.span.clone()], meaning.as_str()))
            .collect();
        assert_eq!(
            columns,
            [("name", "who else: nobody"), ("n_pages", "how many")]
        );
    }

    #[test]
    fn a_line_that_describes_no_column_is_named() {
        let (query, faults) = read(
            "-- title: T\n-- grain: one row per x\n-- columns: all\n--   a: one\n--   b\n--   in words: no\n--   c:\nselect 1 order by 1",
        );
        assert_eq!(query.columns.len(), 1);
        let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["query-columns"; 4]);
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let (_, faults) = read("-- titel: T\nselect 1");
        assert_eq!(faults[0].hint.as_deref(), Some("did you mean `title`?"));
        assert_eq!(faults[1].code, "query-without-title");
    }
}
