//! Segments come ahead of need, go when drained, and never pass the limit.

use std::time::{Duration, Instant};

use super::super::{Figures, JournalError};
use super::*;

fn wait_for(journal: &Journal, what: &str, is_so: impl Fn(Figures) -> bool) {
    let start = Instant::now();
    while !is_so(journal.figures()) {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}: {:?}", journal.figures());
        std::thread::sleep(Duration::from_millis(2));
    }
}

async fn drain_all(journal: &Journal) {
    let end = journal.shared.tail.lock().unwrap().position();
    journal.synced(end).await.unwrap();
    if let Some(last) = journal.batch(usize::MAX).unwrap().last() {
        journal.drained(last.position);
    }
}

#[tokio::test]
async fn drained_segments_are_removed_and_the_rest_is_offered_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 0..200 {
        let _ = settle(&journal, number, &[1; 100]);
    }
    let full = journal.figures().segments;
    assert!(full > 6, "{full}");
    drain_all(&journal).await;
    assert!(batch_ids(&journal).is_empty());
    wait_for(&journal, "removal", |figures| figures.segments <= 3);
    assert_eq!(journal.figures().undrained, 0);
    journal.synced(settle(&journal, 500, b"after")).await.unwrap();
    drop(journal);
    let (journal, replay) = open(dir.path());
    assert!(replay.settled < 30, "{}", replay.settled);
    assert_eq!(batch_ids(&journal).last(), Some(&id(500)));
}

#[tokio::test]
async fn batches_are_bounded_and_can_be_drained_in_part() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 0..100 {
        let _ = settle(&journal, number, &[1; 100]);
    }
    journal.wait_for_settled().await.unwrap();
    let mut seen = Vec::new();
    loop {
        let batch = journal.batch(7).unwrap();
        let Some(kept) = batch.get(..batch.len().min(3)).filter(|kept| !kept.is_empty()) else { break };
        assert!(batch.len() <= 7);
        seen.extend(kept.iter().map(|entry| entry.id));
        journal.drained(kept[kept.len() - 1].position);
    }
    assert_eq!(seen, ids(0..100));
}

#[tokio::test]
async fn open_record_keeps_its_segment_until_it_settles() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let mut slots = Vec::new();
    for number in 0..10 {
        slots.push(journal.append_open(id(1000 + number), b"long").unwrap());
    }
    for number in 0..50 {
        let _ = settle(&journal, number, &[1; 100]);
    }
    drain_all(&journal).await;
    std::thread::sleep(Duration::from_millis(30));
    let kept = journal.figures().segments;
    assert!(kept > 3, "{kept}");
    for slot in slots {
        let _ = slot.settle(b"done");
    }
    drain_all(&journal).await;
    wait_for(&journal, "removal", |figures| figures.segments <= 3);
}

#[tokio::test]
async fn few_long_open_records_are_copied_onwards_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let slot = journal.append_open(id(9999), b"a long call").unwrap();
    for round in 0..30 {
        for number in 0..20 {
            let _ = settle(&journal, round * 20 + number, &[1; 100]);
        }
        drain_all(&journal).await;
    }
    wait_for(&journal, "removal", |figures| figures.carried > 0 && figures.segments < 12);
    drop((slot, journal));
    let (journal, mut replay) = open(dir.path());
    let left = replay.open.pop().unwrap();
    assert_eq!((left.id, left.payload.as_slice()), (id(9999), b"a long call".as_slice()));
    assert!(replay.open.is_empty());
    let _ = left.slot.settle(b"done");
    journal.wait_for_settled().await.unwrap();
    assert_eq!(journal.figures().open, 0);
}

#[tokio::test]
async fn full_journal_refuses_calls_but_every_admitted_one_settles() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { total_max_bytes: 5 * 4096, ..small() };
    let (journal, _) = Journal::open(dir.path(), options.clone()).unwrap();
    let mut slots = Vec::new();
    let refused = loop {
        match journal.append_open(id(slots.len() as u64), &[2; 90]) {
            Ok(slot) => slots.push(slot),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, JournalError::Full { limit_bytes: 20480 }), "{refused}");
    assert!(slots.len() > 30, "{}", slots.len());
    assert!(journal.figures().file_bytes <= options.total_max_bytes);

    // A restart finds the same room for the same promises.
    drop((journal, slots));
    let (journal, replay) = Journal::open(dir.path(), options.clone()).unwrap();
    let count = replay.open.len();
    assert!(count > 30);
    for left in replay.open {
        journal.synced(left.slot.settle(&[3; 200])).await.unwrap();
    }
    assert_eq!(journal.batch(usize::MAX).unwrap().len(), count);
    assert!(journal.figures().file_bytes <= options.total_max_bytes);
    drain_all(&journal).await;
    wait_for(&journal, "removal", |figures| figures.segments <= 3);
    let _ = settle(&journal, 5000, b"room again");
}

#[test]
fn limits_are_stated_and_ids_open_once() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let too_large = journal.append_open(id(1), &[0; 121]);
    assert!(matches!(too_large, Err(JournalError::TooLarge { size_bytes: 121, limit_bytes: 120 })));
    let slot = journal.append_open(id(1), &[0; 120]).unwrap();
    assert!(matches!(journal.append_open(id(1), b""), Err(JournalError::AlreadyOpen { .. })));
    drop(slot);
    assert_eq!((journal.figures().open, journal.figures().abandoned), (1, 1));
    let tiny = Options { segment_bytes: 1000, ..small() };
    assert!(matches!(Journal::open(dir.path(), tiny), Err(JournalError::SegmentSize { .. })));
}
