//! Where a change lies: a point, its interval, and the line of no change in the middle.

use maud::{Markup, html};

use crate::{percent, round};

/// The greatest ratio on the axis; the least is one over it.
const RATIO: f64 = 5.0;

/// The greatest difference of shares on the axis, from -1 to 1.
const POINTS: f64 = 0.5;

/// What lies on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// A ratio, on a logarithmic axis from a fifth to five times.
    Ratio(f64),
    /// A difference of shares, on an axis from 50 points less to 50 more.
    Points(f64),
}

/// Draws a point and its interval; filled where the change is clear. What runs out ends at the edge.
pub fn interval(change: Option<Effect>, range: Option<(Effect, Effect)>, is_clear: bool) -> Markup {
    let class = if is_clear { "b" } else { "hk" };
    html! { svg.c width="100%" height="26" aria-hidden="true" {
        line x1="50%" x2="50%" y1="0" y2="26" class="g0" {}
        @for part in [0.25, 0.75] { line x1=(percent(part)) x2=(percent(part)) y1="0" y2="26" class="gl" {} }
        @if let Some((low, high)) = range {
            line x1=(percent(place(low))) x2=(percent(place(high))) y1="13" y2="13" class=(if is_clear { "sb" } else { "sk" }) {}
        }
        @if let Some(change) = change {
            svg x=(percent(place(change))) y="13" width="1" height="1" overflow="visible" {
                rect x="-4.5" y="-4.5" width="9" height="9" class=(class) {}
            }
        }
    } }
}

/// The place of a change, from 0 to 1; none at all lies in the middle.
fn place(change: Effect) -> f64 {
    let part = match change {
        Effect::Ratio(ratio) => ratio.max(1e-9).ln() / RATIO.ln(),
        Effect::Points(points) => points / POINTS,
    };
    round(0.5 + part.clamp(-1.0, 1.0) / 2.0, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_lies_in_the_middle() {
        assert_eq!(place(Effect::Ratio(1.0)), 0.5);
        assert_eq!(place(Effect::Points(0.0)), 0.5);
        assert_eq!(
            (place(Effect::Ratio(5.0)), place(Effect::Ratio(0.0))),
            (1.0, 0.0)
        );
        assert_eq!(
            (
                place(Effect::Points(-0.5)),
                place(Effect::Ratio(f64::INFINITY))
            ),
            (0.0, 1.0)
        );
        let drawn = interval(None, None, false).into_string();
        assert!(!drawn.contains("<rect") && !drawn.contains("NaN"));
    }
}
