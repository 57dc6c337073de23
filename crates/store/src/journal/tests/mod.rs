//! The journal's promises, tried on real files in a temporary folder.

mod crash;
mod figures;
mod groups;
mod model;
mod room;

use std::path::Path;

use domain::ids::RecordId;
use domain::time::Timestamp;

use super::{Journal, Options, Replay};

/// Segments so small that a few dozen entries fill one.
fn small() -> Options {
    Options { segment_bytes: 4096, total_max_bytes: 1 << 20, open_max_bytes: 120, settled_max_bytes: 200 }
}

fn id(number: u64) -> RecordId {
    RecordId::from_parts(Timestamp::from_unix_milliseconds(1_700_000_000_000 + number as i64), 0)
}

fn open(dir: &Path) -> (Journal, Replay) {
    Journal::open(dir, small()).unwrap()
}

fn settle(journal: &Journal, number: u64, payload: &[u8]) -> super::Position {
    journal.append_open(id(number), b"open").unwrap().settle(payload)
}

fn batch_ids(journal: &Journal) -> Vec<RecordId> {
    journal.batch(usize::MAX).unwrap().into_iter().map(|entry| entry.id).collect()
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<RecordId> {
    numbers.into_iter().map(id).collect()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("journal")).unwrap();
    let mut files: Vec<_> =
        std::fs::read_dir(from.join("journal")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        // A file under preparation may have been renamed since it was listed.
        let _ = std::fs::copy(&file, to.join("journal").join(file.file_name().unwrap()));
    }
}

/// Random numbers that a printed seed repeats.
struct Dice(u64);

impl Dice {
    fn new(what: &str) -> Self {
        let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        println!("{what}: seed {seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }
}
