//! Values that a row may have but that are probably mistakes: the row is kept, and a warning says so.

use std::collections::BTreeMap;

use sonic_rs::{JsonContainerTrait, Value};

use crate::batch::{Batch, Cell, Warning};
use crate::plan::{ColumnPlan, TablePlan};

/// The most odd members of one record that are reported.
const SHOWN: usize = 10;

/// Any older time is a slip of the pen.
pub const EARLIEST: &str = "1990";

/// The members that a record may have, and what each may have in it; empty where any may be there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members(BTreeMap<String, Members>);

impl Members {
    /// From names such as `stats.time_of_recovery`.
    pub(crate) fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut members = Self::default();
        for name in names {
            let mut inside = &mut members;
            for part in name.split('.') {
                inside = inside.0.entry(part.to_owned()).or_default();
            }
        }
        members
    }

    /// What a value has besides them: its path, and the one that was meant, perhaps.
    fn others(&self, value: &Value, path: &str, found: &mut Vec<(String, Option<String>)>) {
        if self.0.is_empty() {
            return;
        }
        for item in value.as_array().into_iter().flat_map(|items| items.iter()) {
            self.others(item, path, found);
        }
        for (name, inside) in value.as_object().into_iter().flatten() {
            match self.0.get(name) {
                Some(members) => members.others(inside, &format!("{path}{name}."), found),
                None => found.push((format!("{path}{name}"), self.meant(name))),
            }
        }
    }

    fn meant(&self, name: &str) -> Option<String> {
        let known = || self.0.keys().map(String::as_str);
        let begins = || known().find(|known| known.starts_with(name) || name.starts_with(known));
        diagnostics::nearest(name, known())
            .or_else(begins)
            .map(str::to_owned)
    }
}

/// Adds a warning for each member of a record that nothing reads.
pub(crate) fn members(known: &Members, record: &Value, table: &str, line: u64, batch: &mut Batch) {
    let mut found = Vec::new();
    known.others(record, "", &mut found);
    for (path, meant) in found.into_iter().take(SHOWN) {
        let hint = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
        batch.warnings.push(Warning {
            line,
            table: table.to_owned(),
            column: String::new(),
            reason: format!("nothing reads `{path}`{hint}"),
            value: path,
        });
    }
}

/// Adds a warning if a value is not in the list of names that its column has.
pub(crate) fn name(
    table: &TablePlan,
    column: &ColumnPlan,
    cell: Cell,
    line: u64,
    batch: &mut Batch,
) {
    let (Some(agreed), Some(text)) = (&column.agreed, batch.text_of(cell)) else {
        return;
    };
    if agreed.contains(text) {
        return;
    }
    let near = diagnostics::nearest(text, agreed.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let warning = Warning {
        line,
        table: table.table.name.clone(),
        column: column.name.clone(),
        reason: format!("`{text}` is not in the agreed list{hint}"),
        value: text.to_owned(),
    };
    batch.warnings.push(warning);
}

/// Adds a warning for each odd time in a row, which stands in `cells`.
pub(crate) fn times(
    table: &TablePlan,
    cells: &[Cell],
    latest: Option<&str>,
    line: u64,
    batch: &mut Batch,
) {
    let mut odd: Vec<(usize, String)> = Vec::new();
    let time = |column: usize| cells.get(column).and_then(|cell| batch.text_of(*cell));
    for column in &table.plausible {
        let number = match cells.get(*column) {
            Some(Cell::Integer(value)) => *value as f64,
            Some(Cell::Real(value)) => *value,
            _ => 0.0,
        };
        if number < 0.0 {
            odd.push((*column, format!("`{number}` is below 0")));
        }
        let Some(text) = time(*column) else { continue };
        if text < EARLIEST {
            odd.push((*column, format!("`{text}` lies before 1990")));
        } else if latest.is_some_and(|latest| text > latest) {
            odd.push((*column, format!("`{text}` lies ahead")));
        }
    }
    for (earlier, later) in &table.in_order {
        if let (Some(first), Some(second)) = (time(*earlier), time(*later))
            && second < first
        {
            let name = &table.columns[*earlier].name;
            odd.push((*later, format!("`{second}` is before `{name}`, `{first}`")));
        }
    }
    for (column, reason) in odd {
        let value = cells.get(column).and_then(|cell| batch.text_of(*cell));
        let value = value.unwrap_or_default().to_owned();
        batch.warnings.push(Warning {
            line,
            table: table.table.name.clone(),
            column: table.columns[column].name.clone(),
            reason: format!("`{}`: {reason}", table.columns[column].name),
            value,
        });
    }
}
