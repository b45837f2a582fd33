//! From an answer to a chart: which rows are drawn, what its series are, and how many have room.

use std::collections::BTreeMap;

use charts::{
    Bar, BarKind, Bars, Event, Heatmap, Mark, Spread, Timeline, Unit, bars, heatmap, spread,
    timeline,
};
use definitions::{Chart, ChartKind};
use maud::{Markup, html};
use store::Value;

use crate::Answer;
use crate::answer::number;
use crate::plots::{Names, Series, plots, series};
use crate::writer::text;

/// The most bars, where the header does not say.
const BARS: usize = 10;

/// The most plots beside one another, where the header does not say.
pub(crate) const PLOTS: usize = 8;

/// The most circles in a lane.
const EVENTS: usize = 150;

/// The columns by which rows can be filtered, and the dimension of each.
const DIMENSIONS: [(&str, &str); 5] = [
    ("team_name", "team"),
    ("team", "team"),
    ("product", "product"),
    ("severity", "severity"),
    ("severity_level", "severity"),
];

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A chart, and whether it needs the whole width of the page.
pub(crate) struct Drawn {
    pub(crate) chart: Markup,
    pub(crate) is_wide: bool,
}

/// The chart of an answer; nothing where its table says it, or no row can be drawn.
pub(crate) fn draw(answer: &Answer<'_>) -> Option<Drawn> {
    let chart = &answer.query.chart;
    let rows: Vec<&Vec<Value>> = answer
        .rows
        .iter()
        .filter(|row| is_drawn(answer, chart, row))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let half = |chart: Markup| Drawn {
        chart,
        is_wide: false,
    };
    let wide = |chart: Markup| Drawn {
        chart,
        is_wide: true,
    };
    match chart.kind {
        ChartKind::Table => None,
        ChartKind::Bar => Some(half(bars_of(answer, &rows, BarKind::Beside))),
        ChartKind::Stack => Some(half(bars_of(answer, &rows, BarKind::Stacked))),
        ChartKind::Share => Some(half(bars_of(answer, &rows, BarKind::Shares))),
        ChartKind::Spread => Some(half(spread_of(answer, &rows))),
        ChartKind::Line => Some(plots(answer, &rows, Mark::Line)),
        ChartKind::Column => Some(plots(answer, &rows, Mark::Column)),
        ChartKind::Heatmap => Some(wide(heat(answer, &rows))),
        ChartKind::Timeline => Some(wide(lanes(answer, &rows))),
    }
}

/// What a row is about, by dimension, so that it can be filtered.
pub(crate) fn about(answer: &Answer<'_>, row: &[Value]) -> Vec<(String, String)> {
    let mut about: Vec<(String, String)> = Vec::new();
    for (column, dimension) in DIMENSIONS {
        let value = answer
            .column(column)
            .and_then(|place| row.get(place))
            .map(text);
        let value = value.filter(|value| !value.is_empty() && !value.starts_with('('));
        if let Some(value) = value
            && !about.iter().any(|(known, _)| known == dimension)
        {
            // `p1` and `P1` are one severity.
            let value = match dimension {
                "severity" => value.to_uppercase(),
                _ => value,
            };
            about.push((dimension.to_owned(), value));
        }
    }
    about
}

