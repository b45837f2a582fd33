//! Numbers for people: which unit a figure has, and how it is written.

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// A number without unit, such as a mean or a ratio.
    Number,
    /// A share in per cent.
    Percent,
    /// A duration in seconds.
    Seconds,
    /// A duration in minutes.
    Minutes,
    /// A duration in hours.
    Hours,
    /// A duration in days.
    Days,
    /// A size in bytes.
    Bytes,
}

/// A space that no line ends at.
const SPACE: char = '\u{a0}';

impl Unit {
    /// The unit that a column's name says: `percent_…`, `n_…`, and a duration's unit at its end or its beginning.
    pub fn of_column(name: &str) -> Self {
        let has = |unit: &str| {
            name == unit
                || name.ends_with(&format!("_{unit}"))
                || name.starts_with(&format!("{unit}_"))
        };
        let units = [
            ("seconds", Self::Seconds),
            ("minutes", Self::Minutes),
            ("hours", Self::Hours),
            ("days", Self::Days),
            ("bytes", Self::Bytes),
        ];
        if name.starts_with("percent_") || name == "percent" {
            return Self::Percent;
        }
        if name.starts_with("n_") {
            return Self::Count;
        }
        let found = units.into_iter().find(|(unit, _)| has(unit));
        found.map_or(Self::Number, |(_, unit)| unit)
    }

    /// Whether only whole numbers make sense.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Count | Self::Bytes)
    }

    /// A value with its unit, as short as possible: `1,234`, `66 %`, `3 h 26 min`.
    pub fn show(self, value: f64) -> String {
        match (self, self.minutes()) {
            (_, Some(minutes)) => duration(value * minutes),
            (Self::Count, _) => grouped(value.round()),
            (Self::Percent, _) => format!("{}{SPACE}%", decimal(value)),
            (Self::Bytes, _) => bytes(value),
            _ => decimal(value),
        }
    }

    /// The minutes of one, if it is a duration.
    pub fn minutes(self) -> Option<f64> {
        match self {
            Self::Seconds => Some(1.0 / 60.0),
            Self::Minutes => Some(1.0),
            Self::Hours => Some(60.0),
            Self::Days => Some(1_440.0),
            _ => None,
        }
    }
}

/// A number with as many decimals as it needs: none from 100 on, one from 10 on, two below.
fn decimal(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let rounded = crate::round(value, decimals);
    match rounded.abs() >= 1_000.0 {
        true => grouped(rounded),
        false => rounded.to_string(),
    }
}

/// A whole number with a comma between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 && digits != "0" {
        text.insert(0, '-');
    }
    text
}

fn duration(minutes: f64) -> String {
    let sign = if minutes < 0.0 { "-" } else { "" };
    let size = minutes.abs();
    let text = match size {
        _ if size == 0.0 => format!("0{SPACE}min"),
        _ if size < 1.0 => format!("{:.0}{SPACE}s", (size * 60.0).max(1.0)),
        _ if size < 9.95 => format!("{}{SPACE}min", crate::round(size, 1)),
        _ if size < 59.5 => format!("{:.0}{SPACE}min", size),
        _ if size < 2_880.0 => {
            let whole = size.round();
            let (hours, rest) = ((whole / 60.0).floor(), whole % 60.0);
            match rest == 0.0 {
                true => format!("{hours}{SPACE}h"),
                false => format!("{hours}{SPACE}h{SPACE}{rest}{SPACE}min"),
            }
        }
        _ if size < 144_000.0 => format!("{}{SPACE}days", crate::round(size / 1_440.0, 1)),
        _ => format!("{}{SPACE}days", grouped(size / 1_440.0)),
    };
    format!("{sign}{text}")
}

fn bytes(value: f64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let mut left = value;
    let mut place = 0;
    while left.abs() >= 999.5 && place + 1 < units.len() {
        left /= 1_000.0;
        place += 1;
    }
    let number = match place {
        0 => grouped(left),
        _ => decimal(left),
    };
    format!("{number}{SPACE}{}", units[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(unit: Unit, value: f64) -> String {
        unit.show(value).replace(SPACE, " ")
    }

    #[test]
    fn units_by_the_names_of_columns() {
        let cases = [
            ("n_incidents", Unit::Count),
            ("n_interrupted_hours", Unit::Count),
            ("percent_kept", Unit::Percent),
            ("p50_minutes", Unit::Minutes),
            ("minutes_to_detect", Unit::Minutes),
            ("exposure_days", Unit::Days),
            ("days_between", Unit::Days),
            ("size_bytes", Unit::Bytes),
            ("mean_per_week", Unit::Number),
            ("lift", Unit::Number),
        ];
        for (name, unit) in cases {
            assert_eq!(Unit::of_column(name), unit, "{name}");
        }
    }

    #[test]
    fn numbers_as_people_write_them() {
        let cases = [
            (Unit::Count, 1_234_567.0, "1,234,567"),
            (Unit::Count, -0.2, "0"),
            (Unit::Number, 2.345, "2.35"),
            (Unit::Number, 1_234.5, "1,235"),
            (Unit::Percent, 66.04, "66 %"),
            (Unit::Percent, 0.0, "0 %"),
            (Unit::Minutes, 0.5, "30 s"),
            (Unit::Minutes, 4.14, "4.1 min"),
            (Unit::Minutes, 59.6, "1 h"),
            (Unit::Minutes, 206.0, "3 h 26 min"),
            (Unit::Days, 2.5, "2.5 days"),
            (Unit::Hours, 0.0, "0 min"),
            (Unit::Seconds, 90.0, "1.5 min"),
            (Unit::Minutes, -90.0, "-1 h 30 min"),
            (Unit::Bytes, 999.0, "999 bytes"),
            (Unit::Bytes, 39_000_000.0, "39 MB"),
        ];
        for (unit, value, expected) in cases {
            assert_eq!(shown(unit, value), expected);
        }
    }
}
