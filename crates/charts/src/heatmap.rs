//! A table whose cells are coloured by their numbers.

use maud::{Markup, html};

use crate::Unit;

/// What is drawn: a number for each row and column.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// What the table is of, for those who do not see it.
    pub caption: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows: each a name and its values, nothing where there is none.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
    /// What the numbers are measured in.
    pub unit: Unit,
}

/// Draws a table in one hue of five steps, at 1, 20, 40, 60 and 80 % of the greatest; zero is grey, and what is not there is
/// blank. The number stands in each cell; rows end with their sum where sums make sense.
pub fn heatmap(map: &Heatmap) -> Markup {
    let values = map
        .rows
        .iter()
        .flat_map(|(_, values)| values.iter().flatten());
    let most = values.copied().fold(0.0, f64::max);
    let with_sum = map.unit == Unit::Count;
    html! {
        table.heat {
            caption.vh { (map.caption) }
            thead { tr {
                td {}
                @for column in &map.columns { th scope="col" { (column) } }
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
        assert_eq!(step(1.0, 10.0), "q1");
        assert_eq!(step(-1.0, 0.0), "q0");
    }
}
