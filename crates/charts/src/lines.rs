//! Values over time or over categories in order: lines, columns, and limits.

use maud::{Markup, html};

use crate::time::labels;
use crate::{Moment, Scale, Unit, hue, percent, positions, round};

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A line with points.
    Line,
    /// Columns; those of several series stand on one another.
    Column,
    /// A dashed line: a limit, or a mean.
    Limit,
}

/// A series: a value for each place along x, nothing where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is called, at its end or in the key.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// Its values.
    pub values: Vec<Option<f64>>,
}

/// A pale band behind the series.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// What it is called, in the key.
    pub name: String,
    /// Its lower edge; there is no band where either is missing.
    pub low: Vec<Option<f64>>,
    /// Its upper edge.
    pub high: Vec<Option<f64>>,
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// What it shows, for screen readers.
    pub caption: String,
    /// The places along x: weeks, months or quarters as answers write them, or else names in order.
    pub x: Vec<String>,
    /// The series.
    pub lines: Vec<Line>,
    /// A band behind them.
    pub band: Option<Band>,
    /// Places along x that are marked by a shape, such as weeks beyond a limit.
    pub marked: Vec<bool>,
    /// Places along x that are hollow, such as a week that is not over.
    pub hollow: Vec<bool>,
    /// What the values are measured in.
    pub unit: Unit,
    /// The greatest value of all plots that are to be compared; nothing for this plot's own.
    pub most: Option<f64>,
    /// Its height in pixels.
    pub height: u32,
    /// Whether it is one of several beside one another: without labels at its ends and without a key, which stands above
    /// them all.
    pub is_small: bool,
}

/// Above so many points a line has none.
const POINTS: usize = 40;

/// Two labels at the ends of lines stand so far apart, in pixels.
const APART: f64 = 14.0;

/// Room above the highest value, in pixels.
const TOP: f64 = 8.0;

/// Draws the plot, from 0, with the axis of x below it.
pub fn lines(plot: &Lines) -> Markup {
    let scale = Scale::linear(plot.most.unwrap_or_else(|| most(plot)), plot.unit);
    let height = f64::from(plot.height);
    let y = |value: f64| round(TOP + (height - TOP - 1.0) * (1.0 - scale.place(value)), 1);
    let places = places(&plot.x);
    let drawn: Vec<&Line> = plot
        .lines
        .iter()
        .filter(|line| line.mark == Mark::Line)
        .collect();
    let has_ends = drawn.len() > 1 && drawn.len() <= 4 && !plot.is_small;
    let is_mixed = plot.lines.len() > drawn.len() && plot.lines.len() > 1 || plot.band.is_some();
    let widest = scale
        .ticks
        .iter()
        .map(|tick| plot.unit.show(*tick).chars().count())
        .max();
    let width = widest.unwrap_or(0) * 7 + 4;
    html! {
        @if !plot.is_small && is_mixed { (key(plot)) }
        // Where the ends have no room for labels.
        @else if has_ends { div.narrow { (key(plot)) } }
        div class=(if has_ends { "plot ends" } else { "plot" }) {
            svg.yl width=(width) height=(height + 6.0) aria-hidden="true" { @for tick in &scale.ticks {
                text x="100%" y=(y(*tick) + 4.0) text-anchor="end" { (plot.unit.show(*tick)) }
            } }
            svg.area width="100%" height=(height + 6.0) role="img" aria-label=(plot.caption) {
                @for tick in &scale.ticks {
                    line x1="0%" x2="100%" y1=(y(*tick)) y2=(y(*tick)) class=(if *tick == 0.0 { "g0" } else { "gl" }) {}
                }
                @if let Some(band) = &plot.band { (band_of(band, &places, height, &y)) }
                (columns_of(plot, &places, &y))
                @for (place, line) in plot.lines.iter().enumerate() {
                    @match line.mark {
                        Mark::Line => (line_of(line, plot, &places, &y, hue(place))),
                        Mark::Limit => (path(&line.values, &places, height, &y, "lim")),
                        Mark::Column => {},
                    }
                }
            }
            @if has_ends { (end_labels(&drawn, plot, height, &y)) }
            (x_axis(plot, &places))
        }
    }
}

