//! Bars, as a table with a drawing in each row: names and numbers are text, rows can hide and sort, and the table behind
//! the chart is the chart.

use maud::{Markup, html};

use crate::{Scale, Unit, hue, percent, round};

/// How several measures of a row are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarKind {
    /// One bar below the other.
    Beside,
    /// One behind the other, as parts of a sum.
    Stacked,
    /// As parts of their sum, which is the whole width.
    Shares,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// A value for each measure; nothing where there is none.
    pub values: Vec<Option<f64>>,
    /// What the row is about, by dimension, so that it can be filtered: `("team", "Payments")`.
    pub about: Vec<(String, String)>,
    /// Whether too few values stand behind it: then it is drawn hollow.
    pub is_weak: bool,
    /// The share, in per cent, of it and all before it; nothing where that is not asked.
    pub so_far: Option<f64>,
}

/// A table of bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// What the table shows, for screen readers.
    pub caption: String,
    /// What the names are.
    pub heading: String,
    /// The measures: what each is called, and its unit.
    pub measures: Vec<(String, Unit)>,
    /// How they are drawn.
    pub kind: BarKind,
    /// The rows that have a bar.
    pub rows: Vec<Bar>,
    /// How many more there are, without a bar.
    pub n_others: usize,
}

const HEIGHT: f64 = 26.0;

/// Draws the table. All bars begin at 0 and share one scale.
pub fn bars(chart: &Bars) -> Markup {
    let scale = scale(chart);
    let shows_key = chart.measures.len() > 1;
    let is_pareto = chart.rows.iter().any(|row| row.so_far.is_some());
    let with_numbers: &[(String, Unit)] = match chart.kind {
        BarKind::Beside => &chart.measures,
        _ => &chart.measures[..0],
    };
    html! {
        @if shows_key { (key(chart.measures.iter().map(|(name, _)| name.as_str()))) }
        table.rows {
            caption.vh { (chart.caption) }
            thead { tr {
                th scope="col" { span.vh { (chart.heading) } }
                th scope="col" { span.vh { "Bars" } (axis(&scale, chart)) }
                @for (name, _) in with_numbers { th.num scope="col" { (name) } }
                @if with_numbers.is_empty() { th.num scope="col" { "all" } }
                @if is_pareto { th.so-far scope="col" { span.vh { "So far, in per cent" } (so_far_axis()) } }
            } }
            tbody { @for (place, row) in chart.rows.iter().enumerate() {
                tr data-about=[attribute(&row.about)] {
                    th scope="row" { bdi.cut { (row.name) } }
                    td.draw { (drawing(row, &scale, chart)) }
                    @if with_numbers.is_empty() {
                        td.num { (sum(row, chart)) }
                    }
                    @for ((_, unit), value) in with_numbers.iter().zip(&row.values) {
                        td.num { (value.map_or("–".to_owned(), |value| unit.show(value))) }
                    }
                    @if is_pareto { td.draw.so-far { (so_far(chart, place)) } }
                }
            } }
        }
        @if chart.n_others > 0 { p.note { (chart.n_others) " more in the table below." } }
    }
}

/// What the hues mean.
fn key<'n>(names: impl Iterator<Item = &'n str>) -> Markup {
    html! { ul.key { @for (place, name) in names.enumerate() {
        li { svg width="14" height="12" aria-hidden="true" { rect x="1" y="1" width="12" height="10" class=(hue(place)) {} } (name) }
    } } }
}

