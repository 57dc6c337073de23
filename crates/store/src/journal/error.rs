//! What can go wrong with the journal. None of it is the caller's request: all of it is for the operator.

use std::io;
use std::path::{Path, PathBuf};

use domain::ids::RecordId;

/// Why the journal refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("The journal could not {action} {file}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder it was tried on.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Bytes that were safely on disk have changed since. Nothing is thrown away without an operator.
    #[error("The journal is damaged in {file} at byte {offset}.")]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where its first unreadable byte stands.
        offset: u64,
    },
    /// A segment between the oldest and the newest is not there.
    #[error("The journal has lost its segment {file}.")]
    Missing {
        /// The segment that should be there.
        file: PathBuf,
    },
    /// A payload above the stated limit.
    #[error("A journal entry of {size_bytes} bytes passes the limit of {limit_bytes} bytes.")]
    TooLarge {
        /// What was asked for.
        size_bytes: usize,
        /// What is allowed.
        limit_bytes: usize,
    },
    /// The journal may not grow further until something drains.
    #[error("The journal has reached its limit of {limit_bytes} bytes.")]
    Full {
        /// The limit on all segments together.
        limit_bytes: u64,
    },
    /// The record is open already, and every record opens once.
    #[error("The journal has {id} open already.")]
    AlreadyOpen {
        /// The record.
        id: RecordId,
    },
    /// A segment too small to hold a few entries of the largest size.
    #[error("Journal segments must have at least {least_bytes} and at most {most_bytes} bytes.")]
    SegmentSize {
        /// The smallest size for these limits.
        least_bytes: u64,
        /// The largest size at all.
        most_bytes: u64,
    },
    /// The settlement is not in the file; the record stays open, and recovery will charge it.
    #[error("The journal could not write this settlement; the record stays open.")]
    NotRecorded,
    /// A write or a sync failed earlier; nothing is taken until the process starts again.
    #[error("The journal is broken since: {cause}")]
    Broken {
        /// The first failure.
        cause: String,
    },
    /// `shutdown` was called.
    #[error("The journal is shut down.")]
    Closed,
}

impl JournalError {
    pub(super) fn io(action: &'static str, file: &Path, source: io::Error) -> Self {
        Self::Io { action, file: file.to_owned(), source }
    }
}