/// What the marks of a plot mean.
pub fn key(plot: &Lines) -> Markup {
    html! { ul.key {
        @for (place, line) in plot.lines.iter().enumerate() { li {
            svg width="14" height="12" aria-hidden="true" { @match line.mark {
                Mark::Column => rect x="1" y="1" width="12" height="10" class=(hue(place)) {},
                Mark::Line => line x1="0" x2="14" y1="6" y2="6" class=(format!("s{}", hue(place))) {},
                Mark::Limit => line x1="0" x2="14" y1="6" y2="6" class="lim" {},
            } }
            (line.name)
        } }
        @if let Some(band) = &plot.band { li {
            svg width="14" height="12" aria-hidden="true" { rect x="0" y="1" width="14" height="10" class="band" {} }
            (band.name)
        } }
    } }
}

fn most(plot: &Lines) -> f64 {
    let at = |place: usize, line: &Line| line.values.get(place).copied().flatten().unwrap_or(0.0);
    let mut most = 0.0_f64;
    for place in 0..plot.x.len() {
        let columns = plot.lines.iter().filter(|line| line.mark == Mark::Column);
        most = most.max(columns.map(|line| at(place, line)).sum());
        let others = plot.lines.iter().filter(|line| line.mark != Mark::Column);
        most = others.map(|line| at(place, line)).fold(most, f64::max);
    }
    if let Some(band) = &plot.band {
        most = band.high.iter().flatten().copied().fold(most, f64::max);
    }
    most
}

/// Where each place along x begins and how wide it is, from 0 to 1.
fn places(x: &[String]) -> Vec<(f64, f64)> {
    match moments(x) {
        Some(moments) => positions(&moments),
        None => {
            let width = 1.0 / x.len().max(1) as f64;
            (0..x.len())
                .map(|place| (place as f64 * width, width))
                .collect()
        }
    }
}

fn moments(x: &[String]) -> Option<Vec<Moment>> {
    x.iter().map(|text| Moment::parse(text)).collect()
}

fn middle((begin, width): (f64, f64)) -> f64 {
    begin + width / 2.0
}

fn columns_of(plot: &Lines, places: &[(f64, f64)], y: &dyn Fn(f64) -> f64) -> Markup {
    let columns: Vec<&Line> = plot
        .lines
        .iter()
        .filter(|line| line.mark == Mark::Column)
        .collect();
    html! { @for (index, place) in places.iter().enumerate() {
        @let stack = stack(&columns, index);
        @for (hue_place, (line, (base, top))) in columns.iter().zip(&stack).enumerate() {
            @let height = round(y(*base) - y(*top), 1);
            @if height > 0.0 {
                rect x=(percent(place.0 + place.1 * 0.14)) width=(percent(place.1 * 0.72)) y=(y(*top)) height=(height) class=(filled(hue(hue_place), is_hollow(plot, index))) {
                    title { (plot.x[index]) ": " (line.name) " " (plot.unit.show(top - base)) }
                }
            }
        }
        @if plot.marked.get(index).copied().unwrap_or(false) {
            @let top = stack.last().map_or(0.0, |(_, top)| *top);
            svg x=(percent(middle(*place))) y=(round(y(top) - 7.0, 1)) overflow="visible" width="1" height="1" {
                path d="M0-3.5L4 3.5H-4Z" class="v" {}
            }
        }
    } }
}

/// From where to where each column reaches at a place along x.
fn stack(columns: &[&Line], index: usize) -> Vec<(f64, f64)> {
    let mut base = 0.0;
    let mut stack = Vec::new();
    for line in columns {
        let value = line.values.get(index).copied().flatten().unwrap_or(0.0);
        let top = base + value.max(0.0);
        stack.push((base, top));
        base = top;
    }
    stack
}

fn line_of(
    line: &Line,
    plot: &Lines,
    places: &[(f64, f64)],
    y: &dyn Fn(f64) -> f64,
    class: &str,
) -> Markup {
    let points: Vec<(f64, f64, bool)> = places
        .iter()
        .zip(&line.values)
        .enumerate()
        .filter_map(|(index, (place, value))| {
            Some((middle(*place), (*value)?, is_hollow(plot, index)))
        })
        .collect();
    let is_dotted = points.len() <= POINTS;
    html! {
        (path(&line.values, places, f64::from(plot.height), y, &format!("s{class}")))
        @for (x, value, is_hollow) in points.iter().filter(|point| is_dotted || point.2) {
            circle cx=(percent(*x)) cy=(y(*value)) r="3" class=(filled(class, *is_hollow)) {}
        }
    }
}

