//! The life of one incident, from its trigger to its end: who was told, who answered, when it was over. When incidents
//! begin is the timeline's; how a vendor writes them down is not known here.

use crate::organisation::{Contact, Organisation, Person};
use crate::random::Random;
use crate::time::{Clocks, DAY, HOUR, Time};

/// Levels of every escalation policy.
const LEVELS: usize = 3;
/// The longest time for which work on an incident goes on.
const LONGEST_WORK: i64 = 12 * DAY;

/// What leads to an incident, as the timeline planned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IncidentPlan {
    pub(crate) start: Time,
    pub(crate) service: usize,
    pub(crate) origin: Origin,
    pub(crate) ending: Ending,
    pub(crate) is_major: bool,
    /// Whether a change of the service came right before.
    pub(crate) follows_change: bool,
}

/// Who noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Monitor(usize),
    /// Somebody opened the incident by hand; the number chooses the words.
    Person(usize),
}

/// How the incident goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// As chance will have it.
    Usual,
    /// Within minutes, by itself.
    Flap,
    /// By a person, at this moment.
    At(Time),
    /// Not at all: acknowledged, and open ever since.
    StaysAcknowledged,
    /// Not at all: nobody answered.
    StaysTriggered,
    /// Not at all: nobody was even asked.
    Unassigned,
    /// Twice: it is opened again after it was resolved.
    Reopened,
}

/// An incident and all that happens to it.
#[derive(Debug)]
pub(crate) struct Incident {
    /// 1, 2, 3, … in the order of starting.
    pub(crate) number: u64,
    /// The number of the first event; the others follow on. Unique among all events.
    pub(crate) first_event: u64,
    pub(crate) plan: IncidentPlan,
    pub(crate) is_high_urgency: bool,
    /// 1 (worst) to 5.
    pub(crate) priority: Option<u8>,
    /// People of other teams who were asked to help.
    pub(crate) responders: Vec<usize>,
    /// In order of time.
    pub(crate) events: Vec<Event>,
    /// When errors were first seen before it, if they were.
    pub(crate) errors_seen: Option<Time>,
}

/// Something that happened to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: Time,
    pub(crate) kind: Kind,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The service itself: a monitor, or a timeout.
    Service,
    Person(usize),
}

/// Kinds of what happens to incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Trigger {
        by: Actor,
    },
    Assign {
        to: usize,
    },
    Notify {
        person: usize,
        contact: Contact,
        arrived: bool,
    },
    Acknowledge {
        by: usize,
    },
    /// The acknowledgement lapsed.
    Unacknowledge,
    /// To the next level; by a timeout if by nobody.
    Escalate {
        to: usize,
        by: Option<usize>,
    },
    Annotate {
        by: usize,
        note: usize,
    },
    Snooze {
        by: usize,
        seconds: i64,
    },
    SetPriority {
        by: usize,
        priority: u8,
    },
    Resolve {
        by: Actor,
        timed_out: bool,
    },
    /// Nobody on the policy answered, and it begins again.
    RepeatPolicy,
    /// Nobody on the policy answered.
    ExhaustPolicy,
}

/// Where an incident stands at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Triggered,
    Acknowledged,
    Resolved,
}

/// An incident as it looks at some moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) status: Status,
    pub(crate) assigned: Vec<(Time, usize)>,
    pub(crate) acknowledged: Vec<(Time, usize)>,
    pub(crate) changed_at: Time,
    pub(crate) changed_by: Actor,
    pub(crate) updated_at: Time,
    pub(crate) resolved_at: Option<Time>,
    pub(crate) priority: Option<u8>,
}

