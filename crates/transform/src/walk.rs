//! One walk over a parsed value finds what all plain paths of a table lead to, instead of one walk for each path.
//!
//! Only what is plain is found here. Where a path meets something else (a name given twice, a text where an object was
//! expected), it is followed on its own, which knows the words for it.

use smallvec::{SmallVec, smallvec};
use sonic_rs::{JsonContainerTrait, JsonType, JsonValueTrait, Value};

use crate::path::{self, Part, Path};

/// The paths, as a tree of the names that they share.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    /// The first is where all paths begin.
    nodes: Vec<Node>,
    paths: usize,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// Names, and the places of their nodes.
    members: Vec<(String, usize)>,
    /// Places in a list, as a path has them, and the places of their nodes.
    items: Vec<(i64, usize)>,
    /// The place among the paths of the one that ends here.
    path: Option<usize>,
}

/// What is at the end of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'v> {
    Nothing,
    Value(&'v Value),
    /// The path must be followed on its own.
    Odd,
}

/// What is at the ends of all paths, in the order in which [`Walk::add`] numbered them.
pub(crate) type AllFound<'v> = SmallVec<[Found<'v>; 32]>;

impl Walk {
    /// No paths yet.
    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            paths: 0,
        }
    }

    /// Adds a path, whatever its root, and gives its number.
    pub(crate) fn add(&mut self, path: &Path) -> usize {
        let mut at = 0;
        for part in path.parts() {
            let next = self.nodes.len();
            let node = &mut self.nodes[at];
            at = match part {
                Part::Member(name) => place_of(&mut node.members, name, next),
                Part::Index(index) => place_of(&mut node.items, index, next),
            };
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        let number = *self.nodes[at].path.get_or_insert(self.paths);
        self.paths = self.paths.max(number + 1);
        number
    }

    /// Walks over a value.
    pub(crate) fn over<'v>(&self, value: &'v Value) -> AllFound<'v> {
        let mut found = smallvec![Found::Nothing; self.paths];
        if self.paths > 0 {
            self.visit(0, value, &mut found);
        }
        found
    }

    fn visit<'v>(&self, at: usize, value: &'v Value, found: &mut AllFound<'v>) {
        let node = &self.nodes[at];
        if let Some(path) = node.path {
            found[path] = Found::Value(value);
        }
        if node.members.is_empty() && node.items.is_empty() {
            return;
        }
        match value.get_type() {
            JsonType::Null => {}
            JsonType::Object => {
                for (_, item) in &node.items {
                    self.leave(*item, found);
                }
                // The names that were met, by their places in the node; of more than 64 none is remembered.
                let mut met: u64 = 0;
                for (key, value) in value.as_object().into_iter().flatten() {
                    let Some(place) = node.members.iter().position(|(name, _)| name == key) else {
                        continue;
                    };
                    let bit = 1_u64.checked_shl(place as u32).unwrap_or_default();
                    let member = node.members[place].1;
                    if bit == 0 || met & bit != 0 {
                        self.leave(member, found);
                    } else {
                        met |= bit;
                        self.visit(member, value, found);
                    }
                }
            }
            JsonType::Array => {
                for (_, member) in &node.members {
                    self.leave(*member, found);
                }
                for (index, item) in &node.items {
                    if let Some(value) = path::element_at(value, *index) {
                        self.visit(*item, value, found);
                    }
                }
            }
            _ => self.leave_inside(at, found),
        }
    }

    /// Leaves all paths through a node to be followed on their own.
    fn leave(&self, at: usize, found: &mut AllFound) {
        let node = &self.nodes[at];
        if let Some(path) = node.path {
            found[path] = Found::Odd;
        }
        self.leave_inside(at, found);
    }

    fn leave_inside(&self, at: usize, found: &mut AllFound) {
        let node = &self.nodes[at];
        for (_, member) in &node.members {
            self.leave(*member, found);
        }
        for (_, item) in &node.items {
            self.leave(*item, found);
        }
    }
}

/// The place that a step leads to, which is `next` if it is new.
fn place_of<T: Clone + PartialEq>(steps: &mut Vec<(T, usize)>, step: &T, next: usize) -> usize {
    match steps.iter().find(|(known, _)| known == step) {
        Some((_, place)) => *place,
        None => {
            steps.push((step.clone(), next));
            next
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{Split, split};

    #[test]
    fn a_walk_finds_what_each_path_leads_to() {
        let paths = [
            "a", "a.b", "a.b.c", "a.d", "e", "f.g", "h", "e[0]", "e[1].x", "e[-1]", "a[0]",
        ]
        .map(|path| match split(&format!(".{path}")) {
            Split::Path(path) => path,
            _ => unreachable!("a plain path"),
        });
        let mut walk = Walk::new();
        let numbers: Vec<usize> = paths.iter().map(|path| walk.add(path)).collect();
        for json in [
            r#"{"a":{"b":{"c":1},"d":null,"x":{"c":2}},"e":[1],"f":{"g":"t"}}"#,
            r#"{"a":null,"f":{}}"#,
            r#"{"a":{"b":1},"a":{"b":2},"e":1}"#,
            r#"{"a":{"b":{"c":1},"b":3},"f":"text","h":1,"h":2}"#,
            r#"{"a":5}"#,
            r#"{"a":[7],"e":[{"x":1},{"x":[2]}]}"#,
            r#"{"a":[],"e":{"0":1}}"#,
            r#"{"e":[null,{"x":1,"x":2},3]}"#,
            r#"{"e":"text"}"#,
            "[]",
            "3",
        ] {
            let value: Value = sonic_rs::from_str(json).unwrap();
            let found = walk.over(&value);
            for (path, number) in paths.iter().zip(&numbers) {
                let alone = path.follow(&value, &value);
                match found[*number] {
                    Found::Nothing => assert!(alone.unwrap().unwrap().is_null(), "{json} {path}"),
                    Found::Value(found) => assert_eq!(Ok(Some(found)), alone, "{json} {path}"),
                    // An object has no item, which is not odd, but rare enough to be followed on its own.
                    Found::Odd => {
                        let has_item = path.parts().any(|part| matches!(part, Part::Index(_)));
                        assert!(alone.is_err() || has_item, "{json} {path}");
                    }
                }
            }
        }
    }
}
