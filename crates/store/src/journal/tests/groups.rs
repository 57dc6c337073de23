//! Group commit: who waits, for what, and how many syncs it takes.

use std::fs::{File, OpenOptions};
use std::sync::Arc;

use super::super::JournalError;
use super::super::segment::Segment;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syncs_are_far_fewer_than_concurrent_settlements() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::open(dir.path(), Options::default()).unwrap().0);
    let before = journal.figures().syncs;
    let mut tasks = Vec::new();
    for task in 0..64 {
        let journal = Arc::clone(&journal);
        tasks.push(tokio::spawn(async move {
            for turn in 0..50 {
                journal.synced(settle(&journal, task * 50 + turn, &[1; 300])).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let syncs = journal.figures().syncs - before;
    println!("3200 settlements, {syncs} syncs");
    assert!(syncs < 800, "{syncs}");
    assert_eq!(journal.batch(usize::MAX).unwrap().len(), 3200);
}

#[tokio::test]
async fn idle_journal_does_not_sync() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let position = settle(&journal, 1, b"one");
    journal.synced(position).await.unwrap();
    let syncs = journal.figures().syncs;
    journal.synced(position).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(journal.figures().syncs, syncs);
}

#[tokio::test]
async fn only_synced_settlements_are_given_and_waiting_syncs_them() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let _ = settle(&journal, 1, b"one");
    assert!(batch_ids(&journal).is_empty());
    journal.wait_for_settled().await.unwrap();
    assert_eq!(batch_ids(&journal), ids([1]));
    journal.drained(journal.batch(9).unwrap()[0].position);

    let late = tokio::time::sleep(std::time::Duration::from_millis(30));
    let settle_late = async {
        late.await;
        let _ = settle(&journal, 2, b"two");
    };
    let (waited, ()) = tokio::join!(journal.wait_for_settled(), settle_late);
    waited.unwrap();
    assert_eq!(batch_ids(&journal), ids([2]));
}

#[tokio::test]
async fn shutdown_syncs_refuses_calls_and_ends_the_drain() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let slot = journal.append_open(id(2), b"").unwrap();
    let position = settle(&journal, 1, b"one");
    journal.shutdown().unwrap();
    assert!(matches!(journal.append_open(id(3), b""), Err(JournalError::Closed)));
    journal.synced(position).await.unwrap();
    journal.wait_for_settled().await.unwrap();
    journal.drained(position);
    assert!(matches!(journal.wait_for_settled().await, Err(JournalError::Closed)));
    journal.synced(slot.settle(b"late")).await.unwrap();
    assert_eq!(batch_ids(&journal), ids([2]));
}

/// Puts another file where the active segment's was.
fn swap_active_file(journal: &Journal, file: File) {
    let mut tail = journal.shared.tail.lock().unwrap();
    let old = &tail.active.segment;
    let (path, sequence, length) = (old.path.clone(), old.sequence, old.length);
    tail.active.segment = Arc::new(Segment { file, path, sequence, length });
}

#[tokio::test]
async fn failed_write_of_a_settlement_breaks_the_journal_and_the_record_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let slot = journal.append_open(id(1), b"hold").unwrap();
    let earlier = settle(&journal, 2, b"two");
    let path = journal.shared.tail.lock().unwrap().active.segment.path.clone();
    swap_active_file(&journal, File::open(path).unwrap());
    let position = slot.settle(b"one");
    assert!(matches!(journal.append_open(id(3), b""), Err(JournalError::Broken { .. })));
    assert!(matches!(journal.synced(position).await, Err(JournalError::NotRecorded)));
    journal.synced(earlier).await.unwrap();
    assert_eq!((journal.figures().abandoned, journal.figures().open), (1, 1));
    assert!(matches!(journal.shutdown(), Err(JournalError::Broken { .. })));
    drop(journal);
    let (_journal, replay) = open(dir.path());
    assert_eq!((replay.settled, replay.open[0].id), (1, id(1)));
}

#[tokio::test]
async fn failed_sync_is_told_to_every_waiter_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let safe = settle(&journal, 1, b"one");
    journal.synced(safe).await.unwrap();
    // This device takes every write and refuses to sync.
    swap_active_file(&journal, OpenOptions::new().write(true).open("/dev/null").unwrap());
    let lost = settle(&journal, 2, b"two");
    for _ in 0..2 {
        assert!(matches!(journal.synced(lost).await, Err(JournalError::Broken { .. })));
    }
    journal.synced(safe).await.unwrap();
    assert!(matches!(journal.append_open(id(3), b""), Err(JournalError::Broken { .. })));
}
