//! The invented organisation: teams, people, services, monitors and who is on call. Nothing here changes over the year
//! (apart from one member who leaves a team); what happens to it is the timeline's, and how each vendor spells it is
//! that vendor's file's.

use crate::random::{Random, scramble};
use crate::time::{Time, ZONES};

/// The organisation's name, as a person writes it and as an address does.
pub(crate) const NAME: &str = "Kestrel Lane";
/// See [`NAME`].
pub(crate) const SLUG: &str = "kestrel-lane";

/// Areas of work, each a team; further teams repeat them with a suffix.
const AREAS: [&str; 24] = [
    "Payments",
    "Checkout",
    "Search",
    "Platform",
    "Accounts",
    "Delivery",
    "Catalogue",
    "Mobile",
    "Pricing",
    "Sellers",
    "Messaging",
    "Fraud",
    "Recommendations",
    "Inventory",
    "Billing",
    "Databases",
    "Identity",
    "Returns",
    "Networking",
    "Advertising",
    "Content",
    "Support Tools",
    "Reporting",
    "Data Science",
];
const REGIONS: [&str; 8] = ["", " EU", " US", " APAC", " Core", " Edge", " Labs", " B2B"];
/// What customers know; each team works for one of them.
const PRODUCTS: [&str; 8] = [
    "Checkout",
    "Storefront",
    "Search",
    "Seller Portal",
    "Delivery Tracking",
    "Mobile App",
    "Partner API",
    "Reporting",
];
const SERVICE_KINDS: [&str; 8] = [
    "api",
    "worker",
    "web",
    "events",
    "gateway",
    "scheduler",
    "ledger",
    "sync",
];
const FIRST_NAMES: [&str; 40] = [
    "Amara", "Björn", "Chioma", "Dmitri", "Elif", "Fatima", "Gabriel", "Hana", "Ivan", "Jorge",
    "Kavya", "Liam", "Meera", "Noah", "Olga", "Priya", "Quinn", "Rahul", "Sofia", "Tomás", "Uma",
    "Viktor", "Wei", "Ximena", "Yuki", "Zoë", "Anders", "Beatriz", "Callum", "Deepa", "Emil",
    "Freya", "Gita", "Hugo", "Ines", "Jakub", "Keiko", "Lars", "Maya", "Nikhil",
];
const LAST_NAMES: [&str; 40] = [
    "Adeyemi",
    "Bergström",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Gupta",
    "Haddad",
    "Ibrahim",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Mehta",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Quigley",
    "Rossi",
    "Sharma",
    "Tanaka",
    "Ueda",
    "Vargas",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
    "Ahlberg",
    "Brandt",
    "Chandra",
    "Doyle",
    "Engel",
    "Farrell",
    "García",
    "Hassan",
    "Iyer",
    "Jovanović",
    "Krüger",
    "López",
    "Moreau",
    "Novák",
];

/// Everything and everyone. Places in these lists are how the parts name each other.
pub(crate) struct Organisation {
    pub(crate) teams: Vec<Team>,
    pub(crate) people: Vec<Person>,
    pub(crate) services: Vec<Service>,
    pub(crate) monitors: Vec<Monitor>,
    /// The person who is in a team when the older extraction runs, and no longer when the newer one does.
    pub(crate) leaver: usize,
}

/// A team of people.
pub(crate) struct Team {
    pub(crate) name: String,
    /// `support-tools`, from which the vendors' spellings are made.
    pub(crate) slug: String,
    pub(crate) product: &'static str,
    pub(crate) zone: usize,
    pub(crate) members: Vec<usize>,
    pub(crate) services: Vec<usize>,
    /// How much of all that goes wrong goes wrong here, beside others.
    pub(crate) weight: f64,
}

/// A person who may be on call.
pub(crate) struct Person {
    pub(crate) name: String,
    /// The name in plain letters, at the organisation.
    pub(crate) email: String,
    pub(crate) zone: usize,
    pub(crate) team: Option<usize>,
    pub(crate) contacts: Vec<Contact>,
}

/// A way to reach somebody. The order of the kinds is the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contact {
    Push,
    Email,
    Sms,
    Phone,
}

