//! One run loads at a time: a lock file beside the database says who.
//!
//! The operating system drops the lock when its holder ends, however it ends, so none is ever stale.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// Held until dropped.
pub(crate) struct Lock {
    _file: File,
}

/// How often a waiting run looks again.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn acquire(
    database: &Path,
    patience: Duration,
    waiting: &mut dyn FnMut(&str),
) -> Result<Lock, Error> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(&path)
        .map_err(|error| Error::io(&path, error))?;
    let started = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(Error::io(&path, error)),
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                if started.elapsed() >= patience {
                    return Err(Error::Held {
                        place: database.display().to_string(),
                        holder,
                    });
                }
                if !told {
                    waiting(&holder);
                    told = true;
                }
                thread::sleep(PAUSE.min(patience));
            }
        }
    }
    let verb = std::env::args().nth(1).unwrap_or_default();
    let since = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let note = format!("process {} (`{verb}`), since {since}", std::process::id());
    // This only helps whoever waits: the lock holds without it.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(note.as_bytes()));
    Ok(Lock { _file: file })
}

fn holder(file: &mut File) -> String {
    let mut note = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(200).read_to_string(&mut note));
    if read.is_ok() && !note.is_empty() {
        note
    } else {
        "another process".to_owned()
    }
}
