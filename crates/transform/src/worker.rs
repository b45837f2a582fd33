//! Runs a plan over records: parse once, follow paths, run jq on demand, convert, and keep or reject whole.

use std::collections::HashMap;

use definitions::ColumnType;
use jaq_json::Val;
use raw::{Chunk, sound};
use sonic_rs::{JsonContainerTrait, JsonType, JsonValueTrait, Value};

use crate::batch::{Batch, Cell, RecordRows, Reject, Warning, encode};
use crate::column_filter::{ColumnFilter, FilterInput};
use crate::convert::{Given, convert, shown};
use crate::jq::{self, Filter};
use crate::oddities;
use crate::path;
use crate::plan::{ColumnPlan, ColumnSource, EachPlan, Plan, TablePlan};
use crate::row::{Element, Input, RowPlace, Unfit, followed, reject};
use crate::time;
use crate::walk::{AllFound, Found};

/// How a line begins that stands for a record which could not be read when it was fetched.
const UNREADABLE: &[u8] = b"{\"_unreadable\":";

/// Runs a plan in one thread.
pub struct Worker<'a> {
    plan: &'a Plan,
    records: Option<Filter>,
    tables: Vec<TableFilters>,
    clock: Val,
    keys: HashMap<Vec<u8>, usize>,
    /// When the last record was fetched that said so: the text, and the moment.
    fetched_last: Option<(String, i64)>,
}