/// A service that can fail.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) team: usize,
    pub(crate) monitors: Vec<usize>,
    /// Whether its alerts come and go by themselves, many times over.
    pub(crate) flaps: bool,
    /// The service that often fails minutes after this one.
    pub(crate) drags: Option<usize>,
    /// Seconds until an acknowledgement lapses; none means never.
    pub(crate) acknowledgement_timeout: Option<i64>,
    /// Seconds until an open incident closes by itself; none means never.
    pub(crate) auto_resolve_timeout: Option<i64>,
    /// Seconds that each level of the escalation policy has.
    pub(crate) escalation_delay: i64,
    /// Whether its errors are tracked.
    pub(crate) tracks_errors: bool,
}

/// A monitor of a service.
pub(crate) struct Monitor {
    pub(crate) service: usize,
    /// The place of its kind in [`MONITOR_KINDS`].
    pub(crate) kind: usize,
    pub(crate) condition: Condition,
}

/// What is wrong with a monitor, if anything. Only a healthy one opens incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Healthy,
    /// Its message names nobody to page.
    NoTarget,
    Muted,
    /// It has had no data for months.
    NoData,
    NoTags,
}

/// A kind of monitor: what its title says and what the vendor calls its type.
pub(crate) struct MonitorKind {
    pub(crate) title: &'static str,
    pub(crate) kind: &'static str,
    /// `%` stands for the service.
    pub(crate) query: &'static str,
    pub(crate) critical: f64,
}

/// The kinds; every service has the first two and one of the others.
pub(crate) const MONITOR_KINDS: [MonitorKind; 5] = [
    MonitorKind {
        title: "p95 latency above 800 ms",
        kind: "metric alert",
        query: "avg(last_5m):p95:trace.http.request{service:%,env:production} > 0.8",
        critical: 0.8,
    },
    MonitorKind {
        title: "error rate above 2 %",
        kind: "query alert",
        query: "sum(last_5m):sum:http.errors{service:%}.as_count() / sum:http.hits{service:%}.as_count() > 0.02",
        critical: 0.02,
    },
    MonitorKind {
        title: "queue lag above 10 minutes",
        kind: "metric alert",
        query: "max(last_10m):max:queue.lag_seconds{service:%} > 600",
        critical: 600.0,
    },
    MonitorKind {
        title: "\"disk almost full\" on a host",
        kind: "query alert",
        query: "max(last_15m):max:system.disk.in_use{service:%} by {host} > 0.92",
        critical: 0.92,
    },
    MonitorKind {
        title: "burst of error logs",
        kind: "log alert",
        query: "logs(\"service:% status:error\").index(\"main\").rollup(\"count\").last(\"5m\") > 250",
        critical: 250.0,
    },
];

impl Organisation {
    /// Which services belong to which product, as `product_services.yaml`: those of the team that makes it.
    pub(crate) fn product_services(&self) -> String {
        let mut text = String::from("# Which services of the pager belong to which product.\n");
        for service in &self.services {
            let product = self.teams[service.team].product;
            text += &format!("- {{product: {product}, service: {}}}\n", service.name);
        }
        text
    }

    /// What else the teams are called, as `team_names.yaml`: the code host has names of its own.
    pub(crate) fn team_names(&self) -> String {
        let mut text = String::from("# What else a team is called in some tool.\n");
        for team in &self.teams {
            text += &format!("- {{team: {}, name: {}-team}}\n", team.name, team.slug);
        }
        text
    }

    /// An organisation of the size that makes about this many log entries a year. Teams, people, services and
    /// repositories grow with the square root.
    pub(crate) fn invent(seed: u64, log_entries: u64) -> Self {
        let mut random = Random::new(seed, "organisation");
        let size = (log_entries as f64 / 20_000.0).sqrt();
        let team_count = ((8.0 * size).round() as usize).max(4);
        let mut organisation = Self {
            teams: Vec::new(),
            people: Vec::new(),
            services: Vec::new(),
            monitors: Vec::new(),
            leaver: 0,
        };
        let names_from = random.below(1_600);
        for place in 0..team_count {
            organisation.add_team(place, team_count, names_from, &mut random);
        }
        // Two people whom no team claims.
        for _ in 0..2 {
            organisation.add_person(None, 0, names_from);
        }
        organisation.leaver = organisation.teams[1].members.last().copied().unwrap_or(0);
        let noisy = (organisation.services.len() / 20)
            .max(2)
            .min(organisation.teams.len() - 1);
        for team in 0..noisy {
            if let Some(service) = organisation.teams[team].services.last() {
                organisation.services[*service].flaps = true;
            }
        }
        for pair in 0..(team_count - 1) / 2 {
            let first = |team: usize| organisation.teams[team].services.first().copied();
            if let (Some(cause), Some(effect)) = (first(2 * pair), first(2 * pair + 1)) {
                organisation.services[cause].drags = Some(effect);
            }
        }
        organisation
    }