/// The dimensions by which the rows of an answer can be filtered.
pub(crate) fn dimensions(answer: &Answer<'_>) -> Vec<&'static str> {
    let mut found: Vec<&str> = Vec::new();
    for (column, dimension) in DIMENSIONS {
        if answer.column(column).is_some() && !found.contains(&dimension) {
            found.push(dimension);
        }
    }
    found
}

/// A column's name in words.
pub(crate) fn words(column: &str) -> String {
    let mut name = column
        .trim_start_matches("n_")
        .trim_start_matches("percent_")
        .trim_start_matches("is_");
    if Unit::of_column(column).minutes().is_some() {
        // The unit stands with each number.
        for unit in ["_minutes", "_hours", "_days", "_seconds"] {
            name = name.trim_end_matches(unit);
        }
    }
    match name {
        "p50" => "half under".to_owned(),
        "p90" => "nine in ten under".to_owned(),
        _ => name.replace('_', " "),
    }
}

fn is_drawn(answer: &Answer<'_>, chart: &Chart, row: &[Value]) -> bool {
    let has = |(column, values): &(String, Vec<String>)| {
        let value = answer
            .column(column)
            .and_then(|place| row.get(place))
            .map(text);
        value.is_some_and(|value| values.contains(&value))
    };
    chart.only.iter().all(has) && !chart.without.iter().any(has)
}

/// The value of a column as a number.
pub(crate) fn figure(answer: &Answer<'_>, row: &[Value], column: &str) -> Option<f64> {
    number(row.get(answer.column(column)?)?)
}

/// The value of a column as words; a day of the week by its name.
pub(crate) fn name(answer: &Answer<'_>, row: &[Value], column: &str) -> String {
    let value = answer.column(column).and_then(|place| row.get(place));
    let value = value.map(text).unwrap_or_default();
    match (column, value.parse::<usize>()) {
        ("weekday", Ok(day @ 1..=7)) => DAYS[day - 1].to_owned(),
        _ if value.is_empty() => "(none)".to_owned(),
        _ => value,
    }
}

fn bars_of(answer: &Answer<'_>, rows: &[&Vec<Value>], kind: BarKind) -> Markup {
    let chart = &answer.query.chart;
    let (measures, mut drawn) = match &chart.series {
        Some(series) => pivoted(answer, rows, series),
        None => (chart.y.clone(), plain(answer, rows)),
    };
    let top = chart.top.unwrap_or(BARS);
    let n_others = drawn.len().saturating_sub(top);
    drawn.truncate(top);
    let unit = chart.y.first().map_or(Unit::Number, |y| Unit::of_column(y));
    let measure = |name: &String| match chart.series {
        Some(_) => (name.clone(), unit),
        None => (words(name), Unit::of_column(name)),
    };
    bars(&Bars {
        caption: answer.query.question.clone(),
        heading: words(&chart.x),
        measures: measures.iter().map(measure).collect(),
        kind,
        rows: drawn,
        n_others,
    })
}

fn spread_of(answer: &Answer<'_>, rows: &[&Vec<Value>]) -> Markup {
    let chart = &answer.query.chart;
    let mut drawn = plain(answer, rows);
    let top = chart.top.unwrap_or(BARS);
    let n_others = drawn.len().saturating_sub(top);
    drawn.truncate(top);
    let middle = chart.y.iter().position(|y| y.starts_with("p50"));
    spread(&Spread {
        caption: answer.query.question.clone(),
        heading: words(&chart.x),
        measures: chart.y.iter().map(|y| words(y)).collect(),
        unit: chart.y.first().map_or(Unit::Number, |y| Unit::of_column(y)),
        middle: middle.unwrap_or(0),
        rows: drawn,
        n_others,
    })
}

fn plain(answer: &Answer<'_>, rows: &[&Vec<Value>]) -> Vec<Bar> {
    let chart = &answer.query.chart;
    let names = Names::of(answer, rows, &chart.x);
    let mut bars: Vec<Bar> = Vec::new();
    for row in rows {
        let bar = Bar {
            name: names.name(row),
            values: chart.y.iter().map(|y| figure(answer, row, y)).collect(),
            about: about(answer, row),
            // Parts of a sum would be lost where all are hollow.
            is_weak: matches!(chart.kind, ChartKind::Bar | ChartKind::Spread)
                && figure(answer, row, "is_low_n") == Some(1.0),
            so_far: chart
                .so_far
                .as_ref()
                .and_then(|column| figure(answer, row, column)),
        };
        // An answer may repeat the same figure in each row of a fault.
        if !bars
            .iter()
            .any(|other| other.name == bar.name && other.values == bar.values)
        {
            bars.push(bar);
        }
    }
    bars
}

/// A bar for each x, with a measure for each value of a column, both in the order in which they come.
fn pivoted(answer: &Answer<'_>, rows: &[&Vec<Value>], series: &str) -> (Vec<String>, Vec<Bar>) {
    let chart = &answer.query.chart;
    let mut names: Vec<String> = Vec::new();
    let mut bars: Vec<Bar> = Vec::new();
    for row in rows {
        let (x, one) = (name(answer, row, &chart.x), name(answer, row, series));
        let place = names
            .iter()
            .position(|known| *known == one)
            .unwrap_or_else(|| {
                names.push(one);
                names.len() - 1
            });
        let at = bars
            .iter()
            .position(|bar| bar.name == x)
            .unwrap_or_else(|| {
                bars.push(Bar {
                    name: x,
                    values: Vec::new(),
                    about: about(answer, row),
                    is_weak: false,
                    so_far: None,
                });
                bars.len() - 1
            });
        let bar = &mut bars[at];
        bar.values.resize(bar.values.len().max(place + 1), None);
        if let Some(value) = chart.y.first().and_then(|y| figure(answer, row, y)) {
            bar.values[place] = Some(bar.values[place].unwrap_or(0.0) + value);
        }
    }
    for bar in &mut bars {
        bar.values.resize(names.len(), None);
    }
    (names, bars)
}

fn heat(answer: &Answer<'_>, rows: &[&Vec<Value>]) -> Markup {
    let chart = &answer.query.chart;
    let (Some(column), Some(y)) = (&chart.series, chart.y.first()) else {
        return html! {};
    };
    let mut columns: Vec<String> = rows.iter().map(|row| name(answer, row, &chart.x)).collect();
    columns.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    });
    columns.dedup();
    let mut found = series(answer, rows, column);
    if column == "weekday" {
        found.sort_by_key(|one| DAYS.iter().position(|day| *day == one.name));
    }
    let top = chart.top.unwrap_or(usize::MAX);
    let n_others = found.len().saturating_sub(top);
    found.truncate(top);
    let row = |one: &Series| {
        let at = |x: &String| {
            one.rows
                .iter()
                .find(|row| name(answer, row, &chart.x) == *x)
        };
        let values = columns
            .iter()
            .map(|x| at(x).and_then(|row| figure(answer, row, y)));
        (one.name.clone(), values.collect())
    };
    let map = Heatmap {
        caption: answer.query.question.clone(),
        rows: found.iter().map(row).collect(),
        columns,
        unit: Unit::of_column(y),
    };
    html! {
        (heatmap(&map))
        @if n_others > 0 { p.note { (n_others) " more in the table below." } }
    }
}

