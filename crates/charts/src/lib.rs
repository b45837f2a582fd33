//! Charts: scales, ticks, units, and the marks that are drawn with them, as SVG inside of HTML tables and plots.
//!
//! Numbers and names come in, markup goes out; what they are of, SQL and the page around them are not known here.
//! Colours are classes, so that one drawing serves light, dark and print. There is no `style` attribute, which the page's
//! policy forbids. Positions along x are in per cent and those along y in pixels: a drawing stretches with the page, and
//! its circles stay round and its text legible without a script that measures.

mod bars;
mod heatmap;
mod interval;
mod lines;
mod scale;
mod spark;
mod spread;
mod time;
mod timeline;
mod unit;

pub use bars::{Bar, BarKind, Bars, attribute, bars};
pub use heatmap::{Heatmap, heatmap};
pub use interval::{Effect, interval};
pub use lines::{Band, Line, Lines, Mark, key, lines};
pub use scale::Scale;
pub use spark::spark;
pub use spread::{Spread, spread};
pub use time::{Moment, positions};
pub use timeline::{Event, Timeline, timeline};
pub use unit::Unit;

/// The hues that tell series apart, by class: at most four, then grey.
const HUES: [&str; 4] = ["b", "v", "g", "p"];

/// The class of all further series.
const REST: &str = "k";

/// The class of a hue by its place.
fn hue(place: usize) -> &'static str {
    HUES.get(place).copied().unwrap_or(REST)
}

/// A share of the width, such as `33.3%`.
fn percent(part: f64) -> String {
    format!("{}%", round(100.0 * part, 2))
}

/// As short as it can be with so many decimals.
fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    // Minus zero would make two equal drawings differ.
    (value * scale).round() / scale + 0.0
}