    /// Who is on call for a team at this level (0 first). Weeks rotate; in the first team one member, who knows the old
    /// systems best, has three weeks in five. The last member of a team takes no shifts.
    pub(crate) fn on_call(&self, team: usize, time: Time, level: usize) -> usize {
        let members = &self.teams[team].members;
        let rotating = members.len() - 1;
        let week = time.week().unsigned_abs() as usize;
        let first = if team == 0 && week % 5 < 3 {
            0
        } else {
            week % rotating
        };
        members[(first + level) % rotating]
    }

    /// The title under which a monitor's alerts arrive.
    pub(crate) fn monitor_title(&self, monitor: usize) -> String {
        let Monitor { service, kind, .. } = &self.monitors[monitor];
        format!(
            "{}: {}",
            self.services[*service].name, MONITOR_KINDS[*kind].title
        )
    }

    fn add_team(
        &mut self,
        place: usize,
        team_count: usize,
        names_from: usize,
        random: &mut Random,
    ) {
        let region = match place / AREAS.len() {
            known if known < REGIONS.len() => REGIONS[known].to_owned(),
            further => format!(" {further}"),
        };
        let name = format!("{}{region}", AREAS[place % AREAS.len()]);
        let is_last = place + 1 == team_count;
        let team = Team {
            slug: name.to_lowercase().replace(' ', "-"),
            name,
            product: PRODUCTS[place % PRODUCTS.len()],
            zone: [0, 1, 0, 2, 4, 3, 1][place % 7],
            members: Vec::new(),
            services: Vec::new(),
            // The first carries most; the last has no service, so nothing can go wrong there.
            weight: match place {
                _ if is_last => 0.0,
                0 => 2.8,
                _ => 0.5 + 0.8 * random.unit(),
            },
        };
        let zone = team.zone;
        self.teams.push(team);
        for member in 0..random.between(5, 9) as usize {
            let person_zone = if member % 4 == 3 {
                (zone + 1) % ZONES.len()
            } else {
                zone
            };
            let person = self.add_person(Some(place), person_zone, names_from);
            self.teams[place].members.push(person);
        }
        let services = if is_last {
            0
        } else {
            random.between(2, 4) as usize + usize::from(place == 0)
        };
        let first_kind = random.below(SERVICE_KINDS.len());
        for service in 0..services {
            self.add_service(
                place,
                SERVICE_KINDS[(first_kind + service) % SERVICE_KINDS.len()],
                random,
            );
        }
    }

    fn add_person(&mut self, team: Option<usize>, zone: usize, names_from: usize) -> usize {
        let place = self.people.len();
        // 7 and 40 share no factor, so the first 1,600 people have different names.
        let combination = (names_from + place * 7) % 1_600;
        let first = FIRST_NAMES[combination % 40];
        let last = LAST_NAMES[(combination / 40 + combination) % 40];
        let mut login = plain_letters(&format!("{first}.{last}")).to_lowercase();
        if place >= 1_600 {
            login.push_str(&place.to_string());
        }
        let contacts = match place % 9 {
            // Will not wake up: can only be reached by e-mail.
            4 => vec![Contact::Email],
            7 => vec![Contact::Email, Contact::Sms, Contact::Phone],
            _ => vec![Contact::Push, Contact::Email, Contact::Sms, Contact::Phone],
        };
        self.people.push(Person {
            name: format!("{first} {last}"),
            email: format!("{login}@{SLUG}.example"),
            zone,
            team,
            contacts,
        });
        place
    }

