//! The developer survey: one CSV file a quarter, one row a response. Ratings follow the load of the team, loosely;
//! some answers are blank, and texts have commas, quotes, line breaks and letters beyond ASCII.

use crate::Error;
use crate::files::Output;
use crate::incident::Incident;
use crate::organisation::Organisation;
use crate::random::Random;
use crate::time::{Clocks, DAY, HOUR, Period, Time};
use jiff::civil::Date;

const QUESTIONS: [&str; 4] = [
    "On-call leaves me enough time for other work",
    "I trust our alerts",
    "I know what to do when I am paged",
    "Releasing feels safe",
];
const FREE_QUESTION: &str = "What would help most?";
const TEXTS: [&str; 9] = [
    "Fewer alerts at night, please.",
    "The scheduler alerts, again and again",
    "Time to fix what we write in postmortems",
    "Runbooks that are \"actually\" tested",
    "Two things:\n1. a second person who knows the ledger\n2. quieter weekends",
    "Bessere Übergabe zwischen den Zeitzonen – wir erfahren vieles zu spät",
    "Nothing, all good 🙂",
    "Less flapping, more SLOs, fewer meetings",
    "Un environnement de test qui ressemble à la production",
];

/// Incidents by quarter and team, from which the ratings come.
pub(crate) struct Survey<'a> {
    organisation: &'a Organisation,
    period: Period,
    random: Random,
    first_quarter: i64,
    /// By quarter since the first, then by team.
    incidents: Vec<Vec<u64>>,
}

impl<'a> Survey<'a> {
    /// No incident has been counted yet.
    pub(crate) fn new(
        seed: u64,
        organisation: &'a Organisation,
        period: Period,
    ) -> Result<Self, Error> {
        let first_quarter = quarter(period.start.date()?);
        let incidents = vec![vec![0; organisation.teams.len()]; 5];
        Ok(Self {
            organisation,
            period,
            random: Random::new(seed, "survey"),
            first_quarter,
            incidents,
        })
    }

    /// Counts an incident against its team.
    pub(crate) fn note(&mut self, incident: &Incident) -> Result<(), Error> {
        let number = (quarter(incident.plan.start.date()?) - self.first_quarter) as usize;
        let team = self.organisation.services[incident.plan.service].team;
        if let Some(teams) = self.incidents.get_mut(number) {
            teams[team] += 1;
        }
        Ok(())
    }

    /// Writes a file for each quarter that ended within the year.
    pub(crate) fn finish(mut self, output: &mut Output<'_>) -> Result<(), Error> {
        for (number, incidents) in std::mem::take(&mut self.incidents).into_iter().enumerate() {
            let quarter = self.first_quarter + number as i64;
            let (year, place) = (quarter.div_euclid(4), quarter.rem_euclid(4));
            let next = Date::new(
                (quarter + 1).div_euclid(4) as i16,
                (quarter + 1).rem_euclid(4) as i8 * 3 + 1,
                1,
            );
            let closes = Time::midnight(next.map_err(|_| Error::End)?)?;
            if closes <= self.period.end() {
                let name = format!("{year}-Q{}", place + 1);
                let (text, responses) = self.responses(&name, closes, &incidents)?;
                output.text(
                    &format!("raw_data/developer_survey/{name}.csv"),
                    &text,
                    responses,
                )?;
            }
        }
        Ok(())
    }

    fn responses(
        &mut self,
        quarter: &str,
        closes: Time,
        incidents: &[u64],
    ) -> Result<(String, u64), Error> {
        let organisation = self.organisation;
        let loads: Vec<f64> = incidents
            .iter()
            .zip(&organisation.teams)
            .map(|(incidents, team)| *incidents as f64 / team.members.len() as f64)
            .collect();
        let usual = (loads.iter().sum::<f64>() / loads.len() as f64).max(f64::MIN_POSITIVE);
        let clocks = Clocks::new()?;
        let mut text = String::new();
        let mut header = vec!["response_id", "submitted_at", "team", "role"];
        header.extend(QUESTIONS);
        header.push(FREE_QUESTION);
        row(&mut text, header);
        let mut responses = 0;
        for (place, person) in organisation.people.iter().enumerate() {
            let Some(team) = person.team.filter(|_| self.random.chance(0.7)) else {
                continue;
            };
            responses += 1;
            let mut submitted = closes + -self.random.between(DAY, 12 * DAY);
            while !clocks.local(submitted, person.zone).is_business() {
                submitted = submitted + -3 * HOUR;
            }
            // 4 without load, about 3 with the usual one, below 2 with thrice as much.
            let mood = (4.2 - loads[team] / usual * 0.9).max(1.6);
            let role = if place % 6 == 5 {
                "Engineering Manager"
            } else {
                "Software Engineer"
            };
            let mut cells = vec![
                format!("{quarter}-{responses:04}"),
                submitted.to_the_minute()?,
                organisation.teams[team].name.clone(),
                role.to_owned(),
            ];
            for _ in QUESTIONS {
                let rating = (mood + 0.8 * self.random.normal()).round().clamp(1.0, 5.0);
                cells.push(if self.random.chance(0.06) {
                    String::new()
                } else {
                    rating.to_string()
                });
            }
            let words = self.random.pick(&TEXTS);
            cells.push(if self.random.chance(0.5) {
                String::new()
            } else {
                (*words).to_owned()
            });
            row(&mut text, cells.iter().map(String::as_str));
        }
        Ok((text, responses))
    }
}

/// Quarters since the year 0.
fn quarter(date: Date) -> i64 {
    i64::from(date.year()) * 4 + i64::from((date.month() - 1) / 3)
}

/// Adds a row of CSV (RFC 4180).
fn row<'t>(text: &mut String, cells: impl IntoIterator<Item = &'t str>) {
    for (number, cell) in cells.into_iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\n']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push('\n');
}