/// What a row is about, as the attribute that filters look at: `team=Payments|severity=p1`.
pub fn attribute(about: &[(String, String)]) -> Option<String> {
    let parts: Vec<String> = about
        .iter()
        .map(|(dimension, value)| format!("{dimension}={value}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join("|"))
}

fn scale(chart: &Bars) -> Scale {
    let unit = chart
        .measures
        .first()
        .map_or(Unit::Number, |(_, unit)| *unit);
    let most = |row: &Bar| match chart.kind {
        BarKind::Beside => row.values.iter().flatten().copied().fold(0.0, f64::max),
        _ => row.values.iter().flatten().sum(),
    };
    match chart.kind {
        BarKind::Shares => Scale::linear(100.0, Unit::Percent),
        _ => Scale::linear(chart.rows.iter().map(most).fold(0.0, f64::max), unit),
    }
}

fn axis(scale: &Scale, chart: &Bars) -> Markup {
    let unit = match chart.kind {
        BarKind::Shares => Unit::Percent,
        _ => chart
            .measures
            .first()
            .map_or(Unit::Number, |(_, unit)| *unit),
    };
    let last = scale.ticks.len() - 1;
    html! { svg.ax width="100%" height="15" aria-hidden="true" {
        @for (place, tick) in scale.ticks.iter().enumerate() {
            // Two labels near the end would overlap.
            @if last < 5 || place % 2 == 0 && place + 1 != last || place == last { text x=(percent(scale.place(*tick))) y="11"
                text-anchor=(if place == 0 { "start" } else if place == last { "end" } else { "middle" })
                class=[(place != 0 && place != last).then_some("m2")] { (unit.show(*tick)) } }
        }
    } }
}

fn drawing(row: &Bar, scale: &Scale, chart: &Bars) -> Markup {
    html! { svg.c width="100%" height=(HEIGHT) aria-hidden="true" {
        @for tick in &scale.ticks {
            @let x = percent(scale.place(*tick));
            line x1=(x) x2=(x) y1="0" y2=(HEIGHT) class=(if *tick == 0.0 { "g0" } else { "gl" }) {}
        }
        @for (place, part) in parts(row, scale, chart).iter().enumerate() {
            @let hue = hue(place);
            @if part.length > 0.0 {
                rect x=(percent(part.from)) width=(percent(part.length)) y=(round(part.top, 1)) height=(round(part.height, 1))
                    class=(if row.is_weak { format!("h{hue}") } else { hue.to_owned() }) {}
            }
        }
    } }
}

/// Where a bar is drawn: along x from 0 to 1, along y in pixels.
struct Part {
    from: f64,
    length: f64,
    top: f64,
    height: f64,
}

/// The bars of a row, one for each measure.
fn parts(row: &Bar, scale: &Scale, chart: &Bars) -> Vec<Part> {
    let values: Vec<f64> = row
        .values
        .iter()
        .map(|value| value.unwrap_or(0.0).max(0.0))
        .collect();
    if chart.kind == BarKind::Beside {
        // The first measure is the one that matters: its bar is the thickest.
        let n = values.len().max(1) as f64;
        let thick = if n == 1.0 {
            16.0
        } else {
            (22.0 / (n + 0.6)).floor()
        };
        let heights = (0..values.len()).map(|place| if place == 0 { thick } else { thick * 0.6 });
        let mut top = (HEIGHT - thick * (1.0 + 0.6 * (n - 1.0)) - (n - 1.0)) / 2.0;
        let mut parts = Vec::new();
        for (value, height) in values.iter().zip(heights) {
            parts.push(Part {
                from: 0.0,
                length: scale.place(*value),
                top,
                height,
            });
            top += height + 1.0;
        }
        return parts;
    }
    let all: f64 = values.iter().sum();
    let factor = match chart.kind {
        BarKind::Shares if all > 0.0 => 100.0 / all,
        _ => 1.0,
    };
    let mut sum = 0.0;
    let mut parts = Vec::new();
    for value in values {
        let from = scale.place(sum);
        sum += value * factor;
        parts.push(Part {
            from,
            length: scale.place(sum) - from,
            top: 5.0,
            height: 16.0,
        });
    }
    parts
}

/// The shares that lead the eye: half, four fifths, all.
const SO_FAR: [f64; 3] = [50.0, 80.0, 100.0];

fn so_far_axis() -> Markup {
    // The label of four fifths would overlap that of all.
    html! { svg.ax width="100%" height="15" aria-hidden="true" { @for share in [SO_FAR[0], SO_FAR[2]] {
        text x=(percent(share / 100.0)) y="11" text-anchor=(if share == 100.0 { "end" } else { "middle" }) { (Unit::Percent.show(share)) }
    } } }
}

/// The part of the line of shares that lies in a row: from half way to the row above to half way to the row below. Where
/// the shares begin anew, so does the line.
fn so_far(chart: &Bars, place: usize) -> Markup {
    let share = |place: usize| chart.rows.get(place).and_then(|row| row.so_far);
    let Some(here) = share(place) else {
        return html! {};
    };
    let above = place
        .checked_sub(1)
        .and_then(share)
        .filter(|above| *above <= here);
    let below = share(place + 1).filter(|below| *below >= here);
    let half = |other: f64| round(5.0 * (here + other), 1);
    let mut d = String::new();
    d += &above.map_or(format!("M{} 13", round(10.0 * here, 1)), |above| {
        format!("M{} 0L{} 13", half(above), round(10.0 * here, 1))
    });
    d += &below.map_or(String::new(), |below| format!("L{} 26", half(below)));
    html! { svg.c width="100%" height=(HEIGHT) aria-hidden="true" {
        @for share in SO_FAR {
            line x1=(percent(share / 100.0)) x2=(percent(share / 100.0)) y1="0" y2=(HEIGHT) class="gl" {}
        }
        svg x="0" y="0" width="100%" height=(HEIGHT) viewBox="0 0 1000 26" preserveAspectRatio="none" overflow="visible" {
            path d=(d) class="sk" vector-effect="non-scaling-stroke" {}
        }
        circle cx=(percent(here / 100.0)) cy="13" r="3" class="k" { title { (Unit::Percent.show(here)) } }
    } }
}

fn sum(row: &Bar, chart: &Bars) -> String {
    let unit = chart
        .measures
        .first()
        .map_or(Unit::Number, |(_, unit)| *unit);
    unit.show(row.values.iter().flatten().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(kind: BarKind, values: &[[f64; 2]]) -> Bars {
        let row = |(place, values): (usize, &[f64; 2])| Bar {
            name: format!("<{place}>"),
            values: values.iter().map(|value| Some(*value)).collect(),
            about: vec![("team".into(), "A\"B".into())],
            is_weak: place == 1,
            so_far: None,
        };
        Bars {
            caption: "c".into(),
            heading: "service".into(),
            measures: vec![("all".into(), Unit::Count), ("part".into(), Unit::Count)],
            kind,
            rows: values.iter().enumerate().map(row).collect(),
            n_others: 3,
        }
    }

    #[test]
    fn bars_share_a_scale_and_escape_names() {
        let drawn = bars(&chart(BarKind::Beside, &[[10.0, 5.0], [2.0, 0.0]])).into_string();
        assert!(drawn.contains("<rect x=\"0%\" width=\"100%\""), "{drawn}");
        assert!(drawn.contains("width=\"50%\""));
        assert!(drawn.contains("&lt;0&gt;") && !drawn.contains("<0>"));
        assert!(drawn.contains("data-about=\"team=A&quot;B\""));
        assert!(drawn.contains("class=\"hb\"") && drawn.contains("3 more"));
    }

    #[test]
    fn parts_follow_one_another() {
        let drawn = bars(&chart(BarKind::Shares, &[[1.0, 3.0]])).into_string();
        assert!(drawn.contains("<rect x=\"0%\" width=\"25%\""), "{drawn}");
        assert!(drawn.contains("<rect x=\"25%\" width=\"75%\""), "{drawn}");
        let drawn = bars(&chart(BarKind::Stacked, &[[4.0, 4.0]])).into_string();
        assert!(drawn.contains("<rect x=\"50%\" width=\"50%\""), "{drawn}");
        assert!(drawn.contains("<td class=\"num\">8</td>"), "{drawn}");
    }

    #[test]
    fn shares_so_far_are_one_line_until_they_begin_anew() {
        let mut pareto = chart(BarKind::Beside, &[[6.0, 0.0], [2.0, 0.0], [1.0, 0.0]]);
        for (row, share) in pareto.rows.iter_mut().zip([60.0, 80.0, 30.0]) {
            row.so_far = Some(share);
        }
        let drawn = bars(&pareto).into_string();
        assert!(drawn.contains("d=\"M600 13L700 26\""), "{drawn}");
        assert!(
            drawn.contains("d=\"M700 0L800 13\""),
            "nothing leads to the next: {drawn}"
        );
        assert!(drawn.contains("d=\"M300 13\""), "{drawn}");
    }

    #[test]
    fn nothing_and_zero_are_drawn_too() {
        for kind in [BarKind::Beside, BarKind::Stacked, BarKind::Shares] {
            assert!(
                !bars(&chart(kind, &[]))
                    .into_string()
                    .contains("<rect x=\"0%\"")
            );
            let zero = bars(&chart(kind, &[[0.0, 0.0]])).into_string();
            assert!(!zero.contains("NaN"), "{zero}");
        }
        let mut rest = chart(BarKind::Beside, &[[1.0, 1.0]]);
        rest.measures
            .extend((0..4).map(|n| (n.to_string(), Unit::Count)));
        rest.rows[0].values.extend([Some(1.0); 4]);
        assert!(bars(&rest).into_string().contains("class=\"k\""));
    }
}
