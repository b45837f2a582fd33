//! How values are spread: a row for each name, with a line from the lowest of its figures to the highest and a mark at
//! each; durations on a logarithmic axis, since a few are a hundred times as long as most.

use maud::{Markup, html};

use crate::{Bar, Scale, Unit, attribute, percent};

/// A table of spreads.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// What the table shows, for screen readers.
    pub caption: String,
    /// What the names are.
    pub heading: String,
    /// The figures of a row, from the lowest to the highest: what each is called.
    pub measures: Vec<String>,
    /// Their unit.
    pub unit: Unit,
    /// The place of the figure that matters most, such as the median: it has a dot, the others a tick.
    pub middle: usize,
    /// The rows.
    pub rows: Vec<Bar>,
    /// How many more there are.
    pub n_others: usize,
}

const HEIGHT: f64 = 26.0;

/// The least distance between two labels of the axis, as a part of its width.
const APART: f64 = 0.19;

/// Draws the table. All rows share one axis.
pub fn spread(chart: &Spread) -> Markup {
    let minutes = chart.unit.minutes();
    let scale = scale(chart);
    let place = |value: f64| scale.place(value * minutes.unwrap_or(1.0));
    let show = |tick: f64| match minutes {
        Some(_) => Unit::Minutes.show(tick),
        None => chart.unit.show(tick),
    };
    html! {
        ul.key {
            @for (index, name) in chart.measures.iter().enumerate() {
                li { svg width="14" height="12" aria-hidden="true" { (mark(chart, index, "50%", "b")) } (name) }
            }
        }
        table.rows {
            caption.vh { (chart.caption) }
            thead { tr {
                th scope="col" { span.vh { (chart.heading) } }
                th scope="col" {
                    span.vh { "Spread" @if minutes.is_some() { ", logarithmic" } }
                    svg.ax width="100%" height="15" aria-hidden="true" { @for (index, tick) in labelled(&scale) {
                        text x=(percent(scale.place(tick))) y="11"
                            text-anchor=(if scale.place(tick) < 0.03 { "start" } else if scale.place(tick) > 0.97 { "end" } else { "middle" })
                            class=[(index % 2 == 1).then_some("m2")] { (show(tick)) }
                    } }
                }
                @for name in with_numbers(chart, &chart.measures) { th.num scope="col" { (name) } }
            } }
            tbody { @for row in &chart.rows { tr data-about=[attribute(&row.about)] {
                th scope="row" { bdi.cut { (row.name) } }
                td.draw { (drawing(chart, row, &scale, &place)) }
                @for value in with_numbers(chart, &row.values) { td.num { (value.map_or("–".to_owned(), |value| chart.unit.show(value))) } }
            } } }
        }
        @if minutes.is_some() { p.note { "Logarithmic: each line of the grid is about three times the one before." } }
        @if chart.n_others > 0 { p.note { (chart.n_others) " more in the table below." } }
    }
}

fn scale(chart: &Spread) -> Scale {
    let values = || {
        chart
            .rows
            .iter()
            .flat_map(|row| row.values.iter().flatten().copied())
    };
    let most = values().fold(0.0, f64::max);
    let Some(minutes) = chart.unit.minutes() else {
        return Scale::linear(most, chart.unit);
    };
    // What took no time at all lies at the beginning of the axis.
    let least = values()
        .filter(|value| *value > 0.0)
        .fold(f64::INFINITY, f64::min);
    Scale::durations(least.min(most) * minutes, most * minutes)
}

/// What has its number beside the drawing: the figure that matters and the one after it. The ends have their marks.
fn with_numbers<'v, T>(chart: &Spread, all: &'v [T]) -> impl Iterator<Item = &'v T> {
    all.iter().skip(chart.middle).take(2)
}

/// The ticks that have room for a label, the first and the last among them.
fn labelled(scale: &Scale) -> Vec<(usize, f64)> {
    let mut kept: Vec<f64> = Vec::new();
    for (index, tick) in scale.ticks.iter().enumerate() {
        let is_far = |other: &f64| scale.place(*tick) - scale.place(*other) >= APART;
        let is_last = index + 1 == scale.ticks.len();
        if is_last || kept.last().is_none_or(is_far) && 1.0 - scale.place(*tick) >= APART {
            kept.push(*tick);
        }
    }
    kept.into_iter().enumerate().collect()
}

