//! Values that a row may have and that are hardly meant: the row is kept, and a warning says so.

use crate::batch::{Batch, Cell, Warning};
use crate::plan::{ColumnPlan, TablePlan};

/// No time that is measured here is older.
pub const EARLIEST: &str = "1990";

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
