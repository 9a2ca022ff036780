//! The judgement of a whole table: every column measured, p-values corrected together, one verdict each.
//!
//! All columns are judged, none stops another, and what could not be compared is said with its reason.
//! The rule itself is `domain::drift`'s.

use rayon::prelude::*;

use super::adjust::benjamini_hochberg;
use super::evidence::{is_enough, p_value};
use super::{Cell, ColumnPair, DriftTest, Mismatch, Shift};
use crate::domain::drift::{ColumnVerdict, DataVerdict, Limits, column_verdict, data_verdict};
use crate::learn::profile::CellKind;

/// What a column is to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An input.
    Feature,
    /// The column to learn, where its values are known already.
    Label,
    /// What the model said.
    Score,
}

/// One column to be judged.
pub struct Question<'a> {
    /// Its name.
    pub column: String,
    /// What it is to the model.
    pub subject: Subject,
    /// Its share in all that moves the score, 0 to 1; `None` if that is not known, or it is no feature.
    pub importance: Option<f64>,
    /// What its reference holds.
    pub kind: CellKind,
    /// The column and its reference, or why there is no such pair.
    pub pair: Result<ColumnPair<'a>, Mismatch>,
    /// How the effect is measured; the first test that accepts the column decides, the rest only tell.
    pub tests: Vec<&'static dyn DriftTest>,
    /// The smallest effect that counts, in the unit of the first test.
    pub floor: f64,
}

/// What holds for all columns together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The largest adjusted p-value that counts as evidence, 0 to 1.
    pub alpha: f64,
    /// The share of drifted columns from which on the table has drifted, 0 to 1.
    pub share: f64,
    /// A column with fewer rows on either side is not judged.
    pub rows_min: u64,
}

/// What was found of a table, columns in the order they were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftReport {
    /// One entry a column.
    pub columns: Vec<ColumnDrift>,
    /// The rule it was judged by.
    pub rule: Rule,
    /// The share of drifted and broken columns among those judged; `None` if none was.
    pub share: Option<f64>,
    /// What the share says.
    pub verdict: DataVerdict,
}

/// What was found of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDrift {
    /// Its name.
    pub column: String,
    /// What it is to the model.
    pub subject: Subject,
    /// Its share in all that moves the score, 0 to 1; `None` if that is not known, or it is no feature.
    pub importance: Option<f64>,
    /// What its reference holds.
    pub kind: CellKind,
    /// Rows of both sides.
    pub rows: Cell,
    /// Every test that was asked for and accepts the column, the deciding one first.
    pub measured: Vec<Measured>,
    /// The smallest effect that counts.
    pub floor: f64,
    /// The evidence, 0 to 1; `None` where there is nothing to compare.
    pub p_value: Option<f64>,
    /// The same, corrected over the columns of the table.
    pub p_adjusted: Option<f64>,
    /// What effect and evidence say.
    pub verdict: ColumnVerdict,
    /// Why the column is broken.
    pub broken: Option<String>,
}

/// What one test measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The test.
    pub test: &'static str,
    /// The size of the difference; `None` where a side has no value that the test looks at.
    pub shift: Option<Shift>,
    /// The p-value that is told with it, 0 to 1: of `ks` that of the finite values, else the evidence of
    /// the column.
    pub p_value: Option<f64>,
}

impl Subject {
    /// The word in JSON and text.
    pub fn id(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Label => "label",
            Self::Score => "score",
        }
    }
}

impl ColumnDrift {
    /// The effect that decides; 0 where there is nothing to compare.
    pub fn effect(&self) -> f64 {
        self.measured.first().and_then(|first| first.shift).map_or(0.0, |shift| shift.effect)
    }

