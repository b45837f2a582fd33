//! What needs attention now: the rules that found something, the worst first, and how many looked.

use charts::attribute;
use definitions::{Attention, Level, What};
use maud::{Markup, html};

use crate::Answer;
use crate::answer::number;
use crate::drawing::about;
use crate::panel::{count, phrased};
use crate::phrase::{Phrase, made, say};
use crate::writer::text;

/// The most that is said at once.
const MOST: usize = 7;

/// The most owners that are named.
const OWNERS: usize = 3;

/// What a rule found.
struct Found<'a> {
    rule: &'a Attention,
    /// The rows that it is about, as an answer.
    answer: Answer<'a>,
    /// Its figure.
    figure: f64,
}

/// The section; nothing where there is no rule.
pub(crate) fn attention(rules: &[Attention], answers: &[Answer<'_>]) -> Markup {
    if rules.is_empty() {
        return html! {};
    }
    let looked = look_all(rules, answers);
    let said = crossing(&looked);
    let acts = said
        .iter()
        .filter(|found| found.rule.level == Level::Act)
        .count();
    html! {
        section.attention id="attention" aria-labelledby="attention-heading" {
            div.ghead {
                h2 id="attention-heading" { "What needs attention now" }
                @if !said.is_empty() { p { (acts) " to act on, " (said.len() - acts) " to look at" } }
            }
            @if said.is_empty() {
                p { (quiet(looked.len() as u64, rules.len() as u64)) }
            } @else {
                ol { @for found in &said { (line(found)) } }
            }
            details {
                summary { (count(looked.len() as u64, "rule")) " looked" }
                table.list {
                    caption.vh { "What each rule found" }
                    thead { tr { th scope="col" { "rule" } th scope="col" { "level" } th.r scope="col" { "found" } th.r scope="col" { "limit" } } }
                    tbody { @for found in &looked { tr {
                        td { (found.rule.name.replace('_', " ")) }
                        td { (level(found.rule.level)) }
                        td.r { (charts::Unit::Number.show(found.figure)) }
                        td.r { "above " (found.rule.above) }
                    } } }
                }
            }
        }
    }
}

/// What is said where no rule found anything: a rule about data that was never fetched had nothing to look at.
fn quiet(looked: u64, rules: u64) -> String {
    let blind = match rules - looked {
        0 => String::new(),
        blind => format!("; {} had nothing to look at", count(blind, "rule")),
    };
    match looked {
        0 => format!(
            "Not known: none of {} had anything to look at.",
            count(rules, "rule")
        ),
        _ => format!(
            "Nothing crosses a limit; {} looked{blind}.",
            count(looked, "rule")
        ),
    }
}

/// What is said of a rule that found something.
pub(crate) struct Said {
    pub(crate) rule: String,
    pub(crate) level: Level,
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) owners: String,
}

/// What is said, the worst first.
pub(crate) fn said(rules: &[Attention], answers: &[Answer<'_>]) -> Vec<Said> {
    let looked = look_all(rules, answers);
    let one = |found: &&Found| Said {
        rule: found.rule.name.clone(),
        level: found.rule.level,
        phrases: say(&found.rule.says, &found.answer).unwrap_or_default(),
        owners: owners(found),
    };
    crossing(&looked).iter().map(one).collect()
}

/// What lies above its limit, the worst first, as many as are said at once.
fn crossing<'f, 'a>(looked: &'f [Found<'a>]) -> Vec<&'f Found<'a>> {
    let above = looked
        .iter()
        .filter(|found| found.figure > found.rule.above);
    let mut found: Vec<&Found> = above.collect();
    found.sort_by(|a, b| {
        let level = a.rule.level.cmp(&b.rule.level);
        let figure = b.figure.total_cmp(&a.figure);
        level.then(figure).then(a.rule.name.cmp(&b.rule.name))
    });
    found.truncate(MOST);
    found
}

