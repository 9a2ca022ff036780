//! `drift.reference`: the same days are judged against the training rows or against earlier days.

use super::{night, told, world};
use crate::customers::Like::{Moved, Usual};

/// Verdict and message about the table as a whole, of the nights from the 4th on.
#[track_caller]
fn check(reference: &str, against: &str, wanted: &[&str]) {
    // From the 3rd of January on, a Saturday; the tick of a day covers the day before.
    let days = [Usual, Moved, Moved, Moved, Moved, Usual, Usual, Moved, Moved];
    let sandbox = world(&format!("[drift]\nthen = \"report\"\nreference = {reference}"), &days);
    for (day, wanted) in (4..).zip(wanted) {
        let run = night(&sandbox, day, 0);
        let found = told(&run, "drift", "data");
        assert_eq!((found.len(), found[0].0), (1, *wanted), "day {day}: {found:?}");
        let is_compared = *wanted != "inconclusive";
        assert!(!is_compared || found[0].1.contains(against), "{found:?}");
        let all = told(&run, "drift", "domain_classifier");
        assert_eq!(all.len(), 1, "day {day}: {all:?}");
        assert!(all[0].1.contains("the 800 training rows"), "{all:?}");
        let is_other = reference != "\"training\"";
        assert_eq!(all[0].1.contains("since earlier ticks keep no rows"), is_other, "{all:?}");
    }
}

#[test]
fn the_training_rows_are_the_same_every_night() {
    let wanted = ["pass", "fail", "fail", "fail", "fail", "pass", "pass", "fail", "fail"];
    check("\"training\"", "the 800 training rows", &wanted);
}

#[test]
fn the_previous_tick_notices_every_change_once() {
    let wanted = ["pass", "fail", "pass", "pass", "pass", "fail", "pass", "fail", "pass"];
    check("\"previous\"", "the previous tick (1 of them)", &wanted);
}

#[test]
fn a_rolling_span_gets_used_to_what_lasts() {
    // Of the two days before the 6th one had moved.
    let wanted = ["pass", "fail", "fail", "pass", "pass"];
    check("{ rolling = \"2d\" }", "the ticks of the rolling span", &wanted);
}

#[test]
fn the_same_weekday_is_a_week_ago() {
    // Ticks of the 10th to the 12th are compared with those of the 3rd to the 5th; before, there are none.
    let none = "inconclusive";
    let wanted = [none, none, none, none, none, none, "pass", "fail", "pass"];
    check("\"same_weekday\"", "earlier ticks of the same weekday (1 of them)", &wanted);
}
