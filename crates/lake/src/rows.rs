//! The rows that one raw file gives a table, as a Parquet file. They are written in groups, so that memory does not grow
//! with the file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use definitions::{ColumnType, Table};
use parquet::basic::{
    Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Kind, ZstdLevel,
};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use transform::{Batch, Cell};

/// The columns that each table has besides its own: when its record was fetched (microseconds since 1970), the line and
/// the number of the record in the raw file, the hash of all that the record says, and the load.
pub const ROW_COLUMNS: [&str; 5] = ["_extracted_at", "_line", "_record", "_content", "_load"];

/// So many rows are written together.
const GROUP: usize = 100_000;

/// And so many bytes of text.
const GROUP_BYTES: usize = 64 << 20;

/// What is said of a row besides its own columns; see [`ROW_COLUMNS`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub extracted_at: Option<i64>,
    pub line: u64,
    pub record: u64,
    pub content: u64,
    pub load: i64,
}

/// A table's Parquet file while it is written.
pub(crate) struct RowFile {
    writer: SerializedFileWriter<File>,
    kinds: Vec<ColumnType>,
    columns: Vec<Values>,
    levels: Vec<Vec<i16>>,
    bytes: usize,
}

/// The values of a column that wait, without those that are null.
enum Values {
    Text(Vec<ByteArray>),
    Long(Vec<i64>),
    Day(Vec<i32>),
    Double(Vec<f64>),
    Flag(Vec<bool>),
}

impl RowFile {
    pub(crate) fn create(path: &Path, table: &Table) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(GROUP))
            .build();
        let file = File::create(path)?;
        let writer = SerializedFileWriter::new(file, schema(table)?, Arc::new(properties))?;
        let own = table.columns.iter().map(|column| column.kind);
        let kinds: Vec<ColumnType> = own
            .chain(ROW_COLUMNS.map(|_| ColumnType::Integer))
            .collect();
        Ok(Self {
            writer,
            columns: kinds.iter().map(|kind| Values::of(*kind)).collect(),
            levels: vec![Vec::new(); kinds.len()],
            kinds,
            bytes: 0,
        })
    }

    /// Adds a row: a cell for each column of the table.
    pub(crate) fn add(&mut self, cells: &[Cell], batch: &Batch, origin: Origin) -> Result<()> {
        let own = [
            origin.extracted_at,
            Some(origin.line.cast_signed()),
            Some(origin.record.cast_signed()),
            Some(origin.content.cast_signed()),
            Some(origin.load),
        ];
        let own = own.map(|value| value.map_or(Cell::Null, Cell::Integer));
        for (place, cell) in cells.iter().chain(&own).enumerate() {
            let is_there = self.columns[place].push(*cell, batch, self.kinds[place])?;
            self.levels[place].push(i16::from(is_there));
            if let Cell::Text { length, .. } = cell {
                self.bytes += *length as usize;
            }
        }
        if self.levels[0].len() >= GROUP || self.bytes >= GROUP_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what waits, and ends the file; it is on disk when this returns.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.writer.finish()?;
        self.writer.inner().sync_all()?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.levels[0].is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        let mut columns = self.columns.iter_mut().zip(&mut self.levels);
        while let Some(mut column) = group.next_column()? {
            let Some((values, levels)) = columns.next() else {
                return Err(ParquetError::General("more columns than values".to_owned()));
            };
            values.write(&mut column, levels)?;
            levels.clear();
            column.close()?;
        }
        group.close()?;
        self.bytes = 0;
        Ok(())
    }
}

impl Values {
    fn of(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Text | ColumnType::Json | ColumnType::TimeZone => Self::Text(Vec::new()),
            ColumnType::Integer | ColumnType::Timestamp => Self::Long(Vec::new()),
            ColumnType::Date => Self::Day(Vec::new()),
            ColumnType::Real => Self::Double(Vec::new()),
            ColumnType::Boolean => Self::Flag(Vec::new()),
        }
    }

    /// Adds a value; says whether there is one.
    fn push(&mut self, cell: Cell, batch: &Batch, kind: ColumnType) -> Result<bool> {
        let text = batch.text_of(cell);
        let odd = || {
            let what = format!("{:?} in a column of {kind:?}", text.unwrap_or_default());
            ParquetError::General(what)
        };
        match (self, cell) {
            (_, Cell::Null) => return Ok(false),
            (Self::Text(values), _) => values.push(match cell {
                Cell::Integer(number) => ByteArray::from(number.to_string().into_bytes()),
                Cell::Real(number) => ByteArray::from(number.to_string().into_bytes()),
                _ => ByteArray::from(text.unwrap_or_default().as_bytes().to_vec()),
            }),
            (Self::Long(values), Cell::Integer(number)) => values.push(number),
            (Self::Long(values), Cell::Text { .. }) if kind == ColumnType::Timestamp => {
                let moment: Option<jiff::Timestamp> = text.and_then(|text| text.parse().ok());
                values.push(moment.ok_or_else(odd)?.as_microsecond());
            }
            (Self::Day(values), _) => {
                let day: Option<jiff::civil::Date> = text.and_then(|text| text.parse().ok());
                values.push(since_1970(day.ok_or_else(odd)?));
            }
            (Self::Double(values), Cell::Real(number)) => values.push(number),
            (Self::Double(values), Cell::Integer(number)) => values.push(number as f64),
            (Self::Flag(values), Cell::Integer(number)) => values.push(number != 0),
            _ => return Err(odd()),
        }
        Ok(true)
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>, levels: &[i16]) -> Result<()> {
        let levels = Some(levels);
        match self {
            Self::Text(values) => {
                let writer = column.typed::<ByteArrayType>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            Self::Long(values) => {
                let writer = column.typed::<Int64Type>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            Self::Day(values) => {
                let writer = column.typed::<Int32Type>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            Self::Double(values) => {
                let writer = column.typed::<DoubleType>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            Self::Flag(values) => {
                let writer = column.typed::<BoolType>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
        }
        Ok(())
    }
}

/// The days from 1970 on.
fn since_1970(day: jiff::civil::Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    day.duration_since(epoch).as_hours() as i32 / 24
}

/// The Parquet schema of a table. Each column may be null: what must not be is refused before, as a reject.
fn schema(table: &Table) -> Result<Arc<Type>> {
    let own = table
        .columns
        .iter()
        .map(|column| (&*column.name, column.kind));
    let ours = ROW_COLUMNS.map(|name| (name, ColumnType::Integer));
    let fields = own.chain(ours).map(|(name, kind)| {
        let (physical, logical) = match kind {
            ColumnType::Text | ColumnType::Json | ColumnType::TimeZone => {
                (Kind::BYTE_ARRAY, Some(LogicalType::String))
            }
            ColumnType::Integer => (Kind::INT64, None),
            ColumnType::Timestamp => {
                let micros = LogicalType::timestamp(true, TimeUnit::MICROS);
                (Kind::INT64, Some(micros))
            }
            ColumnType::Date => (Kind::INT32, Some(LogicalType::Date)),
            ColumnType::Real => (Kind::DOUBLE, None),
            ColumnType::Boolean => (Kind::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .with_converted_type(ConvertedType::NONE)
            .build()?;
        Ok(Arc::new(field))
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let group = Type::group_type_builder(&table.name).with_fields(fields);
    Ok(Arc::new(group.build()?))
}