/// What each rule finds that has something to look at.
fn look_all<'a>(rules: &'a [Attention], answers: &[Answer<'a>]) -> Vec<Found<'a>> {
    rules
        .iter()
        .filter_map(|rule| look(rule, answers))
        .collect()
}

/// What a rule finds in the answer that it looks at; nothing if the answer is not among them, or of what was never fetched.
fn look<'a>(rule: &'a Attention, answers: &[Answer<'a>]) -> Option<Found<'a>> {
    let whole = answers
        .iter()
        .find(|answer| answer.query.name == rule.query.text)?;
    if whole.is_unknown() {
        return None;
    }
    let rows: Vec<_> = whole
        .rows
        .iter()
        .filter(|row| whole.fits(row, &rule.conditions))
        .cloned()
        .collect();
    let answer = Answer {
        query: whole.query,
        columns: whole.columns.clone(),
        n_rows: rows.len() as u64,
        rows,
        period: whole.period.clone(),
        known: whole.known.clone(),
    };
    let figure = match rule.measure.what {
        What::Count => answer.rows.len() as f64,
        _ => made(&rule.measure, &answer)
            .as_ref()
            .and_then(number)
            .unwrap_or(0.0),
    };
    Some(Found {
        rule,
        answer,
        figure,
    })
}

fn line(found: &Found<'_>) -> Markup {
    let query = found.answer.query;
    let teams: Vec<(String, String)> = found
        .answer
        .rows
        .iter()
        .flat_map(|row| about(&found.answer, row))
        .collect();
    // A line about one team only can be hidden with it.
    let one = teams
        .first()
        .filter(|first| teams.iter().all(|other| other == *first));
    let owners = owners(found);
    html! {
        li data-about=[one.and_then(|one| attribute(std::slice::from_ref(one)))] {
            span class=(if found.rule.level == Level::Act { "level act" } else { "level" }) {
                svg width="13" height="12" viewBox="0 0 13 12" aria-hidden="true" {
                    @match found.rule.level {
                        Level::Act => path d="M6.5 .5L12.5 11.5H.5Z" fill="currentColor" {},
                        Level::Look => circle cx="6.5" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="2" {},
                    }
                }
                (level(found.rule.level))
            }
            p {
                @if let Some(phrases) = say(&found.rule.says, &found.answer) { (phrased(&phrases)) }
                " " a href=(format!("#{}", query.name)) { (query.title) }
            }
            span.owner { span.vh { "Owner: " } bdi { (owners) } }
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Act => "Act",
        Level::Look => "Look",
    }
}

/// Whose it is: the first few by name, and how many more.
fn owners(found: &Found<'_>) -> String {
    let place = found
        .rule
        .owner
        .as_ref()
        .and_then(|owner| found.answer.column(owner));
    let mut names: Vec<String> = Vec::new();
    for row in &found.answer.rows {
        let name = place
            .and_then(|place| row.get(place))
            .map(text)
            .unwrap_or_default();
        if !name.is_empty() && !name.starts_with('(') && !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(OWNERS);
    names.truncate(OWNERS);
    let names: Vec<String> = names
        .iter()
        .map(|name| name.chars().take(40).collect())
        .collect();
    match (names.is_empty(), more) {
        (true, _) => "no owner is recorded".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use definitions::{Sentence, Word};
    use store::Value;

    use super::*;
    use crate::answer::tests::answer;
    use crate::page::tests::query;

    fn rule(name: &str, level: Level, above: f64) -> Attention {
        let says = "**{count; page; pages}** of {name}.";
        Attention {
            name: name.into(),
            query: Word {
                text: "q".into(),
                span: 0..0,
            },
            conditions: Vec::new(),
            measure: Sentence::parse("{sum n}").unwrap().parts[0]
                .iter()
                .find_map(|piece| match piece {
                    definitions::Piece::Figure(figure) => Some(figure.clone()),
                    _ => None,
                })
                .unwrap(),
            above,
            level,
            says: Sentence::parse(says).unwrap(),
            owner: Some("name".into()),
            source: query("q", "table").source,
        }
    }

    #[test]
    fn the_worst_first_and_who_owns_it() {
        let query = query("q", "table");
        let rows =
            ["a", "b", "c", "d"].map(|name| vec![Value::Text(name.into()), Value::Integer(2)]);
        let answers = [answer(&query, &["name", "n"], rows.to_vec())];
        let rules = [
            rule("look", Level::Look, 0.0),
            rule("act", Level::Act, 7.0),
            rule("quiet", Level::Act, 8.0),
        ];
        let html = attention(&rules, &answers)
            .into_string()
            .replace('\u{a0}', " ");
        assert!(
            html.contains("1 to act on, 1 to look at") && html.contains("3 rules looked"),
            "{html}"
        );
        assert!(html.find(">Act<").unwrap() < html.find(">Look<").unwrap());
        assert!(
            html.contains("a, b, c and 1 more") && html.contains("4 pages"),
            "{html}"
        );
    }

    #[test]
    fn nothing_crosses_a_limit() {
        let query = query("q", "table");
        let answers = [answer(&query, &["name", "n"], Vec::new())];
        let html = attention(&[rule("act", Level::Act, 0.0)], &answers)
            .into_string()
            .replace('\u{a0}', " ");
        assert!(
            html.contains("Nothing crosses a limit; 1 rule looked."),
            "{html}"
        );
        let html = attention(&[rule("act", Level::Act, 0.0)], &[]).into_string();
        assert!(html.contains("Not known: none of 1"), "{html}");
        assert_eq!(attention(&[], &answers).into_string(), "");
    }
}