/// A lane for each series, with its newest events where there are very many.
fn lanes(answer: &Answer<'_>, rows: &[&Vec<Value>]) -> Markup {
    let chart = &answer.query.chart;
    let column = chart.series.as_deref().unwrap_or_default();
    // Lanes that differ by case only are one, as it was spelt first.
    let mut found: BTreeMap<String, (String, Vec<Event>)> = BTreeMap::new();
    for row in rows {
        let event = Event {
            at: name(answer, row, &chart.x),
            size: chart.y.first().and_then(|y| figure(answer, row, y)),
            name: name(answer, row, "name").chars().take(80).collect(),
            about: about(answer, row),
        };
        let lane = name(answer, row, column);
        let (_, events) = found
            .entry(lane.to_lowercase())
            .or_insert_with(|| (lane, Vec::new()));
        events.push(event);
    }
    let mut lanes: Vec<(String, Vec<Event>)> = found.into_values().collect();
    for (_, events) in &mut lanes {
        events.sort_by(|a, b| b.at.cmp(&a.at));
        events.truncate(EVENTS);
    }
    lanes.truncate(chart.top.unwrap_or(PLOTS));
    timeline(&Timeline {
        caption: answer.query.question.clone(),
        heading: words(column),
        lanes,
        unit: chart.y.first().map_or(Unit::Number, |y| Unit::of_column(y)),
    })
}

#[cfg(test)]
mod tests {
    use charts::attribute;

    use super::*;
    use crate::answer::tests::answer;
    use crate::page::tests::query;

