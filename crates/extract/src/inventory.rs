//! Looks at the raw files that are there, for `plan`.

use std::fs;
use std::io;
use std::path::Path;

use definitions::StreamName;
use definitions::extractor::StreamExtraction;

use crate::journal;
use crate::plan::{Inventory, Runs};
use crate::run_id::RunId;
use crate::state;

/// What a stream has to plan by. `streams` are those of its source.
pub(crate) fn inventory(
    raw_data: &Path,
    streams: &[StreamExtraction],
    stream: &StreamExtraction,
) -> io::Result<Inventory> {
    let runs = |name: Option<&StreamName>| {
        name.map_or_else(|| Ok(Runs::default()), |name| runs(raw_data, streams, name))
    };
    let names = names(&raw_data.join(stream.stream.text.as_str()))?;
    Ok(Inventory {
        taken: names
            .iter()
            .filter_map(|name| RunId::leading(name.trim_start_matches('.')))
            .collect(),
        parent: runs(stream.parent.as_ref().map(|parent| &parent.stream.text))?,
        teller: runs(
            stream
                .changed
                .as_ref()
                .map(|changed| &changed.by.stream.text),
        )?,
    })
}

/// The raw files of one run, relative to `raw_data`, in order.
pub(crate) fn files_of_run(
    raw_data: &Path,
    stream: &StreamName,
    run: RunId,
) -> io::Result<Vec<String>> {
    let mut files = names(&raw_data.join(stream.as_str()))?;
    files.retain(|name| RunId::of_file(name) == Some(run));
    files.sort();
    Ok(files
        .into_iter()
        .map(|name| format!("{stream}/{name}"))
        .collect())
}

fn runs(raw_data: &Path, streams: &[StreamExtraction], name: &StreamName) -> io::Result<Runs> {
    let folder = raw_data.join(name.as_str());
    let state = state::read(&folder)?;
    let mut files: Vec<(RunId, String)> = names(&folder)?
        .into_iter()
        .filter_map(|file| Some((RunId::of_file(&file)?, format!("{name}/{file}"))))
        .collect();
    files.sort();
    let under_way = journal::under_way(&folder)?;
    let parent = streams
        .iter()
        .find(|stream| stream.stream.text == *name)
        .and_then(|stream| stream.parent.as_ref());
    // Definitions are checked to have no circle.
    let parent = parent
        .map(|parent| runs(raw_data, streams, &parent.stream.text))
        .transpose()?;
    Ok(Runs::of(&state, under_way, files, parent.as_ref()))
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(names)
}
