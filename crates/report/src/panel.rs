//! A panel: a question, its answer in a sentence, the chart, how it misleads, and everything behind it.

use charts::attribute;
use definitions::ChartKind;
use maud::{Markup, html};
use store::Value;

use crate::answer::number;
use crate::drawing::{Drawn, about, dimensions, draw, words};
use crate::phrase::{Phrase, before, say};
use crate::writer::text;
use crate::{Answer, Counted, Page};

/// The most rows of a table on the page.
const ROWS: usize = 500;

/// The most bytes of a table on the page, about: thirty of them are to make a file that can be sent.
const BYTES: usize = 120_000;

/// What the markup of a cell takes besides its text, in bytes, about.
const CELL: usize = 18;

/// The rows and columns of a list that stands in place of a chart.
const LIST: (usize, usize) = (6, 5);

/// A text of so many letters is whole in its title only.
const LONG: usize = 300;

/// The same limit for a list.
const LISTED: usize = 100;

/// A text of so many bytes, such as a moment, stays on one line of a list.
const SHORT: usize = 16;

/// A panel before its place on the page is known.
pub(crate) struct Panel<'p, 'a> {
    answer: &'p Answer<'a>,
    drawn: Option<Drawn>,
}

impl<'p, 'a> Panel<'p, 'a> {
    pub(crate) fn new(answer: &'p Answer<'a>) -> Self {
        let drawn = draw(answer);
        Self { answer, drawn }
    }

    /// Whether it needs the whole width of the page.
    pub(crate) fn is_wide(&self) -> bool {
        let is_empty = self.answer.rows.is_empty();
        self.drawn.as_ref().map_or(!is_empty, |drawn| drawn.is_wide)
    }
}

/// Draws a panel, over the whole width of the page or half of it.
pub(crate) fn panel(panel: &Panel<'_, '_>, is_wide: bool, page: &Page<'_>) -> Markup {
    let answer = panel.answer;
    let query = answer.query;
    let name = &query.name;
    let question = if query.question.is_empty() {
        &query.title
    } else {
        &query.question
    };
    let is_unknown = answer.is_unknown();
    html! {
        article.panel.wide[is_wide] id=(name) data-dimensions=(dimensions(answer).join(" ")) aria-labelledby=(format!("{name}-question")) {
            h3 id=(format!("{name}-question")) { (question) }
            figure {
                figcaption {
                    p.answer { (sentence(answer, is_unknown)) }
                    @if let Some(words) = before(answer, page.before.as_ref()) { p.before { bdi { (words) } } }
                }
                p.nosplit hidden {}
                @if answer.rows.is_empty() {
                    div.empty { p { (why_empty(answer, is_unknown)) } }
                } @else if let Some(drawn) = &panel.drawn {
                    (drawn.chart)
                    @if answer.query.chart.kind == ChartKind::Timeline { (list(answer)) }
                } @else {
                    (list(answer))
                }
                p.none hidden { "Nothing here for this choice." }
            }
            @if !query.misleads.is_empty() {
                p.misleads { b { "How it misleads: " } (with_code(first_sentence(&query.misleads))) }
            }
            (details(answer, question, page))
        }
    }
}

fn sentence(answer: &Answer<'_>, is_unknown: bool) -> Markup {
    if is_unknown {
        return html! { "Not known: nothing was ever fetched or written for this." };
    }
    match say(&answer.query.sentence, answer) {
        Some(phrases) => phrased(&phrases),
        None if answer.rows.is_empty() => html! { "There is nothing." },
        None => html! { b { (count(answer.n_rows, "row")) } "." },
    }
}

/// A sentence with what matters in bold.
pub(crate) fn phrased(phrases: &[Phrase]) -> Markup {
    html! { @for phrase in phrases {
        @if phrase.is_strong { b { bdi { (phrase.words) } } } @else { bdi { (phrase.words) } }
    } }
}

/// The tables that it counts.
fn tables<'q>(answer: &Answer<'q>) -> Vec<&'q str> {
    let tables = answer.query.period.iter();
    tables.map(|table| table.text.as_str()).collect()
}

