//! A table whose cells are coloured by their numbers.

use maud::{Markup, html};

use crate::Unit;

/// What is drawn: a number for each row and column.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// What the table shows, for screen readers.
    pub caption: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows: each a name and its values, nothing where there is none.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
    /// What the numbers are measured in.
    pub unit: Unit,
}

/// With more columns than these, they have no room for their names and numbers.
const MANY: usize = 31;

/// With more columns than these, a narrow page has room for the heading of every sixth.
const DENSE: usize = 12;

/// The months whose labels a narrow page has room for.
const QUARTERS: [&str; 4] = ["Jan", "Apr", "Jul", "Oct"];

/// Draws a table in one hue of five steps, at 1, 20, 40, 60 and 80 % of the greatest; zero is grey, and what is not there is
/// blank. The number stands in each cell; rows end with their sum where sums make sense.
pub fn heatmap(map: &Heatmap) -> Markup {
    let values = map
        .rows
        .iter()
        .flat_map(|(_, values)| values.iter().flatten());
    let most = values.copied().fold(0.0, f64::max);
    let with_sum = map.unit == Unit::Count;
    let labels = months(&map.columns);
    let is_dense = map.columns.len() > DENSE;
    // Dates are longer than a column is wide: their months stand above them.
    let is_dated = labels.iter().any(|label| !label.is_empty());
    let is_many = map.columns.len() > MANY || is_dense && is_dated;
    html! {
        table.heat.many[is_many].dense[is_dense && !is_many] {
            caption.vh { (map.caption) }
            thead { tr {
                td {}
                @for (column, label) in map.columns.iter().zip(&labels) { th scope="col" {
                    @if is_many { span.vh { (column) } span.at.m2[!QUARTERS.contains(label)] aria-hidden="true" { (label) } } @else { (column) }
                } }
                @if with_sum { th.tot scope="col" { "all" } }
            } }
            tbody { @for (name, values) in &map.rows { tr {
                th scope="row" { (name) }
                @for value in values {
                    @match value {
                        Some(value) => td class=(step(*value, most)) { span.n { (map.unit.show(*value)) } },
                        None => td {},
                    }
                }
                @if with_sum {
                    td.tot { (map.unit.show(values.iter().flatten().sum())) }
                }
            } } }
        }
    }
}

/// The month in which a column is the first, nothing for the others.
fn months(columns: &[String]) -> Vec<&str> {
    let month = |column: &String| {
        column
            .get(5..7)
            .and_then(|month| month.parse::<usize>().ok())
    };
    let mut before = None;
    let mut labels = Vec::new();
    for column in columns {
        let this = month(column);
        let is_new = this != before;
        before = this;
        let name = this.and_then(|month| crate::time::MONTHS.get(month.wrapping_sub(1)));
        labels.push(name.filter(|_| is_new).copied().unwrap_or_default());
    }
    labels
}

fn step(value: f64, most: f64) -> &'static str {
    match value / most {
        _ if value <= 0.0 => "q0",
        part if part < 0.2 => "q1",
        part if part < 0.4 => "q2",
        part if part < 0.6 => "q3",
        part if part < 0.8 => "q4",
        _ => "q5",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_colours_and_stay_readable() {
        let map = Heatmap {
            caption: "<b>".into(),
            columns: vec!["0".into(), "1".into(), "2".into()],
            rows: vec![("Mon".into(), vec![Some(0.0), Some(10.0), None])],
            unit: Unit::Count,
        };
        let drawn = heatmap(&map).into_string();
        assert!(
            drawn.contains("<td class=\"q0\"><span class=\"n\">0</span></td>"),
            "{drawn}"
        );
        assert!(drawn.contains("<td class=\"q5\"><span class=\"n\">10</span></td><td></td>"));
        assert!(drawn.contains("&lt;b&gt;") && !drawn.contains("<b>"));
        let weeks = ["2026-01-26", "2026-02-02", "2026-02-09"].map(str::to_owned);
        assert_eq!(months(&weeks), ["Jan", "Feb", ""]);
        // Twenty weeks have no room for their dates; twenty hours do have room for their numbers.
        let of = |column: fn(i32) -> String| Heatmap {
            columns: (0..20).map(column).collect(),
            ..map.clone()
        };
        let weeks = heatmap(&of(|n| format!("2026-{:02}-05", n / 4 + 1))).into_string();
        assert!(
            weeks.contains("class=\"heat many\"") && weeks.contains("class=\"at m2\""),
            "{weeks}"
        );
        assert!(
            heatmap(&of(|n| n.to_string()))
                .into_string()
                .contains("class=\"heat dense\"")
        );
        assert_eq!(step(1.0, 10.0), "q1");
        assert_eq!(step(-1.0, 0.0), "q0");
    }
}
