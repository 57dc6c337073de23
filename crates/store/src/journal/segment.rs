//! One file of the journal: made whole and safe on disk before its first entry is written.
//!
//! Its first 64 bytes hold magic, layout version, sequence and length with a checksum, then the *mark*:
//! up to where the file is known to be synced. An unreadable entry below the mark is damage; above it,
//! it is the torn end that a crash leaves. The mark may lag behind and is written without a sync of its own.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::frame::le_u64;

/// Where a segment's first entry begins.
pub(super) const FIRST_ENTRY: u64 = 64;
const MAGIC: &[u8; 8] = b"BWJRNL\x00\x01";
const MARK_AT: u64 = 40;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A segment file, open for reading and writing.
pub(super) struct Segment {
    pub file: File,
    pub path: PathBuf,
    /// Counts up by one from segment to segment.
    pub sequence: u64,
    /// Bytes of the file, header included.
    pub length: u64,
}

impl Segment {
    /// Makes an empty segment: its room is written and synced under another name first, so that a
    /// segment that can be seen is whole, and later writes meet neither a full disk nor metadata.
    ///
    /// # Errors
    /// When the disk does not take it; what was begun is removed.
    pub(super) fn prepare(dir: &Path, sequence: u64, length: u64) -> Result<Self, JournalError> {
        let path = dir.join(file_name(sequence));
        let unfinished = path.with_extension("new");
        let made = write_empty(&unfinished, sequence, length)
            .and_then(|file| fs::rename(&unfinished, &path).map(|()| file))
            .and_then(|file| File::open(dir)?.sync_all().map(|()| file));
        match made {
            Ok(file) => Ok(Self { file, path, sequence, length }),
            Err(source) => {
                // Whatever part exists would only take up the room that is short.
                let _ = fs::remove_file(&unfinished);
                Err(JournalError::io("prepare", &path, source))
            }
        }
    }

    /// Opens an existing segment; also gives its mark.
    ///
    /// # Errors
    /// `Damaged` when its header is not what `prepare` wrote, `Io` when it cannot be read.
    pub(super) fn load(path: &Path, sequence: u64) -> Result<(Self, u64), JournalError> {
        let read = || -> io::Result<(File, u64, [u8; FIRST_ENTRY as usize])> {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            let length = file.metadata()?.len();
            let mut head = [0; FIRST_ENTRY as usize];
            if length >= FIRST_ENTRY {
                file.read_exact_at(&mut head, 0)?;
            }
            Ok((file, length, head))
        };
        let (file, length, head) = read().map_err(|source| JournalError::io("read", path, source))?;
        if head[..40] != header(sequence, length) {
            return Err(JournalError::Damaged { file: path.to_owned(), offset: 0 });
        }
        let mark_holds = head[MARK_AT as usize..52] == mark(sequence, le_u64(&head, MARK_AT as usize));
        let synced_to = if mark_holds { le_u64(&head, MARK_AT as usize) } else { 0 };
        Ok((Self { file, path: path.to_owned(), sequence, length }, synced_to))
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> Result<(), JournalError> {
        self.file.write_all_at(bytes, offset).map_err(|source| JournalError::io("write", &self.path, source))
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|source| JournalError::io("sync", &self.path, source))
    }

    /// Notes that everything below `offset` is synced, which the caller has just done.
    pub(super) fn write_mark(&self, offset: u64) -> Result<(), JournalError> {
        self.write(&mark(self.sequence, offset), MARK_AT)
    }

    /// The end of what stands from `offset` on: `offset` itself when only zeros do.
    pub(super) fn written_end(&self, offset: u64) -> Result<u64, JournalError> {
        let mut buffer = vec![0; ZEROS.len()];
        let (mut at, mut end) = (offset, offset);
        while at < self.length {
            let size = (self.length - at).min(ZEROS.len() as u64);
            let chunk = &mut buffer[..size as usize];
            self.read(chunk, at).map_err(|source| JournalError::io("read", &self.path, source))?;
            if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
                end = at + last as u64 + 1;
            }
            at += size;
        }
        Ok(end)
    }

    /// Writes zeros over `from..to` and syncs, so that no remnant can ever pass for an entry.
    pub(super) fn blank(&self, from: u64, to: u64) -> Result<(), JournalError> {
        let mut at = from;
        while at < to {
            let size = (to - at).min(ZEROS.len() as u64);
            self.write(&ZEROS[..size as usize], at)?;
            at += size;
        }
        self.sync()
    }
}

fn write_empty(path: &Path, sequence: u64, length: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut at = 0;
    while at < length {
        let size = (length - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..size as usize], at)?;
        at += size;
    }
    file.write_all_at(&header(sequence, length), 0)?;
    file.sync_all()?;
    Ok(file)
}

fn header(sequence: u64, length: u64) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&sequence.to_le_bytes());
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..24]);
    bytes[24..28].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn mark(sequence: u64, synced_to: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&synced_to.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&sequence.to_le_bytes());
    hasher.update(&bytes[..8]);
    bytes[8..].copy_from_slice(&hasher.finalize().to_le_bytes());
    bytes
}

pub(super) fn file_name(sequence: u64) -> String {
    format!("{sequence:016}.journal")
}

/// Makes the folder if need be, durably, removes segments that were never finished, and lists the others
/// by sequence.
///
/// # Errors
/// When the folder cannot be made or read.
pub(super) fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let read = || -> io::Result<Vec<(u64, PathBuf)>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        if let Some(parent) = dir.parent() {
            File::open(parent)?.sync_all()?;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("new") => fs::remove_file(&path)?,
                Some("journal") => found.extend(sequence_of(&path).map(|sequence| (sequence, path))),
                _ => {}
            }
        }
        found.sort();
        Ok(found)
    };
    read().map_err(|source| JournalError::io("list", dir, source))
}

fn sequence_of(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Removes a segment, durably before the next one is removed, so that what remains is without gaps.
///
/// # Errors
/// When the file cannot be removed.
pub(super) fn remove(segment: &Segment) -> Result<(), JournalError> {
    let removed = fs::remove_file(&segment.path).and_then(|()| match segment.path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    });
    removed.map_err(|source| JournalError::io("remove", &segment.path, source))
}
