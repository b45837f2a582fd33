//! Has anything really changed? A stretch of time against the one before it, for each indicator.

use charts::{Effect, Unit};
use definitions::{Better, Indicator, IndicatorKind};
use jiff::Timestamp;
use statistics::{
    Interval, Verdict, compare_counts, compare_durations, compare_shares, compare_weeks,
    dispersion, geometric_mean, verdict, visible,
};

use store::Known;

use crate::stretch::Stretch;

/// What happened, for an indicator: the moment of each, and its value where it has one.
#[derive(Debug, Clone)]
pub struct Happenings<'a> {
    /// The indicator.
    pub indicator: &'a Indicator,
    /// Moments and values; 0 where there is none.
    pub rows: Vec<(Timestamp, f64)>,
    /// What is known of what it counts.
    pub known: Known,
}

/// What became of an indicator.
#[derive(Debug, Clone)]
pub(crate) struct Change<'a> {
    pub(crate) indicator: &'a Indicator,
    pub(crate) now: Summary,
    pub(crate) before: Summary,
    /// How it changed, and where that lies.
    pub(crate) size: Option<Effect>,
    pub(crate) range: Option<(Effect, Effect)>,
    pub(crate) p: Option<f64>,
    /// What that says; nothing where too little is known of a stretch.
    pub(crate) verdict: Option<Verdict>,
    /// What would have shown, in words; empty where that cannot be said.
    pub(crate) visible: String,
    /// Its value by stretches of the two windows, the oldest first.
    pub(crate) spark: Vec<f64>,
}

/// An indicator in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// How many things happened.
    pub(crate) n: u64,
    /// The figure: a count, minutes, or a share in per cent; nothing where nothing happened.
    pub(crate) value: Option<f64>,
}

/// The most columns of a spark for each of the two stretches.
const COLUMNS: usize = 13;

/// Above so much, events come in clusters.
const CLUSTERED: f64 = 1.5;

/// With fewer durations or shares on one side nothing could show.
const FEWEST: usize = 5;

impl Change<'_> {
    /// All of it in words.
    pub(crate) fn in_words(&self) -> ChangeInWords {
        ChangeInWords {
            title: self.indicator.title.clone(),
            before: self.show(self.before),
            now: self.show(self.now),
            change: self.size_in_words(),
            interval: self.range_in_words(),
            p: self.p_in_words(),
            verdict: self.words(),
        }
    }

    /// The unit of its figure.
    pub(crate) fn unit(&self) -> Unit {
        match self.indicator.kind {
            IndicatorKind::Count | IndicatorKind::Clusters => Unit::Count,
            IndicatorKind::Durations => Unit::Minutes,
            IndicatorKind::Share => Unit::Percent,
        }
    }

    /// The figure of a window in its unit.
    pub(crate) fn show(&self, summary: Summary) -> String {
        summary
            .value
            .map_or("–".to_owned(), |value| self.unit().show(value))
    }

    /// The verdict in words.
    pub(crate) fn words(&self) -> &'static str {
        let is_time = self.indicator.kind == IndicatorKind::Durations;
        let Some(verdict) = self.verdict else {
            return "not known";
        };
        match (verdict, is_time) {
            (Verdict::Fewer, true) => "shorter",
            (Verdict::PerhapsFewer, true) => "perhaps shorter",
            (Verdict::PerhapsMore, true) => "perhaps longer",
            (Verdict::More, true) => "longer",
            (Verdict::Fewer, _) => "less",
            (Verdict::PerhapsFewer, _) => "perhaps less",
            (Verdict::PerhapsMore, _) => "perhaps more",
            (Verdict::More, _) => "more",
            (Verdict::NoClearChange, _) => "no clear change",
            (Verdict::TooFew, _) => "too few to tell",
        }
    }

    /// Whether it changed to the worse; nothing if it did not change.
    pub(crate) fn is_worse(&self) -> Option<bool> {
        let is_more = matches!(self.verdict, Some(Verdict::More | Verdict::PerhapsMore));
        self.is_change()
            .then_some(is_more == (self.indicator.better == Better::Less))
    }

    /// Whether it changed, as far as can be told.
    pub(crate) fn is_change(&self) -> bool {
        self.verdict.is_some_and(Verdict::is_change)
    }

    /// How it changed, in words: `×1.25`, `+4.2 points`.
    pub(crate) fn size_in_words(&self) -> String {
        self.size.map_or("–".to_owned(), effect_in_words)
    }

    /// How likely it is by chance, in words.
    pub(crate) fn p_in_words(&self) -> String {
        self.p.map_or("–".to_owned(), |p| format!("{p:.3}"))
    }

    /// Where that lies, in words.
    pub(crate) fn range_in_words(&self) -> String {
        self.range.map_or("–".to_owned(), |(low, high)| {
            format!("{} to {}", effect_in_words(low), effect_in_words(high))
        })
    }
}