impl Incident {
    /// The incident at a moment, from the events up to then.
    pub(crate) fn snapshot(&self, as_of: Time) -> Snapshot {
        let mut seen = Snapshot {
            status: Status::Triggered,
            assigned: Vec::new(),
            acknowledged: Vec::new(),
            changed_at: self.plan.start,
            changed_by: Actor::Service,
            updated_at: self.plan.start,
            resolved_at: None,
            priority: None,
        };
        for event in self.events.iter().take_while(|event| event.at <= as_of) {
            seen.updated_at = event.at;
            let status = match event.kind {
                Kind::Trigger { by } => Some((Status::Triggered, by)),
                Kind::Acknowledge { by } => {
                    seen.acknowledged.push((event.at, by));
                    Some((Status::Acknowledged, Actor::Person(by)))
                }
                Kind::Unacknowledge => Some((Status::Triggered, Actor::Service)),
                Kind::Resolve { by, .. } => Some((Status::Resolved, by)),
                Kind::Assign { to } | Kind::Escalate { to, .. } => {
                    seen.assigned = vec![(event.at, to)];
                    None
                }
                Kind::SetPriority { priority, .. } => {
                    seen.priority = Some(priority);
                    None
                }
                Kind::Notify { .. } | Kind::Annotate { .. } | Kind::Snooze { .. } => None,
                Kind::RepeatPolicy | Kind::ExhaustPolicy => None,
            };
            if let Some((status, by)) = status {
                (seen.status, seen.changed_at, seen.changed_by) = (status, event.at, by);
                seen.resolved_at = (status == Status::Resolved).then_some(event.at);
                // A resolved incident has neither; a triggered one no acknowledgement.
                if status == Status::Resolved {
                    seen.assigned.clear();
                }
                if status != Status::Acknowledged {
                    seen.acknowledged.clear();
                }
            }
        }
        seen
    }

    /// When somebody first acknowledged it.
    pub(crate) fn first_acknowledged(&self) -> Option<Time> {
        let mut acknowledged = self
            .events
            .iter()
            .filter(|event| matches!(event.kind, Kind::Acknowledge { .. }));
        acknowledged.next().map(|event| event.at)
    }
}

/// Lives an incident through. The priority, the people and all events come from `random`.
pub(crate) fn live(
    plan: IncidentPlan,
    number: u64,
    first_event: u64,
    organisation: &Organisation,
    clocks: &Clocks,
    random: &mut Random,
) -> Incident {
    let is_high_urgency = plan.is_major || plan.ending != Ending::Usual || random.chance(0.85);
    let mut incident = Incident {
        number,
        first_event,
        plan,
        is_high_urgency,
        priority: None,
        responders: Vec::new(),
        events: Vec::with_capacity(16),
        errors_seen: None,
    };
    Life {
        incident: &mut incident,
        organisation,
        clocks,
        random,
    }
    .whole();
    incident.events.sort_by_key(|event| event.at);
    incident
}

/// An incident in the making.
struct Life<'a> {
    incident: &'a mut Incident,
    organisation: &'a Organisation,
    clocks: &'a Clocks,
    random: &'a mut Random,
}

/// How asking people ended.
enum Answer {
    Acknowledged {
        at: Time,
        by: usize,
    },
    /// The monitor recovered first.
    Recovered,
    Nobody {
        asked_until: Time,
    },
}