    fn cell(text: &str) -> Value {
        text.parse::<f64>()
            .map_or_else(|_| Value::Text(text.to_owned()), Value::Real)
    }

    fn drawn(chart: &str, columns: &[&str], rows: &[&[&str]]) -> String {
        let query = query("q", chart);
        let rows = rows
            .iter()
            .map(|row| row.iter().map(|text| cell(text)).collect())
            .collect();
        draw(&answer(&query, columns, rows))
            .map(|drawn| drawn.chart.into_string())
            .unwrap_or_default()
    }

    #[test]
    fn only_the_rows_that_are_meant() {
        let rows: [&[&str]; 3] = [
            &["all", "(all)", "9"],
            &["team", "A", "5"],
            &["team", "B", "4"],
        ];
        let html = drawn(
            "bar x=name y=n only=scope:team without=name:B",
            &["scope", "name", "n"],
            &rows,
        );
        assert!(
            html.contains(">A<") && !html.contains("(all)") && !html.contains(">B<"),
            "{html}"
        );
        assert_eq!(
            drawn(
                "bar x=name y=n only=scope:none",
                &["scope", "name", "n"],
                &rows
            ),
            ""
        );
        assert_eq!(drawn("table", &["scope", "name", "n"], &rows), "");
    }

    #[test]
    fn one_name_for_two_things_is_told_apart() {
        let rows: [&[&str]; 3] = [&["Cart", "A", "9"], &["Cart", "B", "5"], &["Pay", "B", "4"]];
        let html = drawn(
            "bar x=product y=n apart=entity",
            &["product", "entity", "n"],
            &rows,
        );
        for name in [">Cart (A)<", ">Cart (B)<", ">Pay<"] {
            assert!(html.contains(name), "{html}");
        }
    }

    #[test]
    fn series_become_bars_lines_or_plots() {
        let rows: [&[&str]; 4] = [
            &["2026-01", "a", "3"],
            &["2026-02", "a", "1"],
            &["2026-01", "b", "2"],
            &["2026-02", "b", "9"],
        ];
        let columns = ["month", "kind", "n_pages"];
        let html = drawn("stack x=month y=n_pages series=kind", &columns, &rows);
        assert!(
            html.contains("<td class=\"num\">5</td>") && html.contains("<td class=\"num\">10</td>"),
            "{html}"
        );
        let html = drawn("line x=month y=n_pages series=kind", &columns, &rows);
        assert_eq!(
            (
                html.matches("class=\"plot ends\"").count(),
                html.matches("<circle").count()
            ),
            (1, 4),
            "{html}"
        );
        let html = drawn(
            "column x=month y=n_pages series=kind top=1",
            &columns,
            &rows,
        );
        assert!(
            html.contains("One scale for all.") && html.contains("1 more"),
            "{html}"
        );
        assert!(
            html.contains(">b<") && !html.contains(">a<"),
            "the greater one: {html}"
        );
    }

    #[test]
    fn days_have_names_and_hours_their_order() {
        let rows: [&[&str]; 3] = [&["2", "10", "3"], &["1", "9", "1"], &["1", "10", "0"]];
        let html = drawn(
            "heatmap x=hour series=weekday y=n_pages",
            &["weekday", "hour", "n_pages"],
            &rows,
        );
        let at = |words: &str| html.find(words).unwrap_or(usize::MAX);
        assert!(
            at(">9<") < at(">10<") && at(">Mon<") < at(">Tue<") && at(">Tue<") < usize::MAX,
            "{html}"
        );
    }

    #[test]
    fn what_a_row_is_about() {
        let query = query("q", "table");
        let row = vec![cell("Pay"), cell("(all)"), cell("p1")];
        let answer = answer(&query, &["team_name", "product", "severity"], vec![row]);
        let about = about(&answer, &answer.rows[0]);
        assert_eq!(attribute(&about).as_deref(), Some("team=Pay|severity=P1"));
        assert_eq!(dimensions(&answer), ["team", "product", "severity"]);
    }
}
