//! Expressions, zones and instants drawn from a seed.
//!
//! Every case has a generator of its own, so that a case does not depend on how many came before it. A
//! failure shows the whole case, the seed is only needed to run the same cases again.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use nightshift::domain::schedule::zone_named;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::suite::asked;

/// The first instant that is drawn, 1970-01-01.
const FIRST: i64 = 0;
/// The instant after the last that is drawn, 2100-01-01.
const END: i64 = 4_102_444_800;

const MONTHS: [&str; 5] = ["JAN", "feb", "Mar", "OCT", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "mon", "Tue", "WED", "THU", "FRI", "SAT"];

/// What a field of an expression may hold.
struct Shape {
    low: u32,
    high: u32,
    words: &'static [&'static str],
    extensions: &'static [&'static str],
}

const SECOND: Shape = Shape { low: 0, high: 59, words: &[], extensions: &[] };
const HOUR: Shape = Shape { high: 23, ..SECOND };
const DAY_OF_MONTH: Shape = Shape {
    low: 1,
    high: 31,
    words: &[],
    extensions: &["L", "LW", "lw", "1W", "15W", "31w", "29", "31", "?"],
};
const MONTH: Shape = Shape { low: 1, high: 12, words: &MONTHS, extensions: &["2", "FEB", "1,7"] };
const DAY_OF_WEEK: Shape = Shape {
    low: 0,
    high: 7,
    words: &WEEKDAYS,
    extensions: &["5L", "7L", "2#2", "MON#5", "7#1", "SAT-SUN", "FRIL", "mon-fri", "?"],
};

/// The draws of one case.
pub(super) struct Draw(Xoshiro256PlusPlus);

impl Draw {
    /// The draws of case number `case`.
    pub(super) fn new(case: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed() ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.0.gen_range(0..end)
    }

    /// Whether something happens that does `times` out of a hundred.
    pub(super) fn percent(&mut self, times: u32) -> bool {
        self.below(100) < times
    }

    pub(super) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices.choose(&mut self.0).unwrap()
    }

    /// An expression of five fields.
    pub(super) fn cron(&mut self) -> String {
        let shapes = [&SECOND, &HOUR, &DAY_OF_MONTH, &MONTH, &DAY_OF_WEEK];
        shapes.map(|shape| self.field(shape)).join(" ")
    }

    /// An expression of five fields, or of six with seconds first.
    pub(super) fn cron_with_seconds(&mut self) -> String {
        let cron = self.cron();
        if self.percent(20) { format!("{} {cron}", self.field(&SECOND)) } else { cron }
    }

    fn field(&mut self, shape: &Shape) -> String {
        if self.percent(35) {
            return "*".to_owned();
        }
        let items = if self.percent(75) { 1 } else { 1 + self.below(3) };
        let items: Vec<String> = (0..items).map(|_| self.item(shape)).collect();
        items.join(",")
    }

    fn item(&mut self, shape: &Shape) -> String {
        if !shape.extensions.is_empty() && self.percent(25) {
            return self.one_of(shape.extensions).to_owned();
        }
        if !shape.words.is_empty() && self.percent(15) {
            return self.one_of(shape.words).to_owned();
        }
        let (a, b) = (self.between(shape), self.between(shape));
        let (a, b) = (a.min(b), a.max(b));
        let step = 1 + self.below(shape.high);
        match self.below(10) {
            0 | 1 => format!("*/{step}"),
            2 | 3 => format!("{a}-{b}"),
            4 => format!("{a}-{b}/{step}"),
            _ => a.to_string(),
        }
    }

    fn between(&mut self, shape: &Shape) -> u32 {
        self.0.gen_range(shape.low..=shape.high)
    }

    /// `text` with a few characters changed, most of them to ones that expressions have.
    pub(super) fn changed(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=self.below(3) {
            let place = usize::try_from(self.below(u32::try_from(bytes.len()).unwrap())).unwrap();
            let new = *b"0123456789**//,,--??LLWW##+ ANSUMO~H@".choose(&mut self.0).unwrap();
            match self.below(3) {
                0 if bytes.len() > 1 => drop(bytes.remove(place)),
                1 => bytes[place] = new,
                _ => bytes.insert(place, new),
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Up to 200 bytes of anything, as text.
    pub(super) fn bytes(&mut self) -> String {
        let mut bytes = vec![0_u8; usize::try_from(self.below(200)).unwrap()];
        self.0.fill(bytes.as_mut_slice());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// An instant from 1970 to 2100.
    pub(super) fn instant(&mut self) -> Timestamp {
        Timestamp::new(self.0.gen_range(FIRST..END), self.0.gen_range(0..1_000_000_000)).unwrap()
    }

    /// An instant later than `low` or equal to it, and earlier than `high`.
    pub(super) fn instant_between(&mut self, low: Timestamp, high: Timestamp) -> Timestamp {
        let nanosecond = self.0.gen_range(low.as_nanosecond()..high.as_nanosecond());
        Timestamp::from_nanosecond(nanosecond).unwrap()
    }

    /// An instant from 1970 to 2100, half of the time within two days of a change of offset.
    pub(super) fn instant_in(&mut self, zone: &TimeZone) -> Timestamp {
        let instant = self.instant();
        let change = zone.following(instant).next().filter(|_| self.percent(50));
        change.map_or(instant, |change| {
            let change = change.timestamp();
            self.instant_between(change - 48.hours(), change + 48.hours())
        })
    }
}

/// The zones that jiff bundles, by their IANA names.
pub(super) fn zones() -> Vec<String> {
    let bundled = TimeZoneDatabase::bundled();
    let mut out: Vec<String> = bundled.available().map(|name| name.as_str().to_owned()).collect();
    out.retain(|name| zone_named(name).is_ok());
    out.sort_unstable();
    assert!(out.len() > 590, "{} zones", out.len());
    out
}

/// What all draws begin with: `NIGHTSHIFT_SEED`, or the same on every day.
pub(super) fn seed() -> u64 {
    asked("NIGHTSHIFT_SEED").unwrap_or(20_260_105)
}

/// How many cases to draw: `NIGHTSHIFT_CASES`, or a number that a daily run has the time for.
pub(super) fn cases(daily: u64) -> u64 {
    asked("NIGHTSHIFT_CASES").unwrap_or(daily)
}
