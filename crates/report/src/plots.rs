//! Values over time, or over names in order: one plot, or several beside one another, from the rows of an answer.

use std::collections::{BTreeMap, BTreeSet};

use charts::{Band, Line, Lines, Mark, Moment, Unit, attribute, key, lines};
use maud::html;
use store::Value;

use crate::Answer;
use crate::drawing::{Drawn, PLOTS, about, figure, name, words};

/// Above so many lines each has a plot of its own.
const LINES: usize = 4;

/// What the values of a column are called, so that no two things have one name.
pub(crate) struct Names<'n, 'a> {
    answer: &'n Answer<'a>,
    column: &'n str,
    /// The names that stand for several things.
    shared: BTreeSet<String>,
}

impl<'n, 'a> Names<'n, 'a> {
    pub(crate) fn of(answer: &'n Answer<'a>, rows: &[&Vec<Value>], column: &'n str) -> Self {
        let mut others: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        if let Some(apart) = &answer.query.chart.apart {
            for row in rows {
                let other = name(answer, row, apart);
                others
                    .entry(name(answer, row, column))
                    .or_default()
                    .insert(other);
            }
        }
        let shared = others.into_iter().filter(|(_, others)| others.len() > 1);
        Self {
            answer,
            column,
            shared: shared.map(|(name, _)| name).collect(),
        }
    }

    pub(crate) fn name(&self, row: &[Value]) -> String {
        let plain = name(self.answer, row, self.column);
        match &self.answer.query.chart.apart {
            Some(apart) if self.shared.contains(&plain) => {
                format!("{plain} ({})", name(self.answer, row, apart))
            }
            _ => plain,
        }
    }
}

/// The rows of one series.
pub(crate) struct Series<'r> {
    pub(crate) name: String,
    pub(crate) rows: Vec<&'r Vec<Value>>,
    total: f64,
}

pub(crate) fn plots(answer: &Answer<'_>, rows: &[&Vec<Value>], mark: Mark) -> Drawn {
    let chart = &answer.query.chart;
    let mut x: Vec<String> = rows.iter().map(|row| name(answer, row, &chart.x)).collect();
    x.sort();
    x.dedup();
    let Some(column) = &chart.series else {
        let plot = plot(answer, &x, rows, mark, &answer.query.question);
        return one_plot(answer, &x, &plot);
    };
    let mut series = series(answer, rows, column);
    if mark == Mark::Line && chart.y.len() == 1 && series.len() <= LINES {
        return one_plot(answer, &x, &together(answer, &x, &series));
    }
    let n_others = series.len().saturating_sub(chart.top.unwrap_or(PLOTS));
    series.truncate(chart.top.unwrap_or(PLOTS));
    let mut plots: Vec<Lines> = series
        .iter()
        .map(|one| plot(answer, &x, &one.rows, mark, &one.name))
        .collect();
    let most = plots.iter().flat_map(values).fold(0.0, f64::max);
    for plot in &mut plots {
        plot.most = Some(most);
        plot.height = 84;
        plot.is_small = true;
    }
    let chart = html! {
        @if let Some(plot) = plots.first().filter(|plot| plot.lines.len() > 1) { (key(plot)) }
        div.multi { @for (plot, one) in plots.iter().zip(&series) {
            @let about = one.rows.first().map(|row| about(answer, row)).unwrap_or_default();
            div.one data-about=[attribute(&about)] { p.read { bdi { (one.name) } } (lines(plot)) }
        } }
        p.note {
            "One scale for all." @if let Some(words) = part(answer, &x) { " " (words) } @if n_others > 0 { " " (n_others) " more in the table below." }
        }
    };
    Drawn {
        chart,
        is_wide: true,
    }
}

fn one_plot(answer: &Answer<'_>, x: &[String], plot: &Lines) -> Drawn {
    Drawn {
        chart: html! { (lines(plot)) @if let Some(words) = part(answer, x) { p.note { (words) } } },
        is_wide: false,
    }
}

/// The series, those with the greatest sum first.
pub(crate) fn series<'r>(
    answer: &Answer<'_>,
    rows: &[&'r Vec<Value>],
    column: &str,
) -> Vec<Series<'r>> {
    let names = Names::of(answer, rows, column);
    let mut found: BTreeMap<String, Series<'r>> = BTreeMap::new();
    for row in rows {
        let name = names.name(row);
        let one = found.entry(name.clone()).or_insert_with(|| Series {
            name,
            rows: Vec::new(),
            total: 0.0,
        });
        let y = answer.query.chart.y.first();
        one.total += y.and_then(|y| figure(answer, row, y)).unwrap_or(0.0);
        one.rows.push(row);
    }
    let mut series: Vec<Series> = found.into_values().collect();
    series.sort_by(|a, b| b.total.total_cmp(&a.total));
    series
}

/// A plot of the measures of some rows.
fn plot(
    answer: &Answer<'_>,
    x: &[String],
    rows: &[&Vec<Value>],
    mark: Mark,
    caption: &str,
) -> Lines {
    let chart = &answer.query.chart;
    let at = |x: &str| rows.iter().find(|row| name(answer, row, &chart.x) == x);
    let values = |column: &str| -> Vec<Option<f64>> {
        x.iter()
            .map(|x| at(x).and_then(|row| figure(answer, row, column)))
            .collect()
    };
    let line = |column: &String, mark| Line {
        name: words(column),
        mark,
        values: values(column),
    };
    let measures = chart.y.iter().map(|column| line(column, mark));
    let limits = chart.limits.iter().map(|column| line(column, Mark::Limit));
    let marked = chart.mark.iter().flat_map(|column| values(column));
    Lines {
        caption: caption.to_owned(),
        x: x.to_vec(),
        lines: measures.chain(limits).collect(),
        band: chart.band.as_ref().map(|(low, high)| Band {
            name: format!("{} to {}", words(low), words(high)),
            low: values(low),
            high: values(high),
        }),
        marked: marked.map(|value| value == Some(1.0)).collect(),
        hollow: x.iter().map(|x| is_part(answer, x)).collect(),
        unit: chart.y.first().map_or(Unit::Number, |y| Unit::of_column(y)),
        most: None,
        height: 150,
        is_small: false,
    }
}

/// A plot with a line for each of a few series.
fn together(answer: &Answer<'_>, x: &[String], series: &[Series<'_>]) -> Lines {
    let question = &answer.query.question;
    let mut whole = plot(answer, x, &[], Mark::Line, question);
    whole.lines.clear();
    whole.band = None;
    for one in series {
        let mut alone = plot(answer, x, &one.rows, Mark::Line, question);
        if let Some(line) = alone.lines.first_mut() {
            line.name.clone_from(&one.name);
            whole.lines.push(line.clone());
        }
    }
    whole
}

/// Whether the period of an answer has only a part of a week, a month or a quarter.
fn is_part(answer: &Answer<'_>, x: &str) -> bool {
    let (Some(moment), Some(period)) = (Moment::parse(x), &answer.period) else {
        return false;
    };
    !moment.is_within(period.from.as_deref(), period.to.as_deref())
}

/// What is said of hollow marks, if there are any.
fn part(answer: &Answer<'_>, x: &[String]) -> Option<String> {
    let part = x.iter().find(|x| is_part(answer, x))?;
    let noun = Moment::parse(part)?.noun();
    Some(format!("Hollow: not a whole {noun}."))
}

fn values(plot: &Lines) -> impl Iterator<Item = f64> + '_ {
    plot.lines
        .iter()
        .flat_map(|line| line.values.iter().flatten().copied())
}
