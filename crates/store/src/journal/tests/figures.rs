//! What an entry costs: printed, not judged, because the machine is shared.

use std::sync::Arc;
use std::time::Instant;

use super::*;

#[test]
fn cost_of_open_and_settle_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    let count = 20_000;
    let start = Instant::now();
    for number in 0..count {
        let _ = journal.append_open(id(number), &[1; 300]).unwrap().settle(&[2; 400]);
    }
    let nanos = start.elapsed().as_nanos() / u128::from(count);
    println!("open and settle: {}.{:02} us", nanos / 1000, nanos % 1000 / 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_of_synced_settlements_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::open(dir.path(), Options::default()).unwrap().0);
    let (tasks, turns) = (64, 200);
    let start = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                for turn in 0..turns {
                    journal.synced(settle(&journal, task * turns + turn, &[2; 400])).await.unwrap();
                }
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
    let elapsed = start.elapsed();
    let per_second = u128::from(tasks * turns) * 1_000_000 / elapsed.as_micros();
    let syncs = journal.figures().syncs;
    let each_us = elapsed.as_micros() / u128::from(syncs);
    println!("{per_second} synced settlements a second from {tasks} tasks; {syncs} syncs, {each_us} us each");
}
