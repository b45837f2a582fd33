//! Records of raw files, as far as other streams look at them.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use definitions::extractor::{FieldPath, Parent};
use xxhash_rust::xxh3::xxh3_64;

use crate::Stop;
use crate::page;
use crate::state::Values;

/// The values of the parent records that have all of them, each once, in order. Stops early when somebody says stop.
pub(crate) fn parents(
    raw_data: &Path,
    files: &[String],
    parent: &Parent,
    stop: &Stop,
) -> io::Result<Vec<Values>> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for file in files {
        each(&raw_data.join(file), stop, &mut |record| {
            let values: Option<Values> = parent
                .values
                .iter()
                .map(|(name, path)| Some((name.clone(), page::first_scalar(record, path)?)))
                .collect();
            if let Some(values) = values
                && seen.insert(values.clone())
            {
                found.push(values);
            }
        })?;
    }
    Ok(found)
}

/// The hashes of the keys of all records in some raw files.
pub(crate) fn keys(
    raw_data: &Path,
    files: &[String],
    key: &FieldPath,
    stop: &Stop,
) -> io::Result<HashSet<u64>> {
    let mut keys = HashSet::new();
    for file in files {
        each(&raw_data.join(file), stop, &mut |record| {
            keys.extend(page::first_scalar(record, key).map(|key| hash(&key)));
        })?;
    }
    Ok(keys)
}

/// The hash of a key.
pub(crate) fn hash(key: &str) -> u64 {
    xxh3_64(key.as_bytes())
}

fn each(path: &Path, stop: &Stop, each: &mut dyn FnMut(&str)) -> io::Result<()> {
    raw::read(
        path,
        raw::Format::Ndjson,
        &raw::Layout::default(),
        &mut |chunk| {
            for record in &chunk.records {
                if let Some(Ok(text)) = chunk
                    .bytes
                    .get(record.span.clone())
                    .map(std::str::from_utf8)
                {
                    each(text);
                }
            }
            !stop.is_set()
        },
    )?;
    Ok(())
}