fn is_hollow(plot: &Lines, index: usize) -> bool {
    plot.hollow.get(index).copied().unwrap_or(false)
}

fn filled(class: &str, is_hollow: bool) -> String {
    match is_hollow {
        true => format!("h{class}"),
        false => class.to_owned(),
    }
}

/// A path through the values, broken where one is missing.
fn path(
    values: &[Option<f64>],
    places: &[(f64, f64)],
    height: f64,
    y: &dyn Fn(f64) -> f64,
    class: &str,
) -> Markup {
    let mut d = String::new();
    let mut is_begun = false;
    for (place, value) in places.iter().zip(values) {
        match value {
            Some(value) => {
                let command = if is_begun { 'L' } else { 'M' };
                d += &format!(
                    "{command}{} {}",
                    round(1_000.0 * middle(*place), 1),
                    y(*value)
                );
                is_begun = true;
            }
            None => is_begun = false,
        }
    }
    stretched(&d, height, class)
}

/// The area between two edges, broken where one is missing.
fn band_of(band: &Band, places: &[(f64, f64)], height: f64, y: &dyn Fn(f64) -> f64) -> Markup {
    let edges = places.iter().zip(band.low.iter().zip(&band.high));
    let edges: Vec<Option<(f64, f64, f64)>> = edges
        .map(|(place, (low, high))| {
            Some((round(1_000.0 * middle(*place), 1), y((*low)?), y((*high)?)))
        })
        .collect();
    let mut d = String::new();
    for run in edges.split(Option::is_none).filter(|run| !run.is_empty()) {
        let run: Vec<(f64, f64, f64)> = run.iter().flatten().copied().collect();
        let upper = run.iter().map(|(x, _, high)| format!("{x} {high}"));
        let lower = run.iter().rev().map(|(x, low, _)| format!("{x} {low}"));
        d += &format!("M{}Z", upper.chain(lower).collect::<Vec<_>>().join("L"));
    }
    stretched(&d, height, "band")
}

/// A path in a drawing of its own that stretches only in x; its strokes do not stretch.
fn stretched(d: &str, height: f64, class: &str) -> Markup {
    html! { @if !d.is_empty() {
        svg x="0" y="0" width="100%" height=(height) viewBox=(format!("0 0 1000 {height}")) preserveAspectRatio="none" overflow="visible" {
            path d=(d) class=(class) vector-effect="non-scaling-stroke" {}
        }
    } }
}

fn end_labels(drawn: &[&Line], plot: &Lines, height: f64, y: &dyn Fn(f64) -> f64) -> Markup {
    let mut ends: Vec<(f64, usize, &str)> = drawn
        .iter()
        .filter_map(|line| {
            let place = plot
                .lines
                .iter()
                .position(|other| std::ptr::eq(other, *line))?;
            let last = line.values.iter().rev().flatten().next()?;
            Some((y(*last), place, line.name.as_str()))
        })
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for index in 1..ends.len() {
        ends[index].0 = ends[index].0.max(ends[index - 1].0 + APART);
    }
    // What was pushed out below moves up again.
    let over = ends.last().map_or(0.0, |end| (end.0 - height).max(0.0));
    html! { svg.el width="100%" height=(height + 6.0) aria-hidden="true" { @for (at, place, name) in &ends {
        text x="6" y=(round(at - over + 4.0, 1)) class=(format!("t{}", hue(*place))) { (name) }
    } } }
}

