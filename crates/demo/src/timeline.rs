//! When things go wrong: the rhythm of days, weeks and the year, releases, flapping alerts, failures that spread, and
//! errors that precede incidents. It yields what happens one by one in order of time and remembers no more than the
//! next hours, so that memory does not grow with the length of the data. How one incident goes on is `incident`'s.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::Error;
use crate::incident::{self, Ending, Incident, IncidentPlan, Origin};
use crate::issue::{self, Issue};
use crate::organisation::Organisation;
use crate::random::Random;
use crate::time::{Clocks, DAY, HOUR, Period, Time, ZONES};

/// Log entries of an episode (an incident with those that it brings about), about. It only has to be near: the
/// timeline watches how many there have been and corrects itself.
const LOG_ENTRIES_AN_EPISODE: f64 = 21.0;
/// Log entries of an incident, about.
const LOG_ENTRIES_AN_INCIDENT: f64 = 11.0;
/// The share of episodes that are flapping alerts; these care little for office hours.
const FLAPPING_SHARE: f64 = 0.1;
/// Hours in which the timeline makes up for a shortfall or an excess.
const CORRECTION_HOURS: f64 = 14.0 * 24.0;

/// What happens.
pub(crate) enum Happening {
    Incident(Incident),
    Issue(Issue),
}

/// What happens to an organisation in a year.
pub(crate) struct Timeline<'a> {
    organisation: &'a Organisation,
    period: Period,
    clocks: Clocks,
    random: Random,
    log_entries: f64,
    /// The share of the year's episodes that belongs to each hour.
    shares: Vec<f64>,
    /// The sum of the shares of the hours begun.
    share_begun: f64,
    hours_begun: usize,
    /// By zone, the services and the running sums of their weights.
    services: Vec<(Vec<usize>, Vec<f64>)>,
    flapping: Vec<usize>,
    major_chance: f64,
    plans: BinaryHeap<Reverse<IncidentPlan>>,
    ready: VecDeque<Happening>,
    incidents: u64,
    events: u64,
    issues: u64,
}

impl<'a> Timeline<'a> {
    /// The year of `period` with about `log_entries` log entries.
    pub(crate) fn new(
        seed: u64,
        log_entries: u64,
        organisation: &'a Organisation,
        period: Period,
    ) -> Result<Self, Error> {
        let clocks = Clocks::new()?;
        let mut services = vec![(Vec::new(), Vec::new()); ZONES.len()];
        for (place, service) in organisation.services.iter().enumerate() {
            let team = &organisation.teams[service.team];
            let (places, sums): &mut (Vec<usize>, Vec<f64>) = &mut services[team.zone];
            places.push(place);
            sums.push(sums.last().unwrap_or(&0.0) + team.weight / team.services.len() as f64);
        }
        let flapping = (0..organisation.services.len())
            .filter(|place| organisation.services[*place].flaps)
            .collect();
        let incidents = log_entries as f64 / LOG_ENTRIES_AN_INCIDENT;
        let mut timeline = Self {
            organisation,
            period,
            clocks,
            random: Random::new(seed, "timeline"),
            log_entries: log_entries as f64,
            shares: Vec::new(),
            share_begun: 0.0,
            hours_begun: 0,
            services,
            flapping,
            // Major incidents grow with the square root, as the organisation does.
            major_chance: 2.0 / incidents.sqrt(),
            plans: BinaryHeap::new(),
            ready: VecDeque::new(),
            incidents: 0,
            events: 0,
            issues: 0,
        };
        timeline.shares = timeline.rhythm()?;
        timeline.plant();
        Ok(timeline)
    }

    /// The share of each hour of the year: the working hours of each zone, and what flaps at any time.
    fn rhythm(&self) -> Result<Vec<f64>, Error> {
        let hours = (self.period.end() - self.period.start) / HOUR;
        let mut shares = Vec::with_capacity(hours as usize);
        for hour in 0..hours {
            let time = self.period.start + hour * HOUR;
            let working: f64 = self.zone_weights(time).iter().sum();
            shares.push(working * season(time, &self.period)?);
        }
        let total: f64 = shares.iter().sum();
        for share in &mut shares {
            *share = *share / total * (1.0 - FLAPPING_SHARE) + FLAPPING_SHARE / hours as f64;
        }
        Ok(shares)
    }

