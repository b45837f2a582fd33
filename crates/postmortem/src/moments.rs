//! Days, times of day, zones and durations, as people write them into documents.

use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::{Offset, TimeZone};
use regex_lite::{Captures, Regex};
use std::sync::LazyLock;

/// What a zone in a document stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// An offset from UTC.
    Fixed(Offset),
    /// A region, whose offset depends on the day.
    Region(TimeZone),
    /// The name of a winter or a summer time: the offset, and the other one of that region. People write `CET` in summer
    /// too.
    Season {
        /// The offset that the name means.
        named: Offset,
        /// The offset in the other half of the year.
        other: Offset,
        /// Whether the name is that of summer time.
        is_summer: bool,
    },
}

/// A moment in a document: what was written, and what was carried down to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The day and the time of day there.
    pub at: DateTime,
    /// The zone; nothing where the document names none.
    pub zone: Option<Zone>,
}

static DAYS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let month = "(?<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
    [
        r"\b(?<year>\d{4})-(?<number>\d{2})-(?<day>\d{2})(?:T|\b)".to_owned(),
        r"\b(?<year>\d{4})/(?<number>\d{2})/(?<day>\d{2})\b".to_owned(),
        format!(r"(?i)\b(?<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {month}\.?,? (?<year>\d{{4}})\b"),
        format!(r"(?i)\b{month}\.? (?<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?<year>\d{{4}})\b"),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:^|[^\d:.])(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?\s*(?<half>[AaPp]\.?[Mm]\b\.?)?\s*(?<zone>Z\b|[+-]\d{2}:?\d{2}\b|\(?[A-Z]{2,4}\b)?",
    )
    .ok()
});

static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?<number>\d+(?:\.\d+)?)\s*(?<unit>d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)\b").ok()
});

/// The days in a text, in order, each with where it stands in it, in bytes.
pub fn days(text: &str) -> Vec<(usize, Date)> {
    let mut found: Vec<(usize, Date)> = Vec::new();
    for pattern in DAYS.iter() {
        for captures in pattern.captures_iter(text) {
            let place = captures.get(0).map_or(0, |whole| whole.start());
            found.extend(day(&captures).map(|day| (place, day)));
        }
    }
    found.sort_by_key(|(place, _)| *place);
    found
}

/// The times of day in a text, in order, each with its zone if one stands behind it.
pub fn times(text: &str) -> Vec<(usize, Time, Option<Zone>)> {
    let Some(pattern) = TIME.as_ref() else {
        return Vec::new();
    };
    let found = pattern.captures_iter(text).filter_map(|captures| {
        let number = |name| captures.name(name).map(|part| part.as_str());
        let mut hour: i8 = number("hour")?.parse().ok()?;
        if let Some(half) = number("half") {
            let is_afternoon = half.starts_with(['p', 'P']);
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
        }
        let minute = number("minute")?.parse().ok()?;
        let second = number("second").map_or(Some(0), |part| part.parse().ok())?;
        let time = Time::new(hour, minute, second, 0).ok()?;
        let zone = number("zone").and_then(zone);
        Some((captures.name("hour")?.start(), time, zone))
    });
    found.collect()
}

/// The zone that a word names; nothing for a word that is none, or that several zones share.
pub fn zone(word: &str) -> Option<Zone> {
    let word = word.trim_start_matches('(');
    let season = |named: i8, other: i8, is_summer| {
        Some(Zone::Season {
            named: Offset::constant(named),
            other: Offset::constant(other),
            is_summer,
        })
    };
    let region = |name: &str| TimeZone::get(name).ok().map(Zone::Region);
    match word {
        "Z" | "UTC" | "GMT" => Some(Zone::Fixed(Offset::UTC)),
        "CET" => season(1, 2, false),
        "CEST" => season(2, 1, true),
        "EET" => season(2, 3, false),
        "EEST" => season(3, 2, true),
        "EST" => season(-5, -4, false),
        "EDT" => season(-4, -5, true),
        "CDT" => season(-5, -6, true),
        "MST" => season(-7, -6, false),
        "MDT" => season(-6, -7, true),
        "PST" => season(-8, -7, false),
        "PDT" => season(-7, -8, true),
        "JST" => Some(Zone::Fixed(Offset::constant(9))),
        "ET" => region("America/New_York"),
        "PT" => region("America/Los_Angeles"),
        _ => numeric(word).or_else(|| word.contains('/').then(|| region(word)).flatten()),
    }
}