fn effect_in_words(effect: Effect) -> String {
    match effect {
        Effect::Ratio(ratio) if ratio.is_infinite() => "any".to_owned(),
        Effect::Ratio(ratio) => format!("×{}", Unit::Number.show(ratio)),
        Effect::Points(points) => format!("{:+.1} points", 100.0 * points),
    }
}

/// What became of an indicator between two stretches.
pub(crate) fn change<'a>(happenings: &Happenings<'a>, before: Stretch, now: Stretch) -> Change<'a> {
    let indicator = happenings.indicator;
    let kind = indicator.kind;
    let (older, newer) = (before.weeks(&happenings.rows), now.weeks(&happenings.rows));
    let columns = COLUMNS.min(newer.len()).max(1);
    let spark = [before, now]
        .into_iter()
        .flat_map(|stretch| stretch.split(&happenings.rows, columns))
        .map(|part| summary(kind, &[part]).value.unwrap_or(0.0));
    let (since, until) = (&happenings.known.since, &happenings.known.until);
    let is_known_before = since
        .as_ref()
        .is_some_and(|since| before.is_known_since(since));
    let is_known_now = until.as_ref().is_none_or(|until| now.is_known_until(until));
    if !is_known_before || !is_known_now {
        let unknown = Summary { n: 0, value: None };
        let if_known = |is_known, weeks| {
            if is_known {
                summary(kind, weeks)
            } else {
                unknown
            }
        };
        return Change {
            indicator,
            now: if_known(is_known_now, &newer),
            before: if_known(is_known_before, &older),
            size: None,
            range: None,
            p: None,
            verdict: None,
            visible: String::new(),
            spark: spark.collect(),
        };
    }
    let compared = compare(indicator, (&newer, now.days()), (&older, before.days()));
    Change {
        indicator,
        now: summary(kind, &newer),
        before: summary(kind, &older),
        size: compared.size,
        range: compared.range,
        p: compared.p,
        verdict: Some(compared.verdict),
        visible: compared.visible,
        spark: spark.collect(),
    }
}

/// What became of an indicator, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeInWords {
    /// The indicator's title.
    pub title: String,
    /// Its figure in the earlier stretch.
    pub before: String,
    /// Its figure in the later one.
    pub now: String,
    /// How it changed: a ratio, or a difference in points.
    pub change: String,
    /// Where that lies with a confidence of 95 %.
    pub interval: String,
    /// How likely a difference at least as large is by chance.
    pub p: String,
    /// What that says.
    pub verdict: &'static str,
}