    /// How much happens in each zone at a time.
    fn zone_weights(&self, time: Time) -> [f64; ZONES.len()] {
        let mut weights = [0.0; ZONES.len()];
        for (zone, weight) in weights.iter_mut().enumerate() {
            let local = self.clocks.local(time, zone);
            let by_hour = match local.hour {
                10 | 11 | 14 | 15 => 1.3,
                9..18 => 1.0,
                18..22 => 0.55,
                // The nightly batch.
                2 | 3 => 0.5,
                _ => 0.25,
            };
            let by_day = if local.weekday >= 6 { 0.45 } else { 1.0 };
            *weight = self.services[zone].1.last().copied().unwrap_or(0.0) * by_hour * by_day;
        }
        weights
    }

    /// Incidents that every year has, whatever its size, because the rules for loading and some reports are about
    /// them: open at one extraction and resolved at the next, stale, unassigned, reopened, the same major failure
    /// again within 90 days.
    fn plant(&mut self) {
        let Period { start, first, .. } = self.period;
        let end = self.period.end();
        let services = self.organisation.services.len();
        let plain = |place: usize, start: Time, ending: Ending| {
            let service = place % services;
            let origin = Origin::Monitor(self.organisation.services[service].monitors[0]);
            IncidentPlan {
                start,
                service,
                origin,
                ending,
                is_major: false,
                follows_change: false,
            }
        };
        let major = |place, start| IncidentPlan {
            is_major: true,
            follows_change: true,
            ..plain(place, start, Ending::Usual)
        };
        let planted = [
            plain(0, first + -3 * HOUR, Ending::At(first + 30 * HOUR)),
            plain(1, first + -40 * HOUR, Ending::At(first + 5 * DAY)),
            plain(2, end + -41 * DAY, Ending::StaysTriggered),
            plain(3, end + -9 * DAY, Ending::StaysAcknowledged),
            plain(1, end + -5 * HOUR, Ending::Unassigned),
            plain(0, start + 100 * DAY + 10 * HOUR, Ending::Reopened),
            major(0, start + 150 * DAY + 13 * HOUR),
            major(0, start + 190 * DAY + 14 * HOUR),
        ];
        self.plans.extend(planted.map(Reverse));
    }

    /// Plans the episodes of the next hour.
    fn begin_hour(&mut self, hour: usize) {
        let start = self.period.start + hour as i64 * HOUR;
        let share = self.shares[hour];
        let usual = self.log_entries / self.shares.len() as f64 * CORRECTION_HOURS;
        let missing = self.log_entries * self.share_begun - self.events as f64;
        let correction = (1.0 + missing / usual).clamp(0.3, 2.0);
        let zones = self.zone_weights(start);
        let mut sums = zones;
        for zone in 1..sums.len() {
            sums[zone] += sums[zone - 1];
        }
        let flapping = FLAPPING_SHARE / self.shares.len() as f64 / share;
        let episodes = self.log_entries * share / LOG_ENTRIES_AN_EPISODE * correction;
        for _ in 0..self.random.poisson(episodes) {
            let at = start + self.random.between(0, HOUR - 1);
            if self.random.chance(flapping) {
                self.plan_flapping(at);
            } else {
                let zone = self.random.weighted(&sums);
                self.plan_failure(at, zone);
            }
        }
        // Errors that nobody is paged for.
        let issues = self.log_entries / LOG_ENTRIES_AN_INCIDENT * share * 0.15;
        for _ in 0..self.random.poisson(issues) {
            let at = start + self.random.between(0, HOUR - 1);
            let zone = self.random.weighted(&sums);
            let service = self.service_in(zone);
            self.add_issue(service, at, false);
        }
        self.share_begun += share;
    }

    fn service_in(&mut self, zone: usize) -> usize {
        let (places, sums) = &self.services[zone];
        places[self.random.weighted(sums)]
    }

    /// An alert that comes and goes several times within hours.
    fn plan_flapping(&mut self, start: Time) {
        // The first is the worst.
        let place = self
            .random
            .below(self.flapping.len())
            .min(self.random.below(self.flapping.len()));
        let service = self.flapping[place];
        let origin = Origin::Monitor(self.organisation.services[service].monitors[1]);
        let mut at = start;
        for _ in 0..self.random.between(2, 7) {
            let ending = Ending::Flap;
            self.plan(IncidentPlan {
                start: at,
                service,
                origin,
                ending,
                is_major: false,
                follows_change: false,
            });
            at = at + self.random.between(360, 1_500);
        }
    }

