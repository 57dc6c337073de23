//! What a crash leaves, and what is not a crash.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::JournalError;
use super::*;

fn segment_path(dir: &Path, sequence: u64) -> PathBuf {
    dir.join("journal").join(super::super::segment::file_name(sequence))
}

#[tokio::test]
async fn killed_process_leaves_settlements_and_open_records() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, replay) = open(dir.path());
    assert!(replay.open.is_empty() && replay.settled == 0 && replay.cut.is_empty());
    let _ = settle(&journal, 1, b"one");
    let still_open = journal.append_open(id(2), b"hold of two").unwrap();
    let _ = settle(&journal, 3, b"three");

    let copy = tempfile::tempdir().unwrap();
    copy_folder(dir.path(), copy.path());
    let (journal, mut replay) = open(copy.path());
    assert_eq!(replay.settled, 2);
    assert!(replay.cut.is_empty());
    let left = replay.open.pop().unwrap();
    assert_eq!((left.id, left.payload.as_slice()), (id(2), b"hold of two".as_slice()));
    let position = left.slot.settle(b"recovered");
    journal.synced(position).await.unwrap();
    let given: Vec<_> = journal.batch(9).unwrap().into_iter().map(|e| (e.id, e.payload)).collect();
    let expected = [(id(1), b"one".to_vec()), (id(3), b"three".to_vec()), (id(2), b"recovered".to_vec())];
    assert_eq!(given, expected);
    assert_eq!(journal.figures().open, 0);
    drop(still_open);
}

#[test]
fn last_entry_torn_at_any_byte_is_cut_and_the_journal_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let first = settle(&journal, 1, b"one");
    let last = settle(&journal, 2, &[7; 60]);
    let copy = tempfile::tempdir().unwrap();
    copy_folder(dir.path(), copy.path());
    let whole = fs::read(segment_path(copy.path(), 1)).unwrap();
    let settled_from = first.offset as usize + 25 + 4;
    for torn_at in settled_from..last.offset as usize {
        for garbage in [0, 0xff] {
            let mut bytes = whole.clone();
            bytes[torn_at..last.offset as usize].fill(garbage);
            fs::write(segment_path(copy.path(), 1), &bytes).unwrap();
            let (journal, replay) = open(copy.path());
            assert_eq!(replay.settled, 1, "torn at {torn_at}");
            assert_eq!(replay.open.len(), 1, "torn at {torn_at}");
            let is_torn = garbage != 0 || torn_at > settled_from;
            assert_eq!(replay.cut.len(), usize::from(is_torn), "torn at {torn_at} with {garbage}");
            let _ = settle(&journal, 3, b"goes on");
            drop(journal);
            let (_journal, replay) = open(copy.path());
            assert_eq!((replay.settled, replay.open.len(), replay.cut.len()), (2, 1, 0));
        }
    }
}

#[tokio::test]
async fn damage_to_what_was_synced_is_an_error_that_names_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 0..60 {
        journal.synced(settle(&journal, number, &[1; 100])).await.unwrap();
    }
    drop(journal);
    let path = segment_path(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&path, bytes).unwrap();
    match Journal::open(dir.path(), small()) {
        Err(JournalError::Damaged { file, offset }) => {
            assert_eq!(file, path);
            assert!(offset <= 1000 && offset > 800, "{offset}");
        }
        other => panic!("{:?}", other.map(|(_, replay)| replay)),
    }
}

#[tokio::test]
async fn missing_segment_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 0..100 {
        journal.synced(settle(&journal, number, &[1; 100])).await.unwrap();
    }
    drop(journal);
    fs::remove_file(segment_path(dir.path(), 2)).unwrap();
    assert!(matches!(Journal::open(dir.path(), small()), Err(JournalError::Missing { .. })));
}

#[test]
fn power_cut_that_takes_the_unsynced_end_of_an_earlier_segment_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 0..80 {
        let _ = settle(&journal, number, &[1; 100]);
    }
    assert!(journal.figures().segments > 2);
    let copy = tempfile::tempdir().unwrap();
    copy_folder(dir.path(), copy.path());
    let path = segment_path(copy.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[2000..].fill(0);
    fs::write(&path, bytes).unwrap();
    let (journal, replay) = open(copy.path());
    assert!(replay.settled > 60 && replay.settled < 80, "{}", replay.settled);
    assert_eq!(replay.cut.len(), 1);
    assert_eq!(batch_ids(&journal).len() as u64, replay.settled);
    drop(journal);
    let (_journal, again) = open(copy.path());
    assert_eq!((again.settled, again.cut.len()), (replay.settled, 0));
}

#[test]
fn restart_right_behind_a_seal_goes_on_in_the_next_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let mut number = 0;
    while journal.shared.tail.lock().unwrap().older.is_empty() {
        let _ = settle(&journal, number, &[1; 180]);
        number += 1;
    }
    let copy = tempfile::tempdir().unwrap();
    copy_folder(dir.path(), copy.path());
    let path = segment_path(copy.path(), 2);
    let mut bytes = fs::read(&path).unwrap();
    bytes[64..].fill(0);
    fs::write(&path, bytes).unwrap();
    let (journal, replay) = open(copy.path());
    let _ = settle(&journal, 1000, b"small");
    drop(journal);
    let (_journal, again) = open(copy.path());
    assert_eq!((again.settled, again.cut.len()), (replay.settled + 1, 0));
}

#[test]
fn copies_made_while_writing_hold_all_that_was_settled_before_the_copy() {
    let mut dice = Dice::new("copies while writing");
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options { total_max_bytes: 64 << 20, ..small() }).unwrap();
    let settled = std::sync::atomic::AtomicU64::new(0);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !is_over.load(std::sync::atomic::Ordering::SeqCst) && number < 100_000 {
                let _ = settle(&journal, number, &[number as u8; 150]);
                number += 1;
                settled.store(number, std::sync::atomic::Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
        });
        for _ in 0..15 {
            std::thread::sleep(std::time::Duration::from_millis(dice.below(30)));
            let before = settled.load(std::sync::atomic::Ordering::SeqCst);
            let copy = tempfile::tempdir().unwrap();
            copy_folder(dir.path(), copy.path());
            let (journal, replay) = open(copy.path());
            assert!(replay.settled >= before, "{} of {before}", replay.settled);
            let given = batch_ids(&journal);
            assert_eq!(given[..before as usize], ids(0..before));
        }
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}
