//! The page: all answers in one file that needs nothing else, complete without script, and safe to forward.

use std::collections::BTreeSet;

use base64::Engine as _;
use definitions::{Attention, Group};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use store::{Period, Value};

use crate::Answer;
use crate::attention::attention;
use crate::change::{Change, ChangeInWords, Happenings, change};
use crate::changes::{changes, tiles};
use crate::panel::{Panel, count, panel};
use crate::stretch::{Compared, Stretch};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What the page is made of.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// Whose reliability it is; nothing where nobody said.
    pub organisation: Option<String>,
    /// The period that the answers are of.
    pub period: Period,
    /// The same with both its ends; nothing where nothing is known.
    pub now: Option<Stretch>,
    /// The period before it; nothing where nothing is known of it.
    pub before: Option<Before<'a>>,
    /// Whether the numbers can be trusted.
    pub trust: Trust,
    /// The answers, in any order.
    pub answers: Vec<Answer<'a>>,
    /// The folder that has all rows of each answer, as it is named on the page.
    pub folder: &'a str,
    /// The newest rows of the tables that the answers count.
    pub counted: Vec<Counted>,
    /// What happened in both periods, for each indicator.
    pub happenings: Vec<Happenings<'a>>,
    /// The rules that say what needs attention.
    pub rules: &'a [Attention],
    /// The version of the program.
    pub version: &'static str,
}

/// The period before.
#[derive(Debug, Clone)]
pub struct Before<'a> {
    /// Which it is.
    pub stretch: Stretch,
    /// What the same questions were answered then, in any order.
    pub answers: Vec<Answer<'a>>,
}

/// A table that answers count, and where its rows were written.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Its name.
    pub table: String,
    /// The command that takes the select.
    pub command: String,
    /// The select that gives all of its rows with the raw file and line of each.
    pub sql: String,
    /// The columns that it gives: file and line first.
    pub columns: Vec<String>,
    /// Its first rows; none where they would name people who are not to be named.
    pub rows: Vec<Vec<Value>>,
    /// How many rows it has.
    pub n_rows: u64,
}

/// What was loaded, and what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trust {
    /// Streams that have anything.
    pub streams: u64,
    /// Records that could not be taken.
    pub rejects: u64,
    /// What was asked for and did not come.
    pub gaps: u64,
}

/// Writes the page. The same answers give the same bytes.
pub fn page(page: &Page<'_>) -> String {
    let title = title(page);
    let groups = groups(page);
    let compared = compared(page);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the answers" }
                header.wrap { div.top {
                    h1 { bdi { (title) } }
                    p { (period_in_words(&page.period)) }
                    div.tools { (chip(page.trust)) button.js type="button" id="theme" hidden aria-pressed="false" { "Dark" } }
                } }
                div.bar { div.wrap {
                    nav aria-label="Parts of the page" { @if !page.rules.is_empty() { a href="#attention" { "Now" } }  @if compared.is_some() { a href="#changes" { "Changes" } }
                        @for (group, _) in &groups { a href=(format!("#{}", group.name())) { (heading(*group).0) } } }
                    div role="search" aria-label="Filters" { (filters(&page.answers)) }
                } }
                main.wrap id="main" tabindex="-1" {
                    p.state id="state" role="status" {}
                    (attention(page.rules, &page.answers))
                    @if let Some((windows, found)) = &compared {
                        (tiles(found, windows))
                        (changes(found, windows))
                    }
                    @for (group, answers) in &groups { (section(page, *group, answers)) }
                }
                footer.wrap { div {
                    p { "Made by reliability " (page.version) " from files on one machine; this page asks nobody for anything." }
                    p { "Times are UTC where nothing else is said. Every number has its table, its SQL and its source behind it." }
                } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

/// The heading of the page.
pub(crate) fn title(page: &Page<'_>) -> String {
    let of = |name: &String| format!("Reliability of {name}");
    page.organisation
        .as_ref()
        .map_or("Reliability".to_owned(), of)
}

/// The parts of the page that have an answer, in their order.
pub(crate) fn groups<'p, 'a>(page: &'p Page<'a>) -> Vec<(Group, Vec<&'p Answer<'a>>)> {
    let groups = Group::ALL.into_iter();
    groups
        .map(|group| (group, of_group(&page.answers, group)))
        .filter(|(_, answers)| !answers.is_empty())
        .collect()
}

/// What became of each indicator, in words.
pub(crate) fn compared_in_words(page: &Page<'_>) -> Vec<ChangeInWords> {
    compared(page).map_or(Vec::new(), |(_, found)| {
        found.iter().map(Change::in_words).collect()
    })
}

/// What became of each indicator since the period before, or, where too little is known of that, in the newest weeks;
/// nothing where nothing is known at all.
fn compared<'a>(page: &Page<'a>) -> Option<(Compared, Vec<Change<'a>>)> {
    let now = page.now?;
    let since = page
        .happenings
        .iter()
        .filter_map(|one| one.known.since.as_ref());
    let first = since.min()?;
    let windows = Compared::with_before(now, first)
        .or_else(|| Compared::of_weeks(first, page.period.to.as_ref()?))
        .or_else(|| Compared::of(now))?;
    let found = page
        .happenings
        .iter()
        .map(|one| change(one, windows.before, windows.now))
        .collect();
    Some((windows, found))
}

/// The answers of a group, in their order.
fn of_group<'p, 'a>(answers: &'p [Answer<'a>], group: Group) -> Vec<&'p Answer<'a>> {
    let mut found: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.query.group.0 == group)
        .collect();
    found.sort_by(|a, b| (a.query.group.1, &a.query.name).cmp(&(b.query.group.1, &b.query.name)));
    found
}