fn why_empty(answer: &Answer<'_>, is_unknown: bool) -> String {
    let tables = tables(answer);
    let (names, is_one) = (tables.join(", "), tables.len() == 1);
    match (is_unknown, is_one) {
        _ if tables.is_empty() => "The question has no answer.".to_owned(),
        (true, true) => format!("{names} is empty: nothing was loaded into it."),
        (true, false) => format!("{names} are empty: nothing was loaded into them."),
        (false, true) => format!("{names} was looked at, and nothing in it fits."),
        (false, false) => format!("{names} were looked at, and nothing in them fits."),
    }
}

/// The first rows and columns, where no chart is drawn.
fn list(answer: &Answer<'_>) -> Markup {
    let shown: Vec<usize> = (0..answer.columns.len())
        .filter(|place| {
            let name = &answer.columns[*place];
            name != "id" && !name.ends_with("_id") && name != "is_unfinished"
        })
        .take(LIST.1)
        .collect();
    let rows = &answer.rows[..answer.rows.len().min(LIST.0)];
    let more = answer.n_rows - rows.len() as u64;
    html! {
        table.list {
            caption.vh { (answer.query.question) }
            thead { tr { @for place in &shown { th scope="col" class=[is_measure(answer, *place).then_some("r")] { (words(&answer.columns[*place])) } } } }
            tbody { @for row in rows { tr data-about=[attribute(&about(answer, row))] {
                @for place in &shown { (cell(answer, row, *place, charted, LISTED)) }
            } } }
        }
        @if more > 0 { p.note { (count(more, "more row")) " in the table below." } }
    }
}

/// A number in its unit, as in a chart.
fn charted(column: &str, value: &Value) -> String {
    let unit = charts::Unit::of_column(column);
    if column.starts_with("is_")
        && let Some(flag) = number(value)
    {
        return if flag == 0.0 { "no" } else { "yes" }.to_owned();
    }
    match (value, number(value)) {
        // A flag, a place or a year is no measure.
        (Value::Integer(value), _) if unit == charts::Unit::Number => value.to_string(),
        (_, Some(number)) => unit.show(number),
        _ => moment(&text(value)),
    }
}

/// A moment as people read it: `2026-03-01 10:05` for `2026-03-01T10:05:00Z`.
fn moment(text: &str) -> String {
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) if text.len() == 20 && text.ends_with('Z') => {
            format!("{day} {time}")
        }
        _ => text.to_owned(),
    }
}

/// A cell; the style sheet keeps the direction of its text to itself.
fn cell(
    answer: &Answer<'_>,
    row: &[Value],
    place: usize,
    show: fn(&str, &Value) -> String,
    longest: usize,
) -> Markup {
    let value = row.get(place).unwrap_or(&Value::Null);
    let words = show(&answer.columns[place], value);
    let is_long = words.chars().count() > longest;
    html! { td.r[is_measure(answer, place)].short[words.len() <= SHORT && longest == LISTED] {
        @if is_long {
            (words.chars().take(longest).collect::<String>()) "…"
        } @else {
            (words)
        }
    } }
}

/// Whether a column holds numbers, by its first value.
fn is_number(answer: &Answer<'_>, place: usize) -> bool {
    let mut values = answer.rows.iter().filter_map(|row| row.get(place));
    let first = values.find(|value| **value != Value::Null);
    first.is_some_and(|value| number(value).is_some())
}

/// Whether a column holds numbers that are no flags.
fn is_measure(answer: &Answer<'_>, place: usize) -> bool {
    is_number(answer, place) && !answer.columns[place].starts_with("is_")
}

/// The rows that a table on the page has room for.
fn rows_with_room<'r>(answer: &'r Answer<'_>) -> &'r [Vec<Value>] {
    let mut left = BYTES;
    let mut rows = 0;
    for row in answer.rows.iter().take(ROWS) {
        let size: usize = row
            .iter()
            .map(|value| CELL + text(value).len().min(LONG))
            .sum();
        // There is always room for one row.
        if size > left && rows > 0 {
            break;
        }
        left = left.saturating_sub(size);
        rows += 1;
    }
    &answer.rows[..rows]
}