fn x_axis(plot: &Lines, places: &[(f64, f64)]) -> Markup {
    let labels: Vec<(f64, String)> = match moments(&plot.x) {
        Some(moments) => labels(&moments, if plot.is_small { 0.3 } else { 0.14 }),
        None => places
            .iter()
            .zip(&plot.x)
            .map(|(place, name)| (middle(*place), name.clone()))
            .collect(),
    };
    // As many as have room; of the rest every second, third, … is left out.
    let every = labels.len().div_ceil(12).max(1);
    html! { svg.xl width="100%" height="16" aria-hidden="true" { @for (place, (x, words)) in labels.iter().enumerate() {
        @if place % every == 0 {
            text x=(percent(*x)) y="12" text-anchor=(if *x < 0.06 { "start" } else if *x > 0.94 { "end" } else { "middle" })
                class=[(place % 2 == 1).then_some("m2")] { (words) }
        }
    } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(x: &[&str], lines: Vec<Line>) -> Lines {
        Lines {
            caption: "c".into(),
            x: x.iter().map(|x| (*x).to_owned()).collect(),
            lines,
            band: None,
            marked: Vec::new(),
            hollow: Vec::new(),
            unit: Unit::Count,
            most: None,
            height: 100,
            is_small: false,
        }
    }

    fn line(name: &str, mark: Mark, values: &[Option<f64>]) -> Line {
        Line {
            name: name.into(),
            mark,
            values: values.to_vec(),
        }
    }

    #[test]
    fn a_line_is_broken_where_a_value_is_missing() {
        let values = [Some(1.0), None, Some(4.0), Some(2.0)];
        let drawn = super::lines(&plot(
            &["a", "b", "c", "d"],
            vec![line("n", Mark::Line, &values)],
        ));
        let drawn = drawn.into_string();
        assert!(drawn.contains("d=\"M125 76.3M625 8L875 53.5\""), "{drawn}");
        assert_eq!(drawn.matches("<circle").count(), 3);
    }

    #[test]
    fn a_band_lies_between_its_edges() {
        let mut plot = plot(
            &["a", "b", "c"],
            vec![line("n", Mark::Line, &[Some(1.0); 3])],
        );
        plot.band = Some(Band {
            name: "to nine in ten".into(),
            low: vec![Some(0.0), Some(0.0), None],
            high: vec![Some(4.0), Some(2.0), Some(9.0)],
        });
        let drawn = super::lines(&plot).into_string();
        // The greatest value sets the axis: 9 of 10.
        assert!(
            drawn.contains("M166.7 62.6L500 80.8L500 99L166.7 99Z"),
            "{drawn}"
        );
        assert!(drawn.contains("to nine in ten"));
    }

    #[test]
    fn columns_stand_on_one_another() {
        let lines = vec![
            line("day", Mark::Column, &[Some(3.0), Some(1.0)]),
            line("night", Mark::Column, &[Some(2.0), None]),
            line("mean", Mark::Limit, &[Some(2.5), Some(2.5)]),
        ];
        let mut plot = plot(&["2026-01-05", "2026-01-12"], lines);
        plot.marked = vec![true, false];
        plot.hollow = vec![false, true];
        let drawn = super::lines(&plot).into_string();
        assert_eq!(
            drawn.matches("<rect").count(),
            3 + 2,
            "three columns and two keys: {drawn}"
        );
        assert!(drawn.contains("Jan ’26") && drawn.contains("M0-3.5L4 3.5H-4Z"));
        assert!(drawn.contains("2026-01-05: night 2"));
        assert_eq!(drawn.matches("class=\"hb\"").count(), 1, "the second week");
    }

    #[test]
    fn labels_at_the_ends_keep_apart() {
        let lines = (0..3)
            .map(|n| line(&format!("line {n}"), Mark::Line, &[Some(1.0), Some(1.0)]))
            .collect();
        let drawn = super::lines(&plot(&["a", "b"], lines)).into_string();
        for n in 0..3 {
            assert!(drawn.contains(&format!("line {n}")));
        }
        let ys: Vec<&str> = drawn
            .split("x=\"6\" y=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        let ys: Vec<f64> = ys.iter().map(|y| y.parse().unwrap()).collect();
        assert!(
            ys.windows(2).all(|pair| pair[1] - pair[0] >= APART - 0.1),
            "{ys:?}"
        );
    }

    #[test]
    fn nothing_one_point_and_very_many() {
        assert!(
            !super::lines(&plot(&[], Vec::new()))
                .into_string()
                .contains("NaN")
        );
        let one =
            super::lines(&plot(&["a"], vec![line("n", Mark::Line, &[Some(0.0)])])).into_string();
        assert!(one.contains("<circle") && !one.contains("NaN"), "{one}");
        let x: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
        let names: Vec<&str> = x.iter().map(String::as_str).collect();
        let many = line("n", Mark::Line, &vec![Some(1e12); 2_000]);
        let drawn = super::lines(&plot(&names, vec![many])).into_string();
        assert_eq!(drawn.matches("<circle").count(), 0);
        assert!(drawn.len() < 60_000, "{}", drawn.len());
    }
}
