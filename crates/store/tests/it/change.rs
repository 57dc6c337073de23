//! The audited door.

use domain::access::{Grant, Task};
use domain::audit::{AuditEntry, Verb};

use crate::engines::{both_engines, noon};

#[test]
fn a_change_is_kept_with_its_record_or_not_at_all() {
    both_engines(|store| async move {
        let grant = Grant::system(Task::SetUp, None);
        let dropped = store.change(&grant, noon()).await.unwrap();
        drop(dropped);
        assert_eq!(store.feed_position().await.unwrap(), 0);
        for expected in 1..=3 {
            let change = store.change(&grant, noon()).await.unwrap();
            let entry =
                AuditEntry::new(Verb::OrganizationCreated, "org_x").after(serde_json::json!({"name": "x"}));
            assert_eq!(change.commit(entry).await.unwrap().sequence, expected);
        }
        let events = store.feed_after(1, 10).await.unwrap();
        assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2, 3]);
    });
}

#[test]
fn concurrent_changes_leave_a_feed_without_gaps() {
    both_engines(|store| async move {
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let change = store.change(&Grant::system(Task::SetUp, None), noon()).await.unwrap();
                    change.commit(AuditEntry::new(Verb::ProjectCreated, n)).await.unwrap().sequence
                })
            })
            .collect();
        let mut places = Vec::new();
        for task in tasks {
            places.push(task.await.unwrap());
        }
        places.sort_unstable();
        assert_eq!(places, (1..=16).collect::<Vec<_>>());
    });
}
