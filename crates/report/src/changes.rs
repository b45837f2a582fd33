//! The tiles at the top of the page, and the panel of what changed.

use charts::{interval, spark};
use maud::{Markup, html};

use crate::change::Change;
use crate::stretch::Compared;

/// The most tiles.
const TILES: usize = 6;

/// The tiles: each a figure, how many stand behind it, and a verdict against the period before.
pub(crate) fn tiles(changes: &[Change<'_>], windows: &Compared) -> Markup {
    let mut shown: Vec<&Change> = changes
        .iter()
        .filter(|change| change.indicator.place.is_some())
        .collect();
    shown.sort_by_key(|change| (change.indicator.place, &change.indicator.name));
    let length = &windows.length;
    html! { @if !shown.is_empty() {
        section.figures aria-labelledby="figures-heading" {
            h2.vh id="figures-heading" { "Figures" }
            div.tiles { @for change in shown.iter().take(TILES) {
                @let lit = change.spark.len() / 2;
                div.tile {
                    h3 { (change.indicator.title) }
                    p.value { (change.show(change.now)) }
                    (spark(&change.spark, lit, 40))
                    p.say {
                        (verdict(change))
                        @if change.verdict.is_some() { ": " (change.show(change.before)) " in the " (length) " before" }
                        @if change.now.value != Some(change.now.n as f64) { (of_how_many(change)) }
                        ". " (change.visible)
                    }
                }
            } }
            p.note { (stretches(windows)) " All columns are equally long; those of the later " (length) " are blue." }
        }
    } }
}

/// The panel of all indicators.
pub(crate) fn changes(changes: &[Change<'_>], windows: &Compared) -> Markup {
    let moved: Vec<&Change> = changes.iter().filter(|change| change.is_change()).collect();
    html! {
        section.group id="changes" aria-labelledby="changes-heading" {
            div.ghead { h2 id="changes-heading" { "Changes" } p { "whether anything really changed" } }
            article.panel.wide aria-labelledby="changes-question" data-dimensions="" {
                h3 id="changes-question" { "Has anything changed within " (windows.length) ", beyond what chance explains?" }
                figure {
                    figcaption { p.answer {
                        @if moved.is_empty() { "Nothing changed clearly: each difference is one that chance explains, or too small to be seen." }
                        @else {
                            b { @for (place, change) in moved.iter().enumerate() {
                                @if place > 0 { "; " } (change.indicator.title) ": " (change.words())
                            } }
                            ". Nothing can be said of the other " (changes.len() - moved.len()) "."
                        }
                    }
                    p.before { (stretches(windows)) } }
                    p.nosplit hidden {}
                    table.rows.forest {
                        caption.vh { "Each indicator before and now" }
                        thead { tr {
                            th scope="col" { span.vh { "Indicator" } }
                            th.num scope="col" { "before" } th.num scope="col" { "now" }
                            th scope="col" { span.vh { "Change with its interval" } (axis()) }
                            th.num scope="col" { "change" } th.num.wide scope="col" { "95 %" } th.num scope="col" { "p" }
                            th scope="col" { "verdict" }
                        } }
                        tbody { @for change in changes { tr {
                            th scope="row" { (change.indicator.title) }
                            td.num { (change.show(change.before)) } td.num { (change.show(change.now)) }
                            td.draw { (interval(change.size, change.range, change.is_change())) }
                            td.num { (change.size_in_words()) } td.num.wide { (change.range_in_words()) }
                            td.num { (change.p_in_words()) }
                            td.said { (verdict(change)) }
                        } } }
                    }
                    p.none hidden {}
                }
                p.misleads {
                    b { "How it misleads: " }
                    "Of twenty comparisons one shows a “perhaps” by chance alone. No clear change is not the same as no change: where the interval is wide, little could have been seen."
                }
                details {
                    summary { "How it is compared" }
                    div.more {
                        p { "Counts of what happens singly: the exact test of two Poisson rates, its smaller tail doubled, with the interval of Clopper and Pearson. Counts that come in clusters: whole weeks change places, so that there is p and no interval. Durations: the ratio of geometric means, p by permuting their logarithms, the interval by Welch. Shares: Fisher's exact test and the interval of Newcombe, in percentage points." }
                        p { "“Less” and “more” mean p below 1 %, “perhaps” below 5 %." }
                        @for change in changes { p { b { (change.indicator.title) ". " } (change.indicator.meaning) } }
                    }
                }
            }
        }
    }
}

/// Which two stretches are compared.
fn stretches(windows: &Compared) -> String {
    let day = |moment: Option<String>| {
        moment
            .unwrap_or_default()
            .chars()
            .take(10)
            .collect::<String>()
    };
    let (before, now) = (windows.before.period(), windows.now.period());
    format!(
        "{} to {}, against {} to {}.",
        day(now.from),
        day(now.to),
        day(before.from),
        day(before.to)
    )
}

/// How many values its figures are made of.
fn of_how_many(change: &Change<'_>) -> String {
    match change.verdict {
        Some(_) => format!(", of {} and now {}", change.before.n, change.now.n),
        None => format!(", of {}", change.now.n),
    }
}

fn verdict(change: &Change<'_>) -> Markup {
    let words = change.words();
    html! { @match change.is_worse() {
        Some(true) => b { span aria-hidden="true" { "▲ " } (words) },
        Some(false) => b { span aria-hidden="true" { "▽ " } (words) },
        None => (words),
    } }
}

fn axis() -> Markup {
    html! { svg.ax width="100%" height="15" aria-hidden="true" {
        text x="0%" y="11" { "⅕, −50" } text x="50%" y="11" text-anchor="middle" { "the same" } text x="100%" y="11" text-anchor="end" { "×5, +50" }
    } }
}