impl Life<'_> {
    fn whole(&mut self) {
        let IncidentPlan {
            start,
            ending,
            origin,
            ..
        } = self.incident.plan;
        let opened_by = match origin {
            Origin::Monitor(_) => Actor::Service,
            Origin::Person(_) => Actor::Person(self.anyone_nearby()),
        };
        self.push(start, Kind::Trigger { by: opened_by });
        if ending == Ending::Unassigned {
            return;
        }
        let recovers = match (ending, origin) {
            (Ending::Flap, _) => Some(start + self.random.between(50, 290)),
            (Ending::Usual, Origin::Monitor(_))
                if !self.incident.plan.is_major && self.random.chance(0.3) =>
            {
                Some(start + self.random.lognormal(1_500.0, 1.0).clamp(90.0, 43_200.0) as i64)
            }
            _ => None,
        };
        let answers = match ending {
            Ending::StaysTriggered => false,
            Ending::Usual => self.incident.plan.is_major || self.random.chance(0.96),
            _ => true,
        };
        match self.ask(start, recovers, answers) {
            Answer::Acknowledged { at, by } => self.work(at, by, recovers),
            Answer::Recovered => {
                if let Some(at) = recovers {
                    self.push(
                        at,
                        Kind::Resolve {
                            by: Actor::Service,
                            timed_out: false,
                        },
                    );
                }
            }
            Answer::Nobody { asked_until } if ending != Ending::StaysTriggered => {
                self.forget(asked_until, recovers)
            }
            Answer::Nobody { .. } => {}
        }
    }

    /// Goes up the escalation policy until somebody answers.
    fn ask(&mut self, start: Time, recovers: Option<Time>, answers: bool) -> Answer {
        let team = self.organisation.services[self.incident.plan.service].team;
        let delay = self.organisation.services[self.incident.plan.service].escalation_delay;
        let mut at = start;
        for round in 0..2 {
            for level in 0..LEVELS {
                let person = self.organisation.on_call(team, at, level);
                let kind = match (round, level) {
                    (0, 0) => Kind::Assign { to: person },
                    _ => Kind::Escalate {
                        to: person,
                        by: None,
                    },
                };
                self.push(at, kind);
                let answer = if answers {
                    self.seconds_to_answer(person, at)
                } else {
                    i64::MAX
                };
                let recovery = recovers.map_or(i64::MAX, |time| time - at);
                self.notify(person, at, answer.min(delay).min(recovery));
                if recovery <= answer.min(delay) {
                    return Answer::Recovered;
                }
                if answer < delay {
                    self.push(at + answer, Kind::Acknowledge { by: person });
                    return Answer::Acknowledged {
                        at: at + answer,
                        by: person,
                    };
                }
                at = at + delay;
            }
            if round == 0 {
                self.push(at, Kind::RepeatPolicy);
            }
        }
        self.push(at, Kind::ExhaustPolicy);
        Answer::Nobody { asked_until: at }
    }

    /// How long a person takes: longer at night, much longer if only by e-mail.
    fn seconds_to_answer(&mut self, person: usize, at: Time) -> i64 {
        let Person { contacts, zone, .. } = &self.organisation.people[person];
        let median = match self.clocks.local(at, *zone) {
            _ if contacts.as_slice() == [Contact::Email] => 1_500.0,
            _ if !self.incident.is_high_urgency => 900.0,
            local if local.is_sleep() => 430.0,
            local if local.is_business() => 140.0,
            _ => 230.0,
        };
        self.random.lognormal(median, 0.95).clamp(8.0, 40_000.0) as i64
    }

    /// Tries one way after the other until `until` seconds have passed.
    fn notify(&mut self, person: usize, at: Time, until: i64) {
        let organisation = self.organisation;
        for contact in &organisation.people[person].contacts {
            let tries: &[i64] = match contact {
                Contact::Push => &[0, 120, 300],
                Contact::Email => &[1],
                Contact::Sms => &[60, 480],
                Contact::Phone => &[180, 600],
            };
            // What is not urgent goes by e-mail.
            let tries = if self.incident.is_high_urgency || *contact == Contact::Email {
                tries
            } else {
                &[]
            };
            for after in tries.iter().filter(|after| **after < until) {
                let arrived = !self.random.chance(0.015);
                self.push(
                    at + *after,
                    Kind::Notify {
                        person,
                        contact: *contact,
                        arrived,
                    },
                );
            }
        }
    }

    /// What people do once one of them has taken the incident.
    fn work(&mut self, acknowledged: Time, by: usize, recovers: Option<Time>) {
        let IncidentPlan {
            ending,
            is_major,
            service,
            ..
        } = self.incident.plan;
        let median = if is_major { 5_400.0 } else { 2_000.0 };
        let needed = self
            .random
            .lognormal(median, 1.15)
            .clamp(70.0, LONGEST_WORK as f64) as i64;
        let (end, ended_by) = match (ending, recovers) {
            (Ending::At(at), _) => (at, Actor::Person(by)),
            (_, Some(recovers)) if recovers - acknowledged < needed => (recovers, Actor::Service),
            _ => (acknowledged + needed, Actor::Person(by)),
        };
        self.classify(acknowledged, by);
        if is_major {
            self.gather(acknowledged, end);
        }
        let (fewest, most) = if is_major { (3, 6) } else { (0, 2) };
        let notes = self.random.between(fewest, most);
        for _ in 0..notes {
            let note = self.random.below(usize::MAX >> 1);
            let at = acknowledged + self.random.between(20, (end - acknowledged).max(21));
            self.push(at, Kind::Annotate { by, note });
        }
        if ending == Ending::StaysAcknowledged {
            return;
        }
        let handed_over = !is_major && end - acknowledged > 900 && self.random.chance(0.05);
        if handed_over {
            let team = self.organisation.services[service].team;
            let to = self.organisation.on_call(team, acknowledged, 1);
            self.push(acknowledged + 600, Kind::Escalate { to, by: Some(by) });
            self.notify(to, acknowledged + 600, 90);
            self.push(acknowledged + 690, Kind::Acknowledge { by: to });
        } else if end - acknowledged > 4 * HOUR && self.random.chance(0.4) {
            let seconds = end - acknowledged;
            self.push(acknowledged + 1_200, Kind::Snooze { by, seconds });
        } else if let Some(lapse) = self.organisation.services[service].acknowledgement_timeout {
            self.lapse(acknowledged, by, lapse, end);
        }
        self.push(
            end,
            Kind::Resolve {
                by: ended_by,
                timed_out: false,
            },
        );
        if ending == Ending::Reopened || (ending == Ending::Usual && self.random.chance(0.015)) {
            self.reopen(end, by);
        }
    }

    /// The acknowledgement lapses and is renewed, a few times at most.
    fn lapse(&mut self, acknowledged: Time, by: usize, lapse: i64, end: Time) {
        let mut at = acknowledged + lapse;
        for _ in 0..3 {
            let answer = self.random.lognormal(150.0, 0.8).clamp(8.0, 1_800.0) as i64;
            if at + answer >= end {
                break;
            }
            self.push(at, Kind::Unacknowledge);
            self.notify(by, at, answer);
            self.push(at + answer, Kind::Acknowledge { by });
            at = at + answer + lapse;
        }
    }

    /// Says how bad it is: always for a major incident, for some of the others.
    fn classify(&mut self, acknowledged: Time, by: usize) {
        let priority = match self.incident.plan.is_major {
            true if self.random.chance(0.3) => 1,
            true => 2,
            false if self.random.chance(0.4) => *self.random.pick(&[3, 3, 4, 4, 4, 5]),
            false => return,
        };
        self.incident.priority = Some(priority);
        let at = acknowledged + self.random.between(15, 400);
        self.push(at, Kind::SetPriority { by, priority });
    }

    /// People of other teams join a major incident.
    fn gather(&mut self, acknowledged: Time, end: Time) {
        let teams = self.organisation.teams.len();
        for _ in 0..self.random.between(2, 4) {
            let other = self.random.below(teams);
            let helper = self.organisation.on_call(other, acknowledged, 0);
            let at = acknowledged + self.random.between(120, 1_200);
            let answer = self.seconds_to_answer(helper, at).min(1_500);
            if self.incident.responders.contains(&helper) || at + answer >= end {
                continue;
            }
            self.incident.responders.push(helper);
            self.notify(helper, at, answer);
            self.push(at + answer, Kind::Acknowledge { by: helper });
        }
    }

    /// It was not over after all.
    fn reopen(&mut self, resolved: Time, by: usize) {
        let at = resolved + self.random.between(240, 5_400);
        self.push(
            at,
            Kind::Trigger {
                by: Actor::Person(by),
            },
        );
        self.push(at, Kind::Assign { to: by });
        let answer = self.random.between(15, 400);
        self.notify(by, at, answer);
        self.push(at + answer, Kind::Acknowledge { by });
        let needed = self
            .random
            .lognormal(2_400.0, 0.9)
            .clamp(120.0, LONGEST_WORK as f64) as i64;
        self.push(
            at + answer + needed,
            Kind::Resolve {
                by: Actor::Person(by),
                timed_out: false,
            },
        );
    }

    /// Nobody answered: it recovers, closes by itself, or is closed hours later by somebody who finds it.
    fn forget(&mut self, asked_until: Time, recovers: Option<Time>) {
        let start = self.incident.plan.start;
        let timeout = self.organisation.services[self.incident.plan.service].auto_resolve_timeout;
        let (at, by, timed_out) = match (recovers, timeout) {
            (Some(at), _) if at > asked_until => (at, Actor::Service, false),
            (_, Some(timeout)) => (asked_until.max(start + timeout), Actor::Service, true),
            _ => {
                let later = self
                    .random
                    .lognormal(18_000.0, 0.7)
                    .clamp(600.0, LONGEST_WORK as f64) as i64;
                (
                    asked_until + later,
                    Actor::Person(self.anyone_nearby()),
                    false,
                )
            }
        };
        self.push(at, Kind::Resolve { by, timed_out });
    }

    /// Somebody of the team.
    fn anyone_nearby(&mut self) -> usize {
        let team = self.organisation.services[self.incident.plan.service].team;
        *self.random.pick(&self.organisation.teams[team].members)
    }

    fn push(&mut self, at: Time, kind: Kind) {
        self.incident.events.push(Event { at, kind });
    }
}