#[derive(Default)]
struct TableFilters {
    each: Option<Filter>,
    columns: Vec<Option<ColumnFilter>>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        // The plan compiled every expression once; one that fails now cannot be.
        let filter = |text: &String| jq::compile(text).ok();
        let tables = plan.tables.iter().map(|table| TableFilters {
            each: match &table.each {
                Some(EachPlan::Piped(_, text) | EachPlan::Jq(text)) => filter(text),
                _ => None,
            },
            columns: table
                .columns
                .iter()
                .map(|column| match &column.source {
                    ColumnSource::Piped(_, text) | ColumnSource::Jq(text) => {
                        filter(text).map(ColumnFilter::new)
                    }
                    _ => None,
                })
                .collect(),
        });
        Self {
            plan,
            records: plan.records.as_ref().and_then(filter),
            tables: tables.collect(),
            clock: jq::from_clock(&plan.setting.clock),
            keys: HashMap::new(),
            fetched_last: None,
        }
    }

    /// Turns the records of a chunk into rows. `extracted_at` is what the file's name says, in microseconds since
    /// 1970; a record's own `_extract.at` goes before it.
    pub fn transform(&mut self, chunk: &Chunk, extracted_at: Option<i64>) -> Batch {
        let mut batch = Batch::new(self.plan.tables.len());
        for fault in &chunk.faults {
            batch.rejects.push(Reject {
                line: fault.line,
                code: "record-unreadable",
                table: None,
                column: None,
                reason: fault.reason.clone(),
                value: None,
                record: fault.excerpt.clone(),
            });
        }
        for mended in &chunk.mended {
            batch.warnings.push(Warning {
                line: mended.line,
                table: self.plan.tables[0].table.name.clone(),
                column: String::new(),
                reason: mended.reason.clone(),
                value: mended.excerpt.clone(),
            });
        }
        for record in &chunk.records {
            let json = &chunk.bytes[record.span.clone()];
            match sound::parse(json) {
                Ok(value) => self.whole_value(&value, record.line, extracted_at, &mut batch, json),
                Err(reason) => batch.rejects.push(reject(
                    record.line,
                    None,
                    json,
                    Unfit::new("record-syntax", reason),
                )),
            }
        }
        batch
    }

    /// A value as it stands in a file: a record, or what `records` finds in it.
    fn whole_value(
        &mut self,
        value: &Value,
        line: u64,
        extracted_at: Option<i64>,
        batch: &mut Batch,
        json: &[u8],
    ) {
        if let Some(filter) = &self.records {
            let found = jq::from_json(value)
                .and_then(|input| filter.run(input.clone(), input, &self.clock));
            match found {
                Ok(values) => {
                    for value in values {
                        let text = value.to_string();
                        match sound::parse(text.as_bytes()) {
                            Ok(value) => {
                                let found = self.plan.walk.over(&value);
                                self.record(
                                    &value,
                                    found,
                                    line,
                                    extracted_at,
                                    batch,
                                    text.as_bytes(),
                                )
                            }
                            Err(reason) => batch.rejects.push(reject(
                                line,
                                None,
                                json,
                                Unfit::new("record-syntax", reason),
                            )),
                        }
                    }
                }
                Err(reason) => batch.rejects.push(reject(
                    line,
                    None,
                    json,
                    Unfit::new("record-not-found", reason),
                )),
            }
            return;
        }
        let found = self.plan.walk.over(value);
        let inside = match self.plan.in_envelope.and_then(|path| found.get(path)) {
            Some(Found::Value(inside)) if value.is_object() => inside.as_array(),
            _ => None,
        };
        match inside {
            Some(items) => {
                for item in items.iter() {
                    let found = self.plan.walk.over(item);
                    self.record(item, found, line, extracted_at, batch, json);
                }
            }
            None => self.record(value, found, line, extracted_at, batch, json),
        }
    }

    fn record<'r>(
        &mut self,
        record: &'r Value,
        found: AllFound<'r>,
        line: u64,
        extracted_at: Option<i64>,
        batch: &mut Batch,
        json: &[u8],
    ) {
        let text = batch.text.len();
        let warnings = batch.warnings.len();
        if json.starts_with(UNREADABLE) {
            let set_aside = path::member(record, "_unreadable")
                .ok()
                .and_then(|inside| path::member(inside, "reason").ok())
                .and_then(JsonValueTrait::as_str)
                .unwrap_or("it could not be read when it was fetched")
                .to_owned();
            let unfit = Unfit::new("record-unreadable", set_aside);
            return batch.rejects.push(reject(line, None, json, unfit));
        }
        let table = self
            .plan
            .tables
            .first()
            .map_or("", |table| table.table.name.as_str());
        oddities::members(&self.plan.members, record, table, line, batch);
        match self.rows(record, found, line, extracted_at, batch) {
            Ok(rows) => batch.close_record(rows),
            Err((table, unfit)) => {
                batch.reopen_record(text);
                batch.warnings.truncate(warnings);
                let table = table.map(|index| self.plan.tables[index].table.name.clone());
                batch.rejects.push(reject(line, table, json, unfit));
            }
        }
    }

    fn rows<'r>(
        &mut self,
        record: &'r Value,
        found: AllFound<'r>,
        line: u64,
        extracted_at: Option<i64>,
        batch: &mut Batch,
    ) -> Result<RecordRows, (Option<usize>, Unfit)> {
        if !record.is_object() {
            let reason = format!(
                "expected an object, found {}",
                path::word(record.get_type())
            );
            return Err((None, Unfit::new("record-not-an-object", reason)));
        }
        let mut input = Input {
            record,
            found,
            jq: None,
        };
        let extracted_at = self
            .fetched_at(&input, extracted_at)
            .map_err(|reason| (None, Unfit::new("record-extract-time", reason)))?;
        let plan = self.plan;
        for (index, table) in plan.tables.iter().enumerate() {
            let place = RowPlace { index, table, line };
            self.table_rows(place, &mut input, batch)
                .map_err(|unfit| (Some(index), unfit))?;
        }
        Ok(RecordRows { line, extracted_at })
    }

    /// When a record was fetched, in microseconds since 1970. All records of a page were fetched at once, so the last
    /// time that was read is remembered.
    fn fetched_at(&mut self, input: &Input, from_name: Option<i64>) -> Result<Option<i64>, String> {
        let found = self.plan.fetched_at.and_then(|at| input.found.get(at));
        let text = match found {
            Some(Found::Nothing) => return Ok(from_name),
            Some(Found::Value(value)) => value.as_str(),
            Some(Found::Odd) | None => None,
        };
        if let (Some(text), Some((known, moment))) = (text, &self.fetched_last)
            && text == known
        {
            return Ok(Some(*moment));
        }
        let moment = own_time(input.record, from_name)?;
        self.fetched_last = text.map(str::to_owned).zip(moment);
        Ok(moment)
    }

    fn table_rows(
        &mut self,
        place: RowPlace<'a>,
        input: &mut Input,
        batch: &mut Batch,
    ) -> Result<(), Unfit> {
        let index = place.index;
        let first_cell = batch.tables[index].len();
        match &place.table.each {
            None => self.row(place, input.record, None, input, batch)?,
            Some(EachPlan::Path(path)) => {
                let elements = path
                    .elements(input.record)
                    .map_err(|reason| Unfit::new("record-unfit", reason))?;
                for element in elements {
                    self.row(place, element, None, input, batch)?;
                }
            }
            Some(each @ (EachPlan::Piped(..) | EachPlan::Jq(_))) => {
                let unfit = |reason| Unfit::new("record-unfit", reason);
                let (given, whole) = match each {
                    EachPlan::Piped(path, _) => {
                        let value = path.follow(input.record, input.record).map_err(unfit)?;
                        let given = value.map_or(Ok(Val::Null), jq::from_json).map_err(unfit)?;
                        (given, Val::Null)
                    }
                    _ => {
                        let whole = input.as_jq()?;
                        (whole.clone(), whole)
                    }
                };
                let found = match &self.tables[index].each {
                    Some(filter) => filter.run(given, whole, &self.clock).map_err(unfit)?,
                    None => Vec::new(),
                };
                for element in found {
                    // Paths are followed in parsed JSON: what jq made goes back there.
                    let parsed = sound::parse(element.to_string().as_bytes())
                        .map_err(|reason| Unfit::new("record-unfit", reason))?;
                    self.row(place, &parsed, Some(element), input, batch)?;
                }
            }
        }
        self.merge_repeated(index, place.table, first_cell, batch)
    }

    fn row<'e, 'r: 'e>(
        &mut self,
        place: RowPlace<'a>,
        element: &'e Value,
        as_jq: Option<Val>,
        input: &mut Input<'r>,
        batch: &mut Batch,
    ) -> Result<(), Unfit> {
        let RowPlace { index, table, line } = place;
        let mut element = Element {
            value: element,
            found: table.walk.over(element),
            jq: as_jq,
            filter_input: None,
        };
        for (number, column) in table.columns.iter().enumerate() {
            let made = self.value(place, number, &mut element, input, batch);
            let cell = match made {
                Err(unfit) if column.odd_as_null => {
                    batch.warnings.push(place.warning(column, unfit));
                    Cell::Null
                }
                made => made?,
            };
            if cell == Cell::Null && column.not_null {
                return Err(Unfit {
                    code: "record-missing-value",
                    ..Unfit::of(
                        column,
                        "a value is needed here, and there is none".into(),
                        None,
                    )
                });
            }
            oddities::name(table, column, cell, line, batch);
            let cell = match column.kind {
                ColumnType::TimeZone => self.known_zone(cell, line, table, column, batch),
                _ => cell,
            };
            batch.tables[index].push(cell);
        }
        if !(table.plausible.is_empty() && table.in_order.is_empty()) {
            let first = batch.tables[index].len() - table.columns.len();
            let cells = batch.tables[index][first..].to_vec();
            let latest = self.plan.setting.latest.as_deref();
            oddities::times(table, &cells, latest, line, batch);
        }
        Ok(())
    }

    /// What a column's expression makes of an element, as a cell.
    fn value<'e, 'r: 'e>(
        &mut self,
        place: RowPlace<'a>,
        number: usize,
        element: &mut Element<'e>,
        input: &mut Input<'r>,
        batch: &mut Batch,
    ) -> Result<Cell, Unfit> {
        let RowPlace { index, table, .. } = place;
        let column = &table.columns[number];
        let unfit = |reason| Unfit::of(column, reason, None);
        match &column.source {
            ColumnSource::Nothing => Ok(Cell::Null),
            ColumnSource::Path(path) => match followed(column, path, element, input) {
                Ok(Some(value)) => self.cell(place, column, &given(value), batch),
                Ok(None) => Ok(Cell::Null),
                Err(reason) => Err(unfit(reason)),
            },
            ColumnSource::Piped(path, _) => {
                let Some(value) = followed(column, path, element, input).map_err(unfit)? else {
                    return Ok(Cell::Null);
                };
                let result = match &mut self.tables[index].columns[number] {
                    Some(filter) => {
                        let known = element.filter_input.take().filter(|known| known.is(value));
                        let known = known.unwrap_or_else(|| FilterInput::new(value));
                        let input = element.filter_input.insert(known);
                        filter.of(input, &self.clock).map_err(unfit)?
                    }
                    None => None,
                };
                self.jq_cell(place, column, result.as_ref(), batch)
            }
            ColumnSource::Jq(_) => {
                let record = input.as_jq()?;
                let whole = match (&element.jq, table.each.is_some()) {
                    (Some(known), _) => known.clone(),
                    (None, false) => record.clone(),
                    (None, true) => jq::from_json(element.value).map_err(unfit)?,
                };
                element.jq = Some(whole.clone());
                let result = match &self.tables[index].columns[number] {
                    Some(filter) => filter.run(whole, record, &self.clock).map_err(unfit)?,
                    None => None,
                };
                self.jq_cell(place, column, result.as_ref(), batch)
            }
        }
    }

    /// The name of a time zone as the database of time zones spells it. A name that is none there is taken for the zone of
    /// the project, with a warning: a query must not stumble over it, nor take it for UTC in silence.
    fn known_zone(
        &self,
        cell: Cell,
        line: u64,
        table: &TablePlan,
        column: &ColumnPlan,
        batch: &mut Batch,
    ) -> Cell {
        let Some(name) = batch.text_of(cell).map(str::to_owned) else {
            return cell;
        };
        let reason = match time::known_zone(&name) {
            Ok(known) if known == name => return cell,
            Ok(known) => return batch.push_text(&known),
            Err(reason) => reason,
        };
        let own = self.plan.setting.clock.zone.iana_name().unwrap_or("UTC");
        batch.warnings.push(Warning {
            line,
            table: table.table.name.clone(),
            column: column.name.clone(),
            reason: format!("{reason}; `{own}` is taken for it"),
            value: name,
        });
        batch.push_text(own)
    }

    fn cell(
        &self,
        place: RowPlace,
        column: &ColumnPlan,
        given: &Given,
        batch: &mut Batch,
    ) -> Result<Cell, Unfit> {
        let clock = &self.plan.setting.clock;
        let cell = convert(given, column.kind, clock, batch)
            .map_err(|reason| Unfit::of(column, reason, Some(shown(given))))?;
        if let (ColumnType::Timestamp, Given::Text(text)) = (column.kind, given)
            && let Some(reason) = time::clock_change(text, clock)
        {
            let unfit = Unfit::of(column, reason, Some(shown(given)));
            batch.warnings.push(place.warning(column, unfit));
        }
        Ok(cell)
    }

    fn jq_cell(
        &self,
        place: RowPlace,
        column: &ColumnPlan,
        value: Option<&Val>,
        batch: &mut Batch,
    ) -> Result<Cell, Unfit> {
        value.map_or(Ok(Cell::Null), |value| {
            self.cell(place, column, &jq::given(value), batch)
        })
    }

    /// Rows of one record with the same key are one row if they say the same, and a fault if they do not.
    fn merge_repeated(
        &mut self,
        index: usize,
        table: &TablePlan,
        first_cell: usize,
        batch: &mut Batch,
    ) -> Result<(), Unfit> {
        let width = table.columns.len();
        if batch.tables[index].len() <= first_cell + width {
            return Ok(());
        }
        self.keys.clear();
        let rows = (batch.tables[index].len() - first_cell) / width;
        let mut kept = 0;
        for row in 0..rows {
            let start = first_cell + row * width;
            let cells = batch.tables[index][start..start + width].to_vec();
            let key = encode(table.table.key.iter().map(|column| cells[*column]), batch);
            match self.keys.get(&key) {
                None => {
                    let target = first_cell + kept * width;
                    batch.tables[index][target..target + width].copy_from_slice(&cells);
                    self.keys.insert(key, target);
                    kept += 1;
                }
                Some(first) => {
                    let first = batch.tables[index][*first..*first + width].to_vec();
                    if encode(first.into_iter(), batch) != encode(cells.into_iter(), batch) {
                        let names: Vec<_> = table
                            .table
                            .key
                            .iter()
                            .map(|column| format!("`{}`", table.columns[*column].name))
                            .collect();
                        let reason = format!(
                            "the record makes two different rows with the same key ({})",
                            names.join(", ")
                        );
                        return Err(Unfit::new("record-repeated-key", reason));
                    }
                }
            }
        }
        batch.tables[index].truncate(first_cell + kept * width);
        Ok(())
    }
}

fn given(value: &Value) -> Given<'_> {
    match value.get_type() {
        JsonType::Null => Given::Null,
        JsonType::Boolean => Given::Bool(value.as_bool().unwrap_or_default()),
        JsonType::Number => Given::Number(jq::number_text(value).into()),
        JsonType::String => Given::Text(value.as_str().unwrap_or_default().into()),
        JsonType::Array => Given::Nested("a list", Box::new(move |out| *out += &value.to_string())),
        JsonType::Object => {
            Given::Nested("an object", Box::new(move |out| *out += &value.to_string()))
        }
    }
}

/// When a record was fetched: what its `_extract.at` says, else what its file's name says.
fn own_time(record: &Value, from_name: Option<i64>) -> Result<Option<i64>, String> {
    let extract = path::member(record, "_extract")?;
    if !extract.is_object() {
        return Ok(from_name);
    }
    let at = path::member(extract, "at")?;
    match at.as_str().map(str::parse::<jiff::Timestamp>) {
        Some(Ok(moment)) => Ok(Some(moment.as_microsecond())),
        None if at.is_null() => Ok(from_name),
        _ => Err(format!(
            "`_extract.at` is not a time: {}",
            at.to_string().chars().take(60).collect::<String>()
        )),
    }
}