    /// How bad it is, for lists with the worst first: the verdict, then the effect in floors times the
    /// importance, then the effect in floors alone.
    ///
    /// A broken column has no effect and counts as one floor. Label and score count in full, as a feature
    /// would that alone moves the score: what they do needs no detour through the model. Where importances
    /// are not known, every column counts in full.
    fn badness(&self) -> (u8, f64, f64) {
        let floors = self.effect() / self.floor.max(f64::MIN_POSITIVE);
        let (rank, size) = match self.verdict {
            ColumnVerdict::Broken => (3, 1.0),
            ColumnVerdict::Drifted => (2, floors),
            ColumnVerdict::Stable => (1, floors),
            ColumnVerdict::InsufficientData => (0, floors),
        };
        (rank, size * self.importance.unwrap_or(1.0), floors)
    }
}

impl DriftReport {
    /// The columns, the worst first.
    pub fn worst_first(&self) -> Vec<&ColumnDrift> {
        let mut out: Vec<&ColumnDrift> = self.columns.iter().collect();
        out.sort_by(|a, b| {
            let (a, b) = (a.badness(), b.badness());
            b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(b.2.total_cmp(&a.2))
        });
        out
    }
}

/// Judges every column. Questions that are made on demand are dropped as soon as they are answered, so
/// that raw columns need not be paired all at once.
pub fn judge<'a>(
    questions: impl IntoParallelIterator<Item = Question<'a>>,
    rule: Rule,
) -> DriftReport {
    let mut columns: Vec<ColumnDrift> =
        questions.into_par_iter().map(|question| measure(question, rule)).collect();
    // What is not judged does not make the others' evidence weaker.
    let is_judged =
        |column: &ColumnDrift| !matches!(column.verdict, ColumnVerdict::InsufficientData);
    let p_values: Vec<Option<f64>> =
        columns.iter().map(|column| column.p_value.filter(|_| is_judged(column))).collect();
    for (column, p_adjusted) in columns.iter_mut().zip(benjamini_hochberg(&p_values)) {
        column.p_adjusted = p_adjusted;
        if column.verdict == ColumnVerdict::Stable {
            let limits = Limits { floor: column.floor, alpha: rule.alpha };
            column.verdict = column_verdict(column.effect(), p_adjusted.unwrap_or(1.0), limits);
        }
    }
    let verdicts: Vec<ColumnVerdict> = columns.iter().map(|column| column.verdict).collect();
    let (share, verdict) = data_verdict(&verdicts, rule.share);
    DriftReport { columns, rule, share, verdict }
}

