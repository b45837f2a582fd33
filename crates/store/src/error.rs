//! What can go wrong with a database, in words.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::Place;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another run of this program is loading into it.
    #[error("{place} is held by {holder}")]
    Held {
        /// The database.
        place: String,
        /// Process, verb and since when.
        holder: String,
    },
    /// Another program has locked it.
    #[error("{place} is locked by another program")]
    Locked {
        /// The database.
        place: String,
    },
    /// It cannot be written.
    #[error("{place} is read-only")]
    ReadOnly {
        /// The database.
        place: String,
    },
    /// The disk is full.
    #[error("no space is left for {place}")]
    Full {
        /// The database.
        place: String,
    },
    /// It is no database, or one of somebody else.
    #[error("{place} is not a database of this program")]
    Foreign {
        /// The database.
        place: String,
    },
    /// A later version of this program made it.
    #[error("{place} was made by a newer version of this program")]
    Newer {
        /// The database.
        place: String,
    },
    /// An older version of this program, or older definitions, made it.
    #[error("{place} is older than the definitions in force")]
    Older {
        /// The database.
        place: String,
    },
    /// Somebody else's table has the name of one of ours.
    #[error("{place} has a table `{table}` that this program did not make")]
    Taken {
        /// The database.
        place: String,
        /// The table.
        table: String,
    },
    /// Its bytes are not as the engine wrote them.
    #[error("{place} is damaged: {message}")]
    Damaged {
        /// The database.
        place: String,
        /// What the engine said.
        message: String,
    },
    /// There is no file.
    #[error("{place} is not there")]
    Missing {
        /// The database.
        place: String,
    },
    /// Anything else.
    #[error("cannot {doing} {place}: {message}")]
    Other {
        /// The database.
        place: String,
        /// What was tried.
        doing: &'static str,
        /// What the engine said.
        message: String,
    },
}

/// Why a query gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// It would change the database.
    #[error("a query may only read")]
    Writes,
    /// It took too long.
    #[error("the query took longer than {0} second{s}", s = if *.0 == 1 { "" } else { "s" })]
    Timeout(u64),
    /// The text holds no statement, or several.
    #[error("expected one statement, found {0}")]
    Statements(usize),
    /// The engine does not take it, or failed on the way.
    #[error("{message}")]
    Sql {
        /// What the engine said.
        message: String,
        /// Where in the text, in bytes, if it said so.
        offset: Option<usize>,
    },
    /// Whoever takes the rows could not go on.
    #[error("{0}")]
    Output(String),
}

impl Error {
    pub(crate) fn sqlite(place: &Place, doing: &'static str, error: rusqlite::Error) -> Self {
        let place = place.name();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { place },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { place },
            Some(ErrorCode::DiskFull) => Self::Full { place },
            Some(ErrorCode::NotADatabase) => Self::Foreign { place },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                place,
                message: error.to_string(),
            },
            _ => Self::Other {
                place,
                doing,
                message: error.to_string(),
            },
        }
    }

    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        let place = path.display().to_string();
        let place = place.strip_suffix(".lock").unwrap_or(&place).to_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                let message = "its folder is not there".to_owned();
                Self::Other {
                    place,
                    doing: "open",
                    message,
                }
            }
            std::io::ErrorKind::PermissionDenied => Self::ReadOnly { place },
            std::io::ErrorKind::StorageFull => Self::Full { place },
            std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { place },
            _ => Self::Other {
                place,
                doing: "open",
                message: error.to_string(),
            },
        }
    }
}