/// Compares indicators between two stretches.
pub fn compare_stretches(
    happenings: &[Happenings<'_>],
    before: Stretch,
    now: Stretch,
) -> Vec<ChangeInWords> {
    let one = |happenings| change(happenings, before, now).in_words();
    happenings.iter().map(one).collect()
}

/// A seed that is the same for an indicator each time.
fn seed(indicator: &Indicator) -> u64 {
    crate::anonymous::hash(&indicator.name)
}

fn summary(kind: IndicatorKind, weeks: &[Vec<f64>]) -> Summary {
    let values: Vec<f64> = weeks.iter().flatten().copied().collect();
    let n = values.len() as u64;
    let value = match kind {
        IndicatorKind::Count | IndicatorKind::Clusters => Some(n as f64),
        IndicatorKind::Durations => geometric_mean(&values),
        IndicatorKind::Share => (n > 0).then(|| 100.0 * values.iter().sum::<f64>() / n as f64),
    };
    Summary { n, value }
}

/// The weeks that are whole.
fn whole(weeks: &[u64], days: f64) -> &[u64] {
    &weeks[..weeks.len().min((days / 7.0) as usize)]
}

/// What a comparison came to.
struct Compared {
    size: Option<Effect>,
    range: Option<(Effect, Effect)>,
    p: Option<f64>,
    verdict: Verdict,
    visible: String,
}

/// The values of each week, and how many days they span.
type Weeks<'w> = (&'w [Vec<f64>], f64);

fn compare(indicator: &Indicator, now: Weeks, before: Weeks) -> Compared {
    let compared = match indicator.kind {
        IndicatorKind::Count | IndicatorKind::Clusters => happenings(indicator, now, before),
        IndicatorKind::Durations => durations(indicator, now, before),
        IndicatorKind::Share => shares(now, before),
    };
    compared.unwrap_or(Compared {
        size: None,
        range: None,
        p: None,
        verdict: Verdict::TooFew,
        visible: String::new(),
    })
}

fn happenings(
    indicator: &Indicator,
    (now, now_days): Weeks,
    (before, before_days): Weeks,
) -> Option<Compared> {
    let counts = |weeks: &[Vec<f64>]| {
        let counts = weeks.iter().map(|week| week.len() as u64);
        counts.collect::<Vec<_>>()
    };
    let (now, before) = (counts(now), counts(before));
    let (n, m) = (now.iter().sum::<u64>(), before.iter().sum::<u64>());
    let change = compare_counts(n, now_days, m, before_days)?;
    let weeks = (whole(&now, now_days), whole(&before, before_days));
    let all = [weeks.0, weeks.1].concat();
    let is_clustered = indicator.kind == IndicatorKind::Clusters
        || dispersion(&all).is_some_and(|ratio| ratio > CLUSTERED);
    let (p, range, shows) = match is_clustered {
        true => (compare_weeks(weeks.0, weeks.1, seed(indicator)), None, None),
        false => (
            Some(change.p),
            Some(ratios(change.interval)),
            Some(visible(m, now_days, before_days)),
        ),
    };
    let is_enough = shows.is_none_or(|shows| shows.at_most.is_some()) && n + m >= 10
        || p.is_some_and(|p| p < 0.05);
    let is_more = change.ratio.is_none_or(|ratio| ratio > 1.0);
    Some(Compared {
        size: change.ratio.map(Effect::Ratio),
        range,
        p,
        verdict: verdict(p.unwrap_or(1.0), is_more, is_enough),
        visible: match shows.and_then(|shows| shows.at_most) {
            Some(at_most) => format!("At most {at_most} would have shown."),
            None => String::new(),
        },
    })
}

fn durations(indicator: &Indicator, (now, _): Weeks, (before, _): Weeks) -> Option<Compared> {
    let (now, before) = (now.concat(), before.concat());
    let change = compare_durations(&now, &before, seed(indicator))?;
    let is_enough = now.len() >= FEWEST && before.len() >= FEWEST;
    Some(Compared {
        size: Some(Effect::Ratio(change.ratio)),
        range: change.interval.map(ratios),
        p: Some(change.p),
        verdict: verdict(change.p, change.ratio > 1.0, is_enough),
        visible: String::new(),
    })
}

fn shares((now, _): Weeks, (before, _): Weeks) -> Option<Compared> {
    let share = |weeks: &[Vec<f64>]| {
        let values = weeks.concat();
        let hits = values.iter().sum::<f64>().round();
        (hits as u64, values.len() as u64)
    };
    let (now, before) = (share(now), share(before));
    let change = compare_shares(now, before)?;
    let is_enough = now.1.min(before.1) as usize >= FEWEST;
    let points = |share: f64| Effect::Points(share);
    Some(Compared {
        size: Some(points(change.difference)),
        range: Some((points(change.interval.low), points(change.interval.high))),
        p: Some(change.p),
        verdict: verdict(change.p, change.difference > 0.0, is_enough),
        visible: String::new(),
    })
}