/// Measures one column; `Stable` stands for a verdict that is still to be made.
fn measure(question: Question<'_>, rule: Rule) -> ColumnDrift {
    let Question { column, subject, importance, kind, pair, tests, floor } = question;
    let mut out = ColumnDrift {
        column,
        subject,
        importance,
        kind,
        rows: Cell::default(),
        measured: Vec::new(),
        floor,
        p_value: None,
        p_adjusted: None,
        verdict: ColumnVerdict::Broken,
        broken: None,
    };
    let pair = match pair {
        Ok(pair) => pair,
        // A handful of rows may well have no value by chance.
        Err(Mismatch::AllNull { rows }) if rows < rule.rows_min => {
            out.rows.current = rows;
            out.verdict = ColumnVerdict::InsufficientData;
            return out;
        }
        Err(Mismatch::NoReference) => {
            out.verdict = ColumnVerdict::InsufficientData;
            return out;
        }
        Err(mismatch) => {
            out.broken = Some(mismatch.to_string());
            return out;
        }
    };
    let fitting: Vec<_> = tests.iter().filter(|test| test.accepts(kind)).collect();
    if let ([], Some(test)) = (fitting.as_slice(), tests.first()) {
        // A fault of the job and not of the data.
        out.verdict = ColumnVerdict::InsufficientData;
        out.broken = Some(format!("the test `{}` does not compare {kind}", test.id()));
        return out;
    }
    out.rows = pair.rows();
    out.p_value = p_value(&pair);
    out.measured = fitting
        .into_iter()
        .map(|test| Measured {
            test: test.id(),
            shift: test.measure(&pair),
            p_value: test.p_value(&pair, out.p_value),
        })
        .collect();
    let is_enough = is_enough(out.rows, rule.rows_min);
    out.verdict = if is_enough { ColumnVerdict::Stable } else { ColumnVerdict::InsufficientData };
    out
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::frame::{Cells, Numbers};
    use crate::learn::drift::TESTS;

    const RULE: Rule = Rule { alpha: 0.01, share: 0.3, rows_min: 100 };

    fn column(rows: u32, shift: f64) -> Cells<'static> {
        let values: Vec<f64> =
            (0..rows).map(|row| f64::from((37 * row) % rows) / f64::from(rows) + shift).collect();
        Cells::Number(Numbers { values: Cow::Owned(values), nulls: Vec::new() })
    }

    fn question(name: &str, tonight: &Cells<'_>) -> Question<'static> {
        Question {
            column: name.to_owned(),
            subject: Subject::Feature,
            importance: None,
            kind: CellKind::Number,
            pair: ColumnPair::of(&column(1000, 0.0), tonight),
            tests: TESTS.to_vec(),
            floor: 0.1,
        }
    }

    #[test]
    fn every_column_has_one_of_four_verdicts() {
        let texts = Cells::text(vec![Some("x"); 500]);
        let questions = vec![
            question("same", &column(500, 0.0)),
            question("moved", &column(500, 0.5)),
            question("few", &column(50, 0.5)),
            question("other", &texts),
        ];
        let found = judge(questions, RULE);
        let verdicts: Vec<&str> = found.columns.iter().map(|column| column.verdict.id()).collect();
        assert_eq!(verdicts, ["stable", "drifted", "insufficient_data", "broken"]);
        assert_eq!(found.columns[3].broken.as_deref(), Some("found texts, wanted numbers"));
        assert_eq!(found.share, Some(2.0 / 3.0));
        let worst: Vec<&str> =
            found.worst_first().iter().map(|column| column.column.as_str()).collect();
        assert_eq!(worst, ["other", "moved", "same", "few"]);
        // The column with too few rows does not weaken the evidence of the others.
        let moved = &found.columns[1];
        assert_eq!(moved.p_adjusted, moved.p_value.map(|p| (2.0 * p).min(1.0)));
        let measures: Vec<&str> = moved.measured.iter().map(|measured| measured.test).collect();
        assert_eq!(measures, ["psi", "ks", "jensen_shannon", "wasserstein"]);
    }

    #[test]
    fn what_moves_the_score_ranks_first() {
        use Subject::{Feature, Score};
        let ranked = |columns: &[(&str, f64, Option<f64>, Subject)]| {
            let questions: Vec<Question<'_>> = columns
                .iter()
                .map(|(name, shift, importance, subject)| Question {
                    importance: *importance,
                    subject: *subject,
                    ..question(name, &column(500, *shift))
                })
                .collect();
            let found = judge(questions, RULE);
            let order = found.worst_first().into_iter().map(|column| column.column.clone());
            order.collect::<Vec<_>>().join(" ")
        };
        let known = [
            ("unused", 0.6, Some(0.0), Feature),
            ("more", 0.5, Some(0.1), Feature),
            ("less", 0.3, Some(0.9), Feature),
            ("unused_too", 0.4, Some(0.0), Feature),
            ("score", 0.5, None, Score),
            ("same", 0.0, Some(0.9), Feature),
        ];
        assert_eq!(ranked(&known), "score less more unused unused_too same");
        let unknown = known.map(|(name, shift, _, subject)| (name, shift, None, subject));
        assert_eq!(ranked(&unknown), "unused more score unused_too less same");
    }

    #[test]
    fn a_test_that_does_not_fit_is_told() {
        let mut asked = question("x", &column(500, 0.0));
        asked.tests = vec![crate::learn::drift::find("chi_square").unwrap()];
        let found = judge(vec![asked], RULE);
        let told = found.columns[0].broken.as_deref();
        assert_eq!(told, Some("the test `chi_square` does not compare numbers"));
    }
}