fn details(answer: &Answer<'_>, question: &str, page: &Page<'_>) -> Markup {
    let query = answer.query;
    let rows = rows_with_room(answer);
    let plain = |_: &str, value: &Value| text(value);
    html! {
        details {
            summary { "Table, SQL and source" span.vh { " of: " (question) } }
            div.more {
                @if !query.meaning.is_empty() { p { b { "What it counts. " } (with_code(&query.meaning)) } }
                @if !query.misleads.is_empty() { p { b { "How it misleads. " } (with_code(&query.misleads)) } }
                div.scroll tabindex="0" role="region" aria-label=(format!("Table: {question}")) {
                    table.raw {
                        caption.vh { (question) }
                        thead { tr { @for (place, column) in answer.columns.iter().enumerate() {
                            th scope="col" class=[is_measure(answer, place).then_some("r")] title=[meaning(answer, column)] {
                                button type="button" { (column) }
                            }
                        } } }
                        tbody { @for row in rows { tr data-about=[attribute(&about(answer, row))] {
                            @for place in 0..answer.columns.len() { (cell(answer, row, place, plain, LONG)) }
                        } } }
                    }
                }
                p.note {
                    @if answer.n_rows as usize > rows.len() {
                        "The first " (rows.len()) " of " (count(answer.n_rows, "row")) "; all are in "
                    } @else {
                        (count(answer.n_rows, "row")) ", the same as in "
                    }
                    code { (page.folder) "/" (query.name) ".csv" } "."
                }
                div.acts.js hidden {
                    button type="button" data-do="csv" data-name=(query.name) { "Save these rows as CSV" }
                    button type="button" data-do="sql" { "Copy SQL" }
                }
                details.sql {
                    summary { "SQL" span.vh { " of: " (question) } }
                    pre tabindex="0" role="region" aria-label=(format!("SQL: {question}")) { (query.sql) }
                }
                p { b { "Where it comes from. " } "Query " code { (query.name) } (source(answer)) }
                @for counted in page.counted.iter().filter(|counted| tables(answer).contains(&counted.table.as_str())) {
                    (rows_behind(counted, question))
                }
            }
        }
    }
}

fn meaning<'q>(answer: &Answer<'q>, column: &str) -> Option<&'q str> {
    let described = answer
        .query
        .columns
        .iter()
        .find(|(word, _)| word.text == column);
    described.map(|(_, meaning)| meaning.as_str())
}

fn source(answer: &Answer<'_>) -> String {
    let tables = tables(answer);
    let from = match tables.is_empty() {
        true => String::new(),
        false => format!(", of the tables {}", tables.join(", ")),
    };
    let period = answer.period.clone().unwrap_or_default();
    let period = match (period.from, period.to) {
        (Some(from), Some(to)) => format!(", from {} to {} UTC", moment(&from), moment(&to)),
        (None, Some(to)) => format!(", as of {} UTC", moment(&to)),
        _ => String::new(),
    };
    format!("{from}{period}.")
}

/// The newest rows that an answer counts, each with its raw file and line, and how to have all of them.
fn rows_behind(counted: &Counted, question: &str) -> Markup {
    let table = &counted.table;
    let place = |row: &[Value]| match row {
        [file, line, ..] => format!("{}:{}", text(file), text(line)),
        _ => String::new(),
    };
    let n_more = counted.n_rows.saturating_sub(counted.rows.len() as u64);
    html! {
        details.behind {
            summary { "Rows behind it: " (table) span.vh { ", of: " (question) } }
            @if !counted.rows.is_empty() {
                div.scroll tabindex="0" role="region" aria-label=(format!("Rows of {table} behind: {question}")) {
                    table.places {
                        caption.vh { "Rows of " (table) }
                        thead { tr { th scope="col" { "raw file and line" } @for column in counted.columns.iter().skip(2) { th scope="col" { (column) } } } }
                        tbody { @for row in &counted.rows { tr {
                            td { code { (place(row)) } }
                            @for value in row.iter().skip(2) { td { (text(value).chars().take(LISTED).collect::<String>()) } }
                        } } }
                    }
                }
            }
            p.note {
                @if !counted.rows.is_empty() { "The newest " (counted.rows.len()) " of " (count(counted.n_rows, "row")) ". " }
                @if n_more > 0 { "All " (count(counted.n_rows, "row")) ": " code { (counted.command) } " with" }
            }
            @if n_more > 0 { pre tabindex="0" role="region" aria-label=(format!("SQL of the rows of {table} behind: {question}")) { (counted.sql) } }
        }
    }
}

/// Text with what stands between backticks as code.
pub(crate) fn with_code(words: &str) -> Markup {
    html! { @for (place, part) in words.split('`').enumerate() {
        @if place % 2 == 1 { code { (part) } } @else { (part) }
    } }
}