/// The zone that a text speaks of, as in `all times in CET`; nothing if it names none, or several.
pub fn zone_of_text(text: &str) -> Option<Zone> {
    for (words, name) in [
        ("Pacific Time", "America/Los_Angeles"),
        ("Eastern Time", "America/New_York"),
        ("Central European Time", "Europe/Berlin"),
    ] {
        if text.contains(words) {
            return TimeZone::get(name).ok().map(Zone::Region);
        }
    }
    let words = text.split(|c: char| !(c.is_alphanumeric() || "/_+-:".contains(c)));
    let mut zones = words
        .filter(|word| word.len() > 1 && word.trim_start_matches(['+', '-']).len() > 1)
        .filter_map(zone);
    let first = zones.next()?;
    zones.all(|other| other == first).then_some(first)
}

/// How many minutes a text says that something took, `2 hours 5 minutes`; nothing if it does not say.
pub fn minutes(text: &str) -> Option<f64> {
    let mut minutes = None;
    for captures in DURATION.as_ref()?.captures_iter(text) {
        let number: f64 = captures.name("number")?.as_str().parse().ok()?;
        let unit = captures.name("unit")?.as_str().to_lowercase();
        let of_unit = match unit.chars().next()? {
            'd' => 1_440.0,
            'h' => 60.0,
            'm' => 1.0,
            _ => 1.0 / 60.0,
        };
        minutes = Some(minutes.unwrap_or(0.0) + number * of_unit);
    }
    minutes
}

/// A moment as a number of seconds since 1970: in UTC, or as the clock of a document without zones shows it. A moment of
/// one kind is neither before nor after one of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Second {
    has_zone: bool,
    second: i64,
}

impl Second {
    /// So many minutes later.
    pub fn after(self, minutes: f64) -> Self {
        let second = self.second + (minutes * 60.0).round() as i64;
        Self { second, ..self }
    }

    /// Whether it is earlier than another of its kind.
    pub fn is_before(self, other: Self) -> bool {
        self.has_zone == other.has_zone && self.second < other.second
    }
}

impl Moment {
    /// When it was; by the zone as it is named.
    pub fn second(&self) -> Option<Second> {
        let offset = match &self.zone {
            None => Offset::UTC,
            Some(Zone::Fixed(offset) | Zone::Season { named: offset, .. }) => *offset,
            Some(Zone::Region(region)) => region.to_fixed(self.at),
        };
        let second = offset.to_timestamp(self.at).ok()?.as_second();
        Some(Second {
            has_zone: self.zone.is_some(),
            second,
        })
    }

    /// As it is written into YAML, and the other reading if there is one.
    pub fn written(&self) -> (String, Option<String>) {
        let local = self.at.strftime("%Y-%m-%dT%H:%M:%S");
        let with = |offset: Offset| match offset == Offset::UTC {
            true => format!("{local}Z"),
            false => {
                let seconds = offset.seconds();
                let sign = if seconds < 0 { '-' } else { '+' };
                let minutes = seconds.abs() / 60;
                format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        };
        match &self.zone {
            None => (self.at.strftime("%Y-%m-%d %H:%M:%S").to_string(), None),
            Some(Zone::Fixed(offset)) => (with(*offset), None),
            Some(Zone::Region(region)) => (with(region.to_fixed(self.at)), None),
            Some(Zone::Season {
                named,
                other,
                is_summer,
            }) => {
                let doubtful = may_be_summer(self.at.date()) != *is_summer;
                (with(*named), doubtful.then(|| with(*other)))
            }
        }
    }
}

/// The offset of a region at a moment there.
trait ToFixed {
    fn to_fixed(&self, at: DateTime) -> Offset;
}

impl ToFixed for TimeZone {
    fn to_fixed(&self, at: DateTime) -> Offset {
        let zoned = self.to_ambiguous_zoned_datetime(at).compatible();
        zoned.map_or(Offset::UTC, |zoned| zoned.offset())
    }
}

/// Whether clocks north of the equator are on summer time: from the end of March, or the second Sunday of it, to the end
/// of October, or the first Sunday of November. In the days between the two rules the name is believed.
fn may_be_summer(day: Date) -> bool {
    let begins = date(day.year(), 3, 28);
    let ends = date(day.year(), 10, 28);
    begins <= day && day <= ends
}

fn day(captures: &Captures<'_>) -> Option<Date> {
    let part = |name| captures.name(name).map(|part| part.as_str());
    let month = match part("number") {
        Some(number) => number.parse().ok()?,
        None => {
            const MONTHS: [&str; 12] = [
                "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
            ];
            let name = part("month")?.to_lowercase();
            let place = MONTHS.iter().position(|month| name.starts_with(month))?;
            i8::try_from(place + 1).ok()?
        }
    };
    Date::new(
        part("year")?.parse().ok()?,
        month,
        part("day")?.parse().ok()?,
    )
    .ok()
}

fn numeric(word: &str) -> Option<Zone> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 {
        return None;
    }
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..)?.parse().ok()?;
    let offset = Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()?;
    Some(Zone::Fixed(offset))
}
