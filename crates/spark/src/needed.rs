//! Which views a question needs. Making one takes a cluster a tenth of a second, and there are more than a hundred, of
//! which most questions read a few.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlparser::tokenizer::Token;

use crate::reading::tokens;
use crate::views::View;

/// Views, each after those that it reads, and which of them are made.
#[derive(Debug, Default)]
pub(crate) struct Views {
    all: Vec<View>,
    /// The places of those that each reads.
    reads: Vec<BTreeSet<usize>>,
    places: HashMap<String, usize>,
    made: HashSet<usize>,
}

impl Views {
    /// Adds views, none of which is made. Each reads only views that are there, or come before it.
    pub(crate) fn add(&mut self, views: impl IntoIterator<Item = View>) {
        for view in views {
            let mut reads = self.read_by(&view.sql);
            if let Some(fill) = &view.fill {
                reads.extend(self.read_by(&fill.sql));
            }
            self.reads.push(reads);
            self.places.insert(view.name.to_lowercase(), self.all.len());
            self.all.push(view);
        }
    }

    /// The views that have to be made before a text of SQL is asked, in order. These may be too many and are never too
    /// few: every word counts as the name of a view.
    pub(crate) fn missing(&self, sql: &str) -> Vec<(usize, View)> {
        let mut needed = BTreeSet::new();
        let mut open = self.read_by(sql);
        while let Some(place) = open.pop_last() {
            if needed.insert(place) {
                open.extend(&self.reads[place]);
            }
        }
        let missing = needed
            .into_iter()
            .filter(|place| !self.made.contains(place));
        missing
            .map(|place| (place, self.all[place].clone()))
            .collect()
    }

    /// Notes that the view at a place is made.
    pub(crate) fn is_made(&mut self, place: usize) {
        self.made.insert(place);
    }

    /// The places of the views that a text names.
    fn read_by(&self, sql: &str) -> BTreeSet<usize> {
        let all = || (0..self.all.len()).collect();
        let Some(tokens) = tokens(sql) else {
            return all();
        };
        let words = tokens.iter().filter_map(|token| match token {
            Token::Word(word) => Some(word.value.to_lowercase()),
            _ => None,
        });
        let mut places = BTreeSet::new();
        for (number, word) in words.enumerate() {
            // `show tables` lists them.
            if number == 0 && word == "show" {
                return all();
            }
            places.extend(self.places.get(&word));
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::Kept;
    use crate::views;

    fn views() -> Views {
        let mut views = Views::default();
        views.add(
            [
                ("a", "1"),
                ("B", "x from A"),
                ("c", "x from `b` join A"),
                ("d", "2"),
            ]
            .map(|(name, select)| View {
                name: name.to_owned(),
                sql: format!("create view `{name}` as select {select}"),
                fill: None,
            }),
        );
        views
    }

    fn names(missing: &[(usize, View)]) -> Vec<&str> {
        missing.iter().map(|(_, view)| view.name.as_str()).collect()
    }

    #[test]
    fn a_question_needs_what_it_reads_and_what_that_reads() {
        let mut views = views();
        assert_eq!(names(&views.missing("select 1")), [""; 0]);
        let missing = views.missing("select * from C where 'd' = 'd'");
        assert_eq!(names(&missing), ["a", "B", "c"]);
        for (place, _) in missing {
            views.is_made(place);
        }
        assert_eq!(names(&views.missing("select * from B, D")), ["d"]);
    }

    #[test]
    fn what_is_to_be_written_needs_what_it_is_made_from() {
        let lake = tempfile::tempdir().unwrap();
        let kept = Kept::open(lake.path(), "state").unwrap();
        let table = kept.table("e");
        let e = || views::of_kept("file:///lake", &kept, "e", "x int", "select x from c");
        let mut first = views();
        first.add([e()]);
        assert_eq!(names(&first.missing("table e")), ["a", "B", "c", "e"]);
        std::fs::create_dir(lake.path().join(&table.path)).unwrap();
        table.keep().unwrap();
        let mut second = views();
        second.add([e()]);
        assert_eq!(names(&second.missing("table e")), ["e"]);
    }

    #[test]
    fn who_asks_for_all_or_cannot_be_understood_needs_all() {
        assert_eq!(views().missing("show tables").len(), 4);
        assert_eq!(views().missing("select 'open").len(), 4);
    }
}
