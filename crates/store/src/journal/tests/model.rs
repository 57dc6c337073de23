//! Random interleavings of open, settle, drain and restart against a model of three lists.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Position, Slot};
use super::*;

#[derive(Default)]
struct Model {
    open: BTreeMap<RecordId, Vec<u8>>,
    /// Settlements in order, as far as they may still be in the files.
    settled: Vec<(RecordId, Vec<u8>)>,
    drained: BTreeSet<RecordId>,
}

struct World {
    dir: tempfile::TempDir,
    journal: Option<Journal>,
    slots: Vec<Slot>,
    model: Model,
    next: u64,
    dice: Dice,
}

impl World {
    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn payload(&mut self, most: u64) -> Vec<u8> {
        let size = self.dice.below(most + 1);
        (0..size).map(|_| self.dice.below(256) as u8).collect()
    }

    fn open_one(&mut self) {
        let payload = self.payload(120);
        self.next += 1;
        let slot = self.journal().append_open(id(self.next), &payload).unwrap();
        self.model.open.insert(slot.id(), payload);
        self.slots.push(slot);
    }

    fn settle_one(&mut self) -> Option<Position> {
        if self.slots.is_empty() {
            return None;
        }
        // Mostly the newest, so that some stay open for very long.
        let reach = if self.dice.below(20) == 0 { self.slots.len() } else { self.slots.len().min(4) };
        let chosen = self.slots.len() - 1 - self.dice.below(reach as u64) as usize;
        let slot = self.slots.remove(chosen);
        let payload = self.payload(200);
        let id = slot.id();
        let position = slot.settle(&payload);
        self.model.open.remove(&id);
        self.model.settled.push((id, payload));
        Some(position)
    }

    async fn drain_some(&mut self) {
        let end = self.journal().shared.tail.lock().unwrap().position();
        self.journal().synced(end).await.unwrap();
        let max = 1 + self.dice.below(40) as usize;
        let batch = self.journal().batch(max).unwrap();
        let due = self.model.settled.iter().filter(|(id, _)| !self.model.drained.contains(id));
        let due: Vec<_> = due.take(max).cloned().collect();
        let given: Vec<_> = batch.iter().map(|entry| (entry.id, entry.payload.clone())).collect();
        assert_eq!(given, due);
        if let Some(last) = batch.last() {
            self.journal().drained(last.position);
            self.model.drained.extend(batch.iter().map(|entry| entry.id));
        }
    }

    /// Ends the run, with `shutdown` or without, and starts again.
    fn restart(&mut self) {
        self.slots.clear();
        if self.dice.below(2) == 0 {
            self.journal().shutdown().unwrap();
        }
        self.journal = None;
        let (journal, replay) = open(self.dir.path());
        assert!(replay.cut.is_empty());
        let open: BTreeMap<_, _> = replay.open.iter().map(|left| (left.id, left.payload.clone())).collect();
        assert_eq!(open, self.model.open);
        // Settlements whose segments are gone have drained; the others come again, all of them.
        let kept = journal.batch(usize::MAX).unwrap();
        assert_eq!(kept.len() as u64, replay.settled);
        let gone = self.model.settled.len() - kept.len();
        assert!(self.model.settled[..gone].iter().all(|(id, _)| self.model.drained.contains(id)));
        self.model.settled.drain(..gone);
        let kept: Vec<_> = kept.into_iter().map(|entry| (entry.id, entry.payload)).collect();
        assert_eq!(kept, self.model.settled);
        self.model.drained.clear();
        self.slots = replay.open.into_iter().map(|left| left.slot).collect();
        self.journal = Some(journal);
    }
}

#[tokio::test]
async fn random_interleavings_agree_with_the_model() {
    let dice = Dice::new("journal model");
    let dir = tempfile::tempdir().unwrap();
    let journal = Some(open(dir.path()).0);
    let mut world = World { dir, journal, slots: Vec::new(), model: Model::default(), next: 0, dice };
    for _ in 0..6000 {
        match world.dice.below(201) {
            0..=94 if world.slots.len() < 300 => world.open_one(),
            95..=184 => {
                let position = world.settle_one();
                if let (Some(position), 0) = (position, world.dice.below(10)) {
                    world.journal().synced(position).await.unwrap();
                }
            }
            185..=199 => world.drain_some().await,
            _ => world.restart(),
        }
    }
    world.restart();
    let figures = world.journal().figures();
    println!("{figures:?}, {} records", world.next);
    assert_eq!(figures.open, world.model.open.len() as u64);
}
