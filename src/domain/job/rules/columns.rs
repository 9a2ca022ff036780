//! The rules about columns: which may be which, and which names are taken by the scores.
//!
//! Whether a column exists is not known here; files are not read.

use std::ops::Range;

use crate::domain::job::problem::Faults;
use crate::domain::job::section::Section;
use crate::domain::job::words::shorten;

/// Columns that scoring writes itself.
const WRITTEN: &[&str] = &["score", "decision", "prediction", "model_version"];

pub(super) fn apply(job: &Section, faults: &mut Faults) {
    roles(job.section("data"), faults);
    features(job, faults);
    copied(job, faults);
}

/// A column has one role.
fn roles(data: &Section, faults: &mut Faults) {
    let roles = ["id", "time", "label", "weight"];
    for (at, role) in roles.iter().enumerate() {
        let Some(column) = data.text(role) else {
            continue;
        };
        let taken = roles[..at].iter().find(|earlier| data.text(earlier) == Some(column));
        if let Some(earlier) = taken {
            let message =
                format!("the column `{}` is `data.{earlier}` and `data.{role}`", shorten(column));
            let help = "give each a column of its own";
            faults.add_with_help(data.span(role), "column_clash", message, help);
        }
    }
}

fn features(job: &Section, faults: &mut Faults) {
    let features = job.section("features");
    let lists = ["numeric", "categorical"];
    if let Some(list) = lists.iter().find(|list| features.has(list) && features.has("exclude")) {
        let message = format!("`features.exclude` stands beside `features.{list}`");
        let help = "name the columns to use, or the columns to leave out";
        faults.add_with_help(features.key_span("exclude"), "features_form", message, help);
    }
    let are_empty = lists.iter().all(|list| features.list(list).is_empty());
    if let Some(list) = lists.iter().find(|list| features.has(list))
        && are_empty
        && faults.is_empty()
    {
        let message = "`[features]` names no column".to_owned();
        let help = "leave the lists out to use every column";
        faults.add_with_help(features.span(list), "features_form", message, help);
    }
    let numeric = features.texts("numeric");
    for (column, span) in features.texts("categorical") {
        if numeric.iter().any(|(other, _)| *other == column) {
            let message = format!("the column `{}` is numeric and categorical", shorten(column));
            faults.add_with_help(span, "column_clash", message, "leave it in one of the two lists");
        }
    }
    let weight = job.section("data").text("weight");
    for (column, span) in lists.iter().flat_map(|list| features.texts(list)) {
        if weight == Some(column) {
            let message = format!("the column `{}` is the weight and a feature", shorten(column));
            let help = "a weight says how much a row counts, and is not there when rows are scored; \
                        leave it out of the features";
            faults.add_with_help(span, "column_clash", message, help);
        }
    }
    let Some(label) = job.section("data").text("label") else {
        return;
    };
    let all = lists.iter().flat_map(|list| features.texts(list));
    for (_, span) in all.filter(|(column, _)| *column == label) {
        let message = format!("the column `{}` is the label and a feature", shorten(label));
        let help = "a model that sees the label learns nothing; leave it out of the features";
        faults.add_with_help(span, "label_is_feature", message, help);
    }
}

/// Columns that stand beside the scores need names of their own.
fn copied(job: &Section, faults: &mut Faults) {
    let data = job.section("data");
    let mut columns: Vec<(&str, Range<usize>)> = job.section("score").texts("columns");
    for (column, span) in &columns {
        if data.text("id") == Some(column) {
            let message =
                format!("the column `{}` is `data.id`, which is copied anyway", shorten(column));
            faults.add_with_help(span.clone(), "column_clash", message, "leave it out");
        }
    }
    columns.extend(data.text("id").map(|id| (id, data.span("id"))));
    let is_multiclass = job.section("model").text("task") == Some("multiclass");
    for (column, span) in columns {
        let is_class_score = is_multiclass && column.starts_with("score_");
        if WRITTEN.contains(&column) || is_class_score {
            let message = format!("the column `{}` is one that scoring writes", shorten(column));
            let help = "rename it where the data are made";
            faults.add_with_help(span, "column_clash", message, help);
        }
    }
}