/// The first sentence of several: what ends in a full stop before a capital letter.
fn first_sentence(words: &str) -> &str {
    let mut ends = words.match_indices(". ").map(|(place, _)| place + 1);
    let end = ends.find(|end| words[end + 1..].starts_with(char::is_uppercase));
    end.map_or(words, |end| &words[..end])
}

/// `1,234 rows`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let shown = charts::Unit::Count.show(number as f64);
    let plural = if number == 1 { "" } else { "s" };
    format!("{shown}\u{a0}{noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::answer;
    use crate::page::tests::{empty, query};

    fn panel(answer: &Answer<'_>, page: &Page<'_>) -> Markup {
        super::panel(&Panel::new(answer), false, page)
    }

    #[test]
    fn a_question_without_an_answer_says_why() {
        let query = query("q", "bar x=a y=b");
        let mut unknown = answer(&query, &["a", "b"], Vec::new());
        assert!(
            panel(&unknown, &empty())
                .into_string()
                .contains("There is nothing.")
        );
        unknown.period = Some(store::Period::default());
        assert!(
            panel(&unknown, &empty())
                .into_string()
                .contains("Not known: nothing was ever")
        );
    }

    #[test]
    fn a_long_answer_is_cut_and_says_where_it_is_whole() {
        let query = query("q", "table");
        let rows: Vec<Vec<Value>> = (0..600).map(|n| vec![Value::Integer(n)]).collect();
        let mut long = answer(&query, &["n"], rows);
        long.n_rows = 1_000_000;
        let html = panel(&long, &empty()).into_string().replace('\u{a0}', " ");
        assert!(
            html.contains("The first 500 of 1,000,000 rows; all are in <code>output/q.csv"),
            "{html}"
        );
        assert_eq!(html.matches("<tr").count(), 2 + 6 + 500);
    }

    #[test]
    fn what_data_says_is_never_markup() {
        let query = query("q", "bar x=a y=n_b");
        let hostile = "</script><img src=x onerror=alert(1)>\u{2028}";
        let rows = vec![vec![Value::Text(hostile.into()), Value::Integer(1)]];
        let html = panel(&answer(&query, &["a", "n_b"], rows), &empty()).into_string();
        assert!(
            !html.contains("<img") && !html.contains("</script>"),
            "{html}"
        );
        let long = "x".repeat(10_000);
        let rows = vec![vec![Value::Text(long), Value::Integer(1)]];
        assert!(
            panel(&answer(&query, &["a", "n_b"], rows), &empty())
                .into_string()
                .len()
                < 40_000
        );
    }

    #[test]
    fn the_rows_behind_it_have_their_places() {
        let mut query = query("q", "table");
        let word = |text: &str| definitions::Word {
            text: text.to_owned(),
            ..Default::default()
        };
        query.period = vec![word("Pages")];
        let text = |text: &str| Value::Text(text.to_owned());
        let counted = |table: &str, file: &str| Counted {
            table: table.into(),
            command: "reliability query --sql".into(),
            sql: "select all".into(),
            columns: ["path", "line", "id"].map(str::to_owned).to_vec(),
            rows: vec![vec![text(file), Value::Integer(7), text("P1")]],
            n_rows: 3,
        };
        let page = Page {
            counted: vec![
                counted("Pages", "raw_data/pages/1.ndjson"),
                counted("Other", "x"),
            ],
            ..empty()
        };
        let html = panel(&answer(&query, &["a"], Vec::new()), &page).into_string();
        assert!(
            html.contains("<code>raw_data/pages/1.ndjson:7</code>"),
            "{html}"
        );
        assert!(
            html.contains("The newest 1 of 3") && html.contains("select all"),
            "{html}"
        );
        assert!(!html.contains("Other"), "{html}");
    }

    #[test]
    fn words_for_people() {
        assert_eq!(first_sentence("Once. Twice `a. b`. Thrice"), "Once.");
        assert_eq!(first_sentence("More than 0.5 it is"), "More than 0.5 it is");
        assert_eq!(moment("2026-03-01T10:05:00Z"), "2026-03-01 10:05");
        assert_eq!(moment("2026-03-01"), "2026-03-01");
        assert_eq!(with_code("a `b` c").into_string(), "a <code>b</code> c");
    }
}