/// Nothing may be fetched, and only this style and this script may run: they are known by their hashes.
fn policy() -> String {
    let hash = |text: &str| {
        let digest = Sha256::digest(text.as_bytes());
        format!(
            "'sha256-{}'",
            base64::engine::general_purpose::STANDARD.encode(digest)
        )
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

pub(crate) fn period_in_words(period: &Period) -> String {
    let day = |moment: &String| moment.get(..10).unwrap_or(moment).to_owned();
    let minute = |moment: &String| moment.get(11..16).unwrap_or_default().to_owned();
    match (&period.from, &period.to) {
        (Some(from), Some(to)) => format!(
            "{} to {} · data until {} UTC",
            day(from),
            day(to),
            minute(to)
        ),
        (None, Some(to)) => format!("data until {} {} UTC", day(to), minute(to)),
        _ => "no data yet".to_owned(),
    }
}

/// Whether the numbers can be trusted, in words and by a shape.
fn chip(trust: Trust) -> Markup {
    let is_sound = trust.rejects == 0 && trust.gaps == 0 && trust.streams > 0;
    html! {
        a.chip.warn[!is_sound] href="#data_trust" {
            svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" {
                @if is_sound { path d="M1.5 6.5L4.5 9.5L10.5 2.5" class="ok" {} }
                @else { path d="M6 .8L11.6 11H.4Z" class="alarm" {} }
            }
            (count(trust.streams, "stream")) ", " (count(trust.rejects, "record")) " refused, " (count(trust.gaps, "gap"))
        }
    }
}

/// The values by which rows can be hidden, of each dimension that some panel has.
fn filters(answers: &[Answer<'_>]) -> Markup {
    let values = |dimension: &str| -> BTreeSet<String> {
        let rows = answers
            .iter()
            .flat_map(|answer| answer.rows.iter().map(move |row| (answer, row)));
        rows.flat_map(|(answer, row)| crate::drawing::about(answer, row))
            .filter(|(known, _)| known == dimension)
            .map(|(_, value)| value)
            .take(50_000)
            .collect()
    };
    let dimensions = [
        ("team", "All teams"),
        ("product", "All products"),
        ("severity", "All severities"),
    ];
    html! {
        fieldset.filters.js hidden {
            legend.vh { "Show only" }
            @for (dimension, all) in dimensions {
                @let values = values(dimension);
                @if values.len() > 1 { label {
                    span.vh { (dimension) }
                    select data-dimension=(dimension) {
                        option value="" { (all) }
                        @for value in values.iter().take(200) { option value=(value) { (value.chars().take(40).collect::<String>()) } }
                    }
                } }
            }
            button type="button" id="reset" hidden { "Clear" }
        }
    }
}

fn section(page: &Page<'_>, group: Group, answers: &[&Answer<'_>]) -> Markup {
    let (name, words) = heading(group);
    let id = group.name();
    let panels: Vec<Panel> = answers.iter().map(|answer| Panel::new(answer)).collect();
    let widths = widths(&panels.iter().map(Panel::is_wide).collect::<Vec<_>>());
    html! {
        section.group id=(id) aria-labelledby=(format!("{id}-heading")) {
            div.ghead { h2 id=(format!("{id}-heading")) { (name) } p { (words) } }
            div.grid { @for (one, is_wide) in panels.iter().zip(widths) { (panel(one, is_wide, page)) } }
        }
    }
}

/// Which of some panels take the whole width: those that need it, and each that would stand beside nothing.
fn widths(needed: &[bool]) -> Vec<bool> {
    let mut widths = Vec::new();
    for run in needed.chunk_by(|a, b| a == b) {
        let is_odd = run.len() % 2 == 1;
        for (place, is_wide) in run.iter().enumerate() {
            widths.push(*is_wide || is_odd && place + 1 == run.len());
        }
    }
    widths
}

/// The heading of a group, and what it is about.
pub(crate) fn heading(group: Group) -> (&'static str, &'static str) {
    match group {
        Group::Customers => ("Customers", "what they felt, and who noticed"),
        Group::Pages => ("Pages", "what rang, how often, and who came"),
        Group::People => ("People", "who bears it, and when"),
        Group::Learning => ("Learning", "what causes it, and what comes of it"),
        Group::Watching => ("Watching", "what looks, what does not, and whose it is"),
        Group::Data => ("Data", "whether these numbers can be trusted"),
        Group::More => ("More", "questions of your own"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use definitions::{Chart, Query};

    /// A query made by hand, for tests.
    pub(crate) fn query(name: &str, chart: &str) -> Query {
        Query {
            name: name.into(),
            title: "T".into(),
            question: "Why?".into(),
            grain: String::new(),
            meaning: "It is `so`.".into(),
            misleads: "It may not be.".into(),
            people: Vec::new(),
            group: (Group::Pages, 1),
            sentence: Default::default(),
            period: Vec::new(),
            columns: Vec::new(),
            chart: Chart::parse(chart).unwrap(),
            sql: "select 1".into(),
            source: std::sync::Arc::new(diagnostics::Source {
                path: "q.sql".into(),
                text: String::new(),
            }),
        }
    }

    /// A page without any answers, for tests.
    pub(crate) fn empty() -> Page<'static> {
        Page {
            organisation: None,
            period: Period::default(),
            now: None,
            before: None,
            trust: Trust::default(),
            answers: Vec::new(),
            folder: "output",
            counted: Vec::new(),
            happenings: Vec::new(),
            rules: &[],
            version: "1",
        }
    }

    #[test]
    fn no_panel_stands_beside_nothing() {
        let (half, wide) = (false, true);
        assert_eq!(
            widths(&[half, half, half, wide, half, wide, half, half]),
            [half, half, wide, wide, wide, wide, half, half]
        );
        assert!(widths(&[]).is_empty());
    }

    #[test]
    fn the_page_allows_itself_and_nothing_else() {
        let query = query("q", "table");
        let answers = vec![crate::answer::tests::answer(
            &query,
            &["a"],
            vec![vec![Value::Integer(1)]],
        )];
        let made = page(&Page {
            organisation: Some("<b>Acme</b>".into()),
            answers,
            ..empty()
        });
        assert!(made.contains("default-src 'none'; script-src 'sha256-"));
        assert!(
            !made.contains("style=") && !made.contains("<b>Acme"),
            "{made}"
        );
        assert_eq!(made.matches("<script").count(), 1);
        assert!(made.contains("id=\"pages\"") && !made.contains("id=\"people\""));
    }
}
