//! What must hold of one job, by the rules alone: who publishes, and who has published what.
//!
//! Order is a count of its own, which no clock moves.

use std::collections::{BTreeMap, BTreeSet};

/// One job.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    /// The version that publishes; 0 before the first training.
    pub(super) champion: u64,
    /// For each day that is published: the version, and when by our count.
    published: BTreeMap<u32, (u64, u64)>,
    /// When each version was promoted last.
    promoted: BTreeMap<u64, u64>,
    /// Days that lie there though the record does not know them.
    strays: BTreeSet<u32>,
    count: u64,
}

impl Model {
    /// The days that are published, and on record.
    pub(super) fn ticks(&self) -> impl Iterator<Item = u32> {
        self.published.keys().copied()
    }

    pub(super) fn has(&self, day: u32) -> bool {
        self.published.contains_key(&day)
    }

    /// A run of a day: nothing if it is published.
    pub(super) fn run(&mut self, day: u32) {
        if self.champion == 0 {
            self.promote(1);
        }
        if !self.has(day) {
            self.score(day);
        }
    }

    /// A day is scored by the champion, whatever was there.
    pub(super) fn score(&mut self, day: u32) {
        self.count += 1;
        self.strays.remove(&day);
        self.published.insert(day, (self.champion, self.count));
    }

    pub(super) fn promote(&mut self, version: u64) {
        self.count += 1;
        self.champion = version;
        self.promoted.insert(version, self.count);
    }

    /// The champion goes, and all that it has published since its promotion with it.
    pub(super) fn roll_back(&mut self, to: u64) {
        let (left, since) =
            (self.champion, self.promoted.get(&self.champion).copied().unwrap_or(0));
        self.champion = to;
        let is_left = |(version, at): &(u64, u64)| *version == left && *at >= since;
        let days: Vec<u32> =
            self.published.iter().filter(|(_, by)| is_left(by)).map(|(day, _)| *day).collect();
        for day in days {
            self.score(day);
        }
    }

    /// Takes the place of `later`, whose rows lie there.
    pub(super) fn forget(&mut self, later: &Self) {
        let there = later.published.keys().chain(&later.strays).copied();
        self.strays = there.filter(|day| !self.published.contains_key(day)).collect();
        // Its count goes on where it was: all that is on record lies before.
    }

    #[track_caller]
    pub(super) fn require(&self, job: &str, found: &BTreeMap<u32, u64>) {
        let wanted: BTreeMap<u32, u64> =
            self.published.iter().map(|(day, (version, _))| (*day, *version)).collect();
        let found: BTreeMap<u32, u64> = found
            .iter()
            .filter(|(day, _)| !self.strays.contains(*day))
            .map(|(day, version)| (*day, *version))
            .collect();
        assert_eq!(found, wanted, "{job}");
    }
}