    fn add_service(&mut self, team: usize, kind: &str, random: &mut Random) {
        let place = self.services.len();
        let mut monitors = Vec::new();
        for kind in [0, 1, 2 + place % 3] {
            // The third monitor of most services is the neglected one.
            let condition = match (kind, place % 6) {
                (0 | 1, _) | (_, 0 | 5) => Condition::Healthy,
                (_, 1) => Condition::NoTarget,
                (_, 2) => Condition::Muted,
                (_, 3) => Condition::NoData,
                _ => Condition::NoTags,
            };
            monitors.push(self.monitors.len());
            self.monitors.push(Monitor {
                service: place,
                kind,
                condition,
            });
        }
        self.services.push(Service {
            name: format!("{}-{kind}", self.teams[team].slug),
            team,
            monitors,
            flaps: false,
            drags: None,
            acknowledgement_timeout: place.is_multiple_of(3).then_some(3_600),
            auto_resolve_timeout: (place % 4 != 3).then_some(6 * crate::time::HOUR),
            escalation_delay: *random.pick(&[600, 900, 1_800]),
            tracks_errors: place % 5 != 4,
        });
        self.teams[team].services.push(place);
    }
}

/// A name in the letters that logins have.
fn plain_letters(name: &str) -> String {
    let plain = |letter: char| match letter {
        'ö' => 'o',
        'ü' => 'u',
        'á' => 'a',
        'ë' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ć' => 'c',
        other => other,
    };
    name.chars().map(plain).collect()
}

/// An identifier such as `PX3K9QJ`: a prefix and base 36 digits that only this `number` has (within a kind of thing;
/// `salt` tells kinds and seeds apart). Up to six digits hold a counter below 2^31, thirteen any number.
pub(crate) fn code(prefix: &str, salt: u64, number: u64, digits: usize) -> String {
    let mut value = if digits >= 13 {
        scramble(number ^ salt)
    } else {
        // Odd, so multiplying is one-to-one; 36^6 > 2^31.
        number.wrapping_mul(0x2C92_77B5).wrapping_add(salt) % (1 << 31)
    };
    let mut text = vec![b'0'; digits];
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(value % 36) as usize];
        value /= 36;
    }
    format!("{prefix}{}", String::from_utf8_lossy(&text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_at_every_scale() {
        for log_entries in [2_000, 20_000, 1_000_000, 10_000_000] {
            let organisation = Organisation::invent(1, log_entries);
            let addresses: BTreeSet<_> = organisation
                .people
                .iter()
                .map(|person| &person.email)
                .collect();
            assert_eq!(addresses.len(), organisation.people.len());
            let services: BTreeSet<_> = organisation
                .services
                .iter()
                .map(|service| &service.name)
                .collect();
            assert_eq!(services.len(), organisation.services.len());
            let teams: BTreeSet<_> = organisation.teams.iter().map(|team| &team.slug).collect();
            assert_eq!(teams.len(), organisation.teams.len());
            assert!(
                organisation
                    .people
                    .iter()
                    .all(|person| person.email.is_ascii()),
                "plain letters"
            );
            assert!(
                organisation
                    .services
                    .iter()
                    .filter(|service| service.flaps)
                    .count()
                    >= 2
            );
        }
    }

    #[test]
    fn one_member_of_the_first_team_is_on_call_most() {
        let organisation = Organisation::invent(1, 20_000);
        let weeks = 0..52;
        let carrier = organisation.teams[0].members[0];
        let shifts = weeks
            .filter(|week| organisation.on_call(0, Time(week * 604_800), 0) == carrier)
            .count();
        assert!(shifts > 30, "{shifts}");
        assert_ne!(
            organisation.on_call(0, Time(0), 0),
            organisation.on_call(0, Time(0), 1)
        );
        assert_ne!(
            organisation.on_call(1, Time(0), 0),
            organisation.leaver,
            "a leaver takes no shifts"
        );
    }

    #[test]
    fn codes_differ() {
        let short: BTreeSet<_> = (0..50_000).map(|number| code("P", 9, number, 6)).collect();
        let long: BTreeSet<_> = (0..50_000).map(|number| code("Q", 9, number, 13)).collect();
        assert_eq!((short.len(), long.len()), (50_000, 50_000));
        assert!(long.iter().all(|text| text.len() == 14));
    }
}