    /// A failure of a service, sometimes after a release, with those that it drags along.
    fn plan_failure(&mut self, start: Time, zone: usize) {
        let service = self.service_in(zone);
        let local = self.clocks.local(start, zone);
        // Releases go out from Tuesday to Thursday in daytime.
        let is_release_time = (2..=4).contains(&local.weekday) && (10..17).contains(&local.hour);
        let follows_change = self.random.chance(if is_release_time { 0.4 } else { 0.04 });
        let alerts = if follows_change {
            self.random.between(1, 4)
        } else {
            1
        };
        let mut at = start;
        for _ in 0..alerts {
            let is_major = self.random.chance(self.major_chance);
            self.plan_one(at, service, is_major, follows_change);
            at = at + self.random.between(60, 900);
        }
    }

    fn plan_one(&mut self, start: Time, service: usize, is_major: bool, follows_change: bool) {
        let monitors = &self.organisation.services[service].monitors;
        let origin = if self.random.chance(0.08) {
            Origin::Person(self.random.below(1 << 16))
        } else {
            Origin::Monitor(*self.random.pick(&monitors[..2]))
        };
        let is_stale = self.period.end() - start < 60 * DAY && self.random.chance(0.01);
        let ending = match is_stale && !is_major {
            true if self.random.chance(0.5) => Ending::StaysTriggered,
            true => Ending::StaysAcknowledged,
            false => Ending::Usual,
        };
        self.plan(IncidentPlan {
            start,
            service,
            origin,
            ending,
            is_major,
            follows_change,
        });
        if let Some(dragged) = self.organisation.services[service].drags
            && self.random.chance(0.5)
        {
            let start = start + self.random.between(20, 280);
            let origin = Origin::Monitor(self.organisation.services[dragged].monitors[0]);
            let ending = Ending::Usual;
            self.plan(IncidentPlan {
                start,
                service: dragged,
                origin,
                ending,
                is_major: false,
                follows_change: false,
            });
        }
    }

    fn plan(&mut self, plan: IncidentPlan) {
        if plan.start < self.period.end() {
            self.plans.push(Reverse(plan));
        }
    }

    /// Lives the next incident through; half of the major ones, and some others, had errors beforehand.
    fn begin_incident(&mut self, plan: IncidentPlan) -> Incident {
        self.incidents += 1;
        let mut incident = incident::live(
            plan,
            self.incidents,
            self.events,
            self.organisation,
            &self.clocks,
            &mut self.random,
        );
        self.events += incident.events.len() as u64;
        let tracks_errors = self.organisation.services[plan.service].tracks_errors;
        let had_errors = if plan.is_major { 0.6 } else { 0.12 };
        if tracks_errors && plan.ending != Ending::Flap && self.random.chance(had_errors) {
            let seen = plan.start + -self.random.between(240, 3_300);
            incident.errors_seen = Some(seen);
            self.add_issue(plan.service, seen, true);
        }
        incident
    }

    fn add_issue(&mut self, service: usize, seen: Time, precedes_incident: bool) {
        if self.organisation.services[service].tracks_errors {
            self.issues += 1;
            let issue = issue::live(
                self.issues,
                service,
                seen,
                precedes_incident,
                &self.period,
                &mut self.random,
            );
            self.ready.push_back(Happening::Issue(issue));
        }
    }
}

impl Iterator for Timeline<'_> {
    type Item = Happening;

    fn next(&mut self) -> Option<Happening> {
        loop {
            if let Some(happening) = self.ready.pop_front() {
                return Some(happening);
            }
            let planned_until = self.period.start + self.hours_begun as i64 * HOUR;
            match self.plans.peek() {
                Some(Reverse(plan)) if plan.start < planned_until => {
                    let Reverse(plan) = self.plans.pop()?;
                    return Some(Happening::Incident(self.begin_incident(plan)));
                }
                _ if self.hours_begun < self.shares.len() => {
                    self.begin_hour(self.hours_begun);
                    self.hours_begun += 1;
                }
                _ => return None,
            }
        }
    }
}

/// The year's own rhythm: growth, the sales week at the end of November, quiet holidays, a calmer August.
fn season(time: Time, period: &Period) -> Result<f64, Error> {
    let date = time.date()?;
    let growth = 0.8 + 0.4 * (time - period.start) as f64 / (period.end() - period.start) as f64;
    let event = match (date.month(), date.day()) {
        (11, 24..) => 1.7,
        (12, 24..) | (1, 1) => 0.5,
        (8, _) => 0.85,
        _ => 1.0,
    };
    Ok(growth * event)
}
