//! Small columns without an axis, beside a figure.

use maud::{Markup, html};

use crate::{percent, round};

/// The most columns that are drawn: the newest.
const MOST: usize = 26;

/// Columns from 0, the newest `lit` of them in colour. Nothing is drawn of nothing.
pub fn spark(values: &[f64], lit: usize, height: u32) -> Markup {
    let newest = &values[values.len().saturating_sub(MOST)..];
    let most = newest.iter().copied().fold(0.0, f64::max);
    let height = f64::from(height);
    let width = 1.0 / newest.len().max(1) as f64;
    html! {
        svg.spark width="100%" height=(height) aria-hidden="true" {
            line.gl x1="0%" x2="100%" y1=(height - 0.5) y2=(height - 0.5) {}
            @for (place, value) in newest.iter().enumerate() {
                @let size = if most > 0.0 { round((height - 6.0) * value.max(0.0) / most, 1) } else { 0.0 };
                rect x=(percent(place as f64 * width)) width=(percent(width * 0.72)) y=(round(height - 1.0 - size, 1)) height=(size)
                    class=(if place + lit >= newest.len() { "b" } else { "k" }) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_lit() {
        let drawn = spark(&[1.0, 0.0, 4.0], 1, 40).into_string();
        assert_eq!(drawn.matches("<rect").count(), 3);
        assert_eq!(drawn.matches("class=\"b\"").count(), 1);
        assert!(drawn.contains("height=\"34\""), "{drawn}");
        assert_eq!(spark(&[], 3, 40).into_string().matches("<rect").count(), 0);
        assert_eq!(
            spark(&[0.5; 40], 3, 40)
                .into_string()
                .matches("<rect")
                .count(),
            26
        );
    }
}
