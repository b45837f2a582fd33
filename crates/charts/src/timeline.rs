//! What happened when: a lane for each series, a circle for each event, whose area is its size.

use maud::{Markup, html};

use crate::bars::attribute;
use crate::time::{day_of, labels_between};
use crate::{Unit, percent, round};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When it began, as answers write it: `2026-03-01T10:05:00Z`.
    pub at: String,
    /// How large it was; nothing where nobody wrote that down.
    pub size: Option<f64>,
    /// What it is called.
    pub name: String,
    /// What it is about, by dimension, so that it can be filtered.
    pub about: Vec<(String, String)>,
}

/// Events in lanes.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// What it shows, for screen readers.
    pub caption: String,
    /// What the lanes are.
    pub heading: String,
    /// The lanes: a name, and its events.
    pub lanes: Vec<(String, Vec<Event>)>,
    /// The unit of their sizes.
    pub unit: Unit,
}

const HEIGHT: f64 = 38.0;

/// The radii of the smallest and the largest circle, in pixels.
const RADII: (f64, f64) = (3.0, 13.0);

/// Draws the lanes over the whole time of their events; a cross is an event without a size.
pub fn timeline(chart: &Timeline) -> Markup {
    let events = || chart.lanes.iter().flat_map(|(_, events)| events);
    let days: Vec<f64> = events().filter_map(|event| day_of(&event.at)).collect();
    let begin = days.iter().copied().fold(f64::INFINITY, f64::min);
    let end = days.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if days.is_empty() {
        return html! {};
    }
    // Room for the circles at both ends.
    let room = ((end - begin) * 0.02).max(1.0);
    let (begin, whole) = (begin - room, end - begin + 2.0 * room);
    let largest = events().filter_map(|event| event.size).fold(0.0, f64::max);
    let labels = labels_between(begin, begin + whole, 0.08);
    html! {
        ul.key {
            li { svg width="14" height="12" aria-hidden="true" { circle cx="7" cy="6" r="4.5" class="dot b" {} } "the area is the duration" }
            li { svg width="14" height="12" aria-hidden="true" { (cross(7.0, 6.0)) } "not written down, or not over" }
        }
        table.rows.lanes {
            caption.vh { (chart.caption) }
            thead { tr {
                th scope="col" { span.vh { (chart.heading) } }
                th scope="col" { span.vh { "Over time" } svg.ax width="100%" height="15" aria-hidden="true" {
                    @for (place, (x, words)) in labels.iter().enumerate() {
                        text x=(percent(*x)) y="11" text-anchor=(if *x < 0.05 { "start" } else if *x > 0.95 { "end" } else { "middle" })
                            class=[(place % 3 != 0).then_some("m2")] { (words) }
                    }
                } }
                th.num scope="col" { "n" }
            } }
            tbody { @for (name, events) in &chart.lanes { tr {
                th scope="row" { bdi.cut { (name) } }
                td.draw { svg.c width="100%" height=(HEIGHT) aria-hidden="true" {
                    @for (x, _) in &labels { line x1=(percent(*x)) x2=(percent(*x)) y1="0" y2=(HEIGHT) class="gl" {} }
                    @for event in events {
                        @if let Some(day) = day_of(&event.at) { (drawn(event, (day - begin) / whole, largest, chart.unit)) }
                    }
                } }
                td.num { (events.len()) }
            } } }
        }
    }
}

fn drawn(event: &Event, x: f64, largest: f64, unit: Unit) -> Markup {
    let title = match event.size {
        Some(size) => format!(
            "{}, {}, {}",
            event.name,
            event.at.get(..10).unwrap_or_default(),
            unit.show(size)
        ),
        None => format!("{}, {}", event.name, event.at.get(..10).unwrap_or_default()),
    };
    html! {
        svg x=(percent(x)) y="0" width="1" height=(HEIGHT) overflow="visible" data-about=[attribute(&event.about)] {
            title { (title) }
            @match event.size {
                Some(size) => {
                    @let part = if largest > 0.0 { (size.max(0.0) / largest).sqrt() } else { 0.0 };
                    circle cx="0" cy=(HEIGHT / 2.0) r=(round(RADII.0 + (RADII.1 - RADII.0) * part, 1)) class="dot b" {}
                }
                None => (cross(0.0, HEIGHT / 2.0)),
            }
        }
    }
}

fn cross(x: f64, y: f64) -> Markup {
    let d = format!(
        "M{} {}L{} {}M{} {}L{} {}",
        x - 3.5,
        y - 3.5,
        x + 3.5,
        y + 3.5,
        x - 3.5,
        y + 3.5,
        x + 3.5,
        y - 3.5
    );
    html! { path d=(d) class="sk" {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: &str, size: Option<f64>) -> Event {
        Event {
            at: at.into(),
            size,
            name: "<b>".into(),
            about: vec![("severity".into(), "p1".into())],
        }
    }

    fn chart(events: Vec<Event>) -> String {
        let chart = Timeline {
            caption: "c".into(),
            heading: "severity".into(),
            lanes: vec![("p1".into(), events)],
            unit: Unit::Minutes,
        };
        timeline(&chart).into_string()
    }

    #[test]
    fn the_area_is_the_size() {
        let drawn = chart(vec![
            event("2026-01-01T00:00:00Z", Some(100.0)),
            event("2026-03-01T00:00:00Z", Some(25.0)),
            event("2026-06-01T00:00:00Z", None),
        ]);
        assert!(
            drawn.contains("r=\"13\"") && drawn.contains("r=\"8\""),
            "{drawn}"
        );
        assert_eq!(drawn.matches("<path").count(), 2, "the cross and its key");
        assert!(
            drawn.contains("&lt;b&gt;, 2026-01-01, 1\u{a0}h\u{a0}40\u{a0}min"),
            "{drawn}"
        );
        assert!(drawn.contains("data-about=\"severity=p1\""));
    }

    #[test]
    fn none_and_one_are_drawn_too() {
        assert_eq!(chart(Vec::new()), "");
        assert_eq!(chart(vec![event("soon", None)]), "");
        let one = chart(vec![event("2026-01-01", Some(0.0))]);
        assert!(one.contains("x=\"50%\"") && !one.contains("NaN"), "{one}");
    }
}
