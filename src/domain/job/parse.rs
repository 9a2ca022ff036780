//! From the text of a job file to a [`Job`], or to every problem in it.
//!
//! Three steps, each of which knows nothing of the next: bytes to TOML ([`document`]), TOML to checked
//! values by the table of keys ([`reader`](crate::domain::job::reader)), checked values to what they must
//! be together ([`rules`]). Only where none of them found a fault is a job made. Problems between files
//! are found last.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use crate::domain::job::keys::root::JOB;
use crate::domain::job::outputs::Outputs;
use crate::domain::job::problem::{Faults, Problem};
use crate::domain::job::reader::Reader;
use crate::domain::job::rules::Schedules;
use crate::domain::job::rules::output::refusal_below_roots;
use crate::domain::job::{Job, build, document, rules};

/// Reads one job file; the error holds every problem of the file, at least one.
pub fn parse(file: &str, text: &[u8]) -> Result<Job, Vec<Problem>> {
    read(file, text).map(|read| read.job)
}

/// Reads the job files of a project: the jobs without a problem, in the order of the files, and every
/// problem of every file, also those that lie between two files or between a file and the project, whose
/// `data_roots` hold the absolute paths.
pub fn parse_all(
    files: &[(String, Vec<u8>)],
    data_roots: &[PathBuf],
) -> (Vec<(String, Job)>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut jobs = Vec::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    let mut outputs = Outputs::default();
    for (file, bytes) in files {
        let Read { job, name, output } = match read(file, bytes) {
            Ok(read) => read,
            Err(mut found) => {
                problems.append(&mut found);
                continue;
            }
        };
        let mut faults = Faults::default();
        if let Some(other) = names.get(job.name.as_str()) {
            let message = format!("the name `{}` is taken by `{other}`", job.name);
            let help = "give each job a name of its own";
            faults.add_with_help(name, "name_taken", message, help);
        }
        let place = &job.score.output;
        if let Some((message, help)) = refusal_below_roots(place, data_roots) {
            let message = format!("`score.output` = `\"{place}\"` {message}");
            faults.add_with_help(output.clone(), "output_form", message, help);
        }
        if let Some(clash) = outputs.add(place, file) {
            let help = "give each job a folder of its own, such as `\"scores/<job>\"`";
            faults.add_with_help(output, "output_taken", clash.told(place), help);
        }
        names.entry(job.name.to_string()).or_insert(file);
        if faults.is_empty() {
            jobs.push((file.clone(), job));
        } else {
            problems.append(&mut faults.into_problems(file, bytes));
        }
    }
    (jobs, problems)
}

/// A job, and where its file says what must not be said twice.
struct Read {
    job: Job,
    name: Range<usize>,
    output: Range<usize>,
}

fn read(file: &str, bytes: &[u8]) -> Result<Read, Vec<Problem>> {
    let mut faults = Faults::default();
    let Some(document) = document::read(bytes, &mut faults) else {
        return Err(faults.into_problems(file, bytes));
    };
    let mut reader = Reader::new(document.text, JOB, "a job file");
    let section = reader.file(&document.table);
    faults.append(document.without_consequences(reader.faults));
    let schedules = if document.is_sound() {
        rules::apply(&section, &mut faults)
    } else {
        Schedules::default()
    };
    if !faults.is_empty() {
        return Err(faults.into_problems(file, bytes));
    }
    let Some(job) = build::job(&section, schedules) else {
        unreachable!("a value is absent only where a fault says why")
    };
    let output = section.section("score").span("output");
    Ok(Read { job, name: section.span("name"), output })
}

#[cfg(test)]
mod tests;