fn ratios(interval: Interval) -> (Effect, Effect) {
    (Effect::Ratio(interval.low), Effect::Ratio(interval.high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stretch::{Compared, moment};

    fn indicator(kind: IndicatorKind) -> Indicator {
        Indicator {
            name: "pages".into(),
            title: "Pages".into(),
            meaning: String::new(),
            kind,
            better: Better::Less,
            place: Some(1),
            period: Vec::new(),
            sql: String::new(),
            source: crate::page::tests::query("q", "table").source,
        }
    }

    fn became(kind: IndicatorKind, rows: &[(&str, f64, usize)]) -> (String, String, String) {
        let windows = Compared::of_weeks("2026-01-05", "2026-03-02T10:00:00Z").unwrap();
        let indicator = indicator(kind);
        let rows = rows
            .iter()
            .flat_map(|(day, value, times)| {
                std::iter::repeat_n((moment(day).unwrap(), *value), *times)
            })
            .collect();
        let happenings = Happenings {
            indicator: &indicator,
            rows,
            known: Known {
                since: Some("2026-01-05".into()),
                until: None,
            },
        };
        let change = change(&happenings, windows.before, windows.now);
        (
            change.show(change.before),
            change.show(change.now),
            change.words().to_owned(),
        )
    }

    #[test]
    fn what_is_not_known_is_not_compared() {
        let windows = Compared::of_weeks("2026-01-05", "2026-03-02").unwrap();
        let indicator = indicator(IndicatorKind::Count);
        let rows = vec![(moment("2026-02-10").unwrap(), 0.0); 30];
        for (since, until, words, n) in [
            (Some("2026-01-05"), None, "no clear change", 30),
            (
                Some("2026-01-05"),
                Some("2026-03-01"),
                "no clear change",
                30,
            ),
            (Some("2026-01-05"), Some("2026-02-12"), "not known", 0),
            (Some("2026-01-25"), None, "not known", 30),
            (None, None, "not known", 30),
        ] {
            let happenings = Happenings {
                indicator: &indicator,
                rows: rows.clone(),
                known: Known {
                    since: since.map(str::to_owned),
                    until: until.map(str::to_owned),
                },
            };
            let change = change(&happenings, windows.before, windows.now);
            assert_eq!(
                (change.words(), change.now.n),
                (words, n),
                "{since:?} {until:?}"
            );
        }
    }

    #[test]
    fn counts_durations_and_shares() {
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        // 30 against 5: 2 · P(X <= 5 of 35) is far below 1 %.
        let days = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"];
        let mut rows: Vec<(&str, f64, usize)> = days.map(|day| (day, 0.0, 2)).to_vec();
        rows.push(("2026-02-02", 0.0, 1));
        assert_eq!(
            became(IndicatorKind::Count, &rows),
            text("8", "1", "perhaps less")
        );
        assert_eq!(
            became(IndicatorKind::Count, &rows[..1]),
            text("2", "0", "too few to tell")
        );
        assert_eq!(
            became(IndicatorKind::Count, &[]),
            text("0", "0", "too few to tell")
        );
        let rows = [("2026-01-05", 10.0, 6), ("2026-02-02", 40.0, 6)];
        assert_eq!(became(IndicatorKind::Durations, &rows).2, "longer");
        let rows = [
            ("2026-01-05", 1.0, 9),
            ("2026-01-05", 0.0, 1),
            ("2026-02-02", 0.0, 9),
        ];
        let (before, now, words) = became(IndicatorKind::Share, &rows);
        assert_eq!(
            (
                before.replace('\u{a0}', " ").as_str(),
                now.as_str(),
                words.as_str()
            ),
            ("90 %", "0\u{a0}%", "less")
        );
    }
}