fn drawing(chart: &Spread, row: &Bar, scale: &Scale, place: &dyn Fn(f64) -> f64) -> Markup {
    let known = || row.values.iter().flatten().copied();
    let low = known().fold(f64::INFINITY, f64::min);
    let high = known().fold(f64::NEG_INFINITY, f64::max);
    let class = if row.is_weak { "hb" } else { "b" };
    html! { svg.c width="100%" height=(HEIGHT) aria-hidden="true" {
        @for tick in &scale.ticks {
            @let x = percent(scale.place(*tick));
            line x1=(x) x2=(x) y1="0" y2=(HEIGHT) class="gl" {}
        }
        @if low <= high {
            line x1=(percent(place(low))) x2=(percent(place(high))) y1="13" y2="13" class="span" {}
        }
        @for (index, value) in row.values.iter().enumerate() { @if let Some(value) = value {
            svg x=(percent(place(*value))) y="7" width="1" height="12" overflow="visible" { (mark(chart, index, "0", class)) }
        } }
    } }
}

/// The mark of a figure: a dot for the one that matters, a tall tick for the next, short ticks for the ends.
fn mark(chart: &Spread, index: usize, x: &str, class: &str) -> Markup {
    html! {
        @if index == chart.middle { circle cx=(x) cy="6" r="4.5" class=(class) {} }
        @else {
            @let half = if index == chart.middle + 1 { 6.0 } else { 3.0 };
            line x1=(x) x2=(x) y1=(6.0 - half) y2=(6.0 + half) class="tick" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(unit: Unit, rows: &[&[Option<f64>]]) -> String {
        let row = |(place, values): (usize, &&[Option<f64>])| Bar {
            name: format!("<{place}>"),
            values: values.to_vec(),
            about: Vec::new(),
            is_weak: place == 1,
            so_far: None,
        };
        let chart = Spread {
            caption: "c".into(),
            heading: "service".into(),
            measures: ["half", "nine in ten"].map(str::to_owned).to_vec(),
            unit,
            middle: 0,
            rows: rows.iter().enumerate().map(row).collect(),
            n_others: 2,
        };
        spread(&chart).into_string()
    }

    #[test]
    fn durations_lie_on_a_logarithmic_axis() {
        // From 1 minute to 10 hours and more: the grid begins at 1 minute.
        let drawn = chart(
            Unit::Minutes,
            &[&[Some(1.0), Some(600.0)], &[Some(10.0), None]],
        );
        assert!(
            drawn.contains("<line x1=\"0%\" x2=\"100%\" y1=\"13\""),
            "{drawn}"
        );
        let place = 10_f64.ln() / 600_f64.ln();
        assert!(
            drawn.contains(&format!("<svg x=\"{}\"", percent(place))),
            "{drawn}"
        );
        assert!(drawn.contains("class=\"hb\"") && drawn.contains("Logarithmic"));
        assert!(drawn.contains("&lt;0&gt;") && drawn.contains("2 more"));
        // The same in hours, and no duration at all on an axis from 0.
        let hours = chart(Unit::Hours, &[&[Some(1.0 / 60.0), Some(10.0)]]);
        assert!(
            hours.contains("<line x1=\"0%\" x2=\"100%\" y1=\"13\""),
            "{hours}"
        );
        let counts = chart(Unit::Count, &[&[Some(5.0), Some(10.0)]]);
        assert!(counts.contains("<line x1=\"50%\" x2=\"100%\"") && !counts.contains("Logarithmic"));
    }

    #[test]
    fn nothing_and_no_time_at_all() {
        for rows in [
            &[][..],
            &[&[None, None][..]],
            &[&[Some(0.0), Some(0.0)][..]],
        ] {
            let drawn = chart(Unit::Minutes, rows);
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
