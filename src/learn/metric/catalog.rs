//! The table of metrics: their ids, the tasks they are computed for, which values are better, and the text
//! that `explain`, the reference page and the web page show.
//!
//! A metric is in this table if and only if the function of its task computes it; a test holds the two
//! together.

use crate::domain::job::Task;

/// Something that can be asked of predictions whose truth is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name in TOML, JSON, messages and `explain`.
    pub id: &'static str,
    /// The tasks it is computed for.
    pub tasks: &'static [Task],
    /// Which values are better.
    pub direction: Direction,
    /// Which rows carry its evidence.
    pub rests_on: RestsOn,
    /// Markdown: what it is, its range, how to read it, where its interval comes from.
    pub explain: &'static str,
}

/// Which values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    HigherIsBetter,
    /// Less is better.
    LowerIsBetter,
    /// Zero is best, and less far from it is better.
    NearerToZeroIsBetter,
}

/// Which rows carry the evidence of a metric: how many of them there are says how sure it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestsOn {
    /// Those of each class: a class counts as much as any other, however few rows it has.
    EachClass,
    /// Those that are not of the most frequent class, since a constant does well on the others. Of two
    /// classes these are the rows of the rarer one.
    OtherClasses,
    /// All rows alike.
    Rows,
}

impl Direction {
    /// By how much `candidate` is better than `baseline`; negative if it is worse.
    pub fn gain(self, candidate: f64, baseline: f64) -> f64 {
        match self {
            Self::HigherIsBetter => candidate - baseline,
            Self::LowerIsBetter => baseline - candidate,
            Self::NearerToZeroIsBetter => baseline.abs() - candidate.abs(),
        }
    }
}

/// The metric called `id`.
pub fn find(id: &str) -> Option<&'static Metric> {
    METRICS.iter().copied().find(|metric| metric.id == id)
}

/// The metric by which models of `task` are judged if nobody says otherwise.
pub fn first_metric(task: Task) -> &'static Metric {
    match task {
        Task::Binary => &ROC_AUC,
        Task::Multiclass => &LOG_LOSS,
        Task::Regression => &RMSE,
    }
}

/// Every metric, in suggested reading order.
pub static METRICS: &[&Metric] = &[
    &ROC_AUC,
    &PR_AUC,
    &LOG_LOSS,
    &BRIER,
    &ECE,
    &ACCURACY,
    &PRECISION,
    &RECALL,
    &F1,
    &F1_MACRO,
    &RMSE,
    &MAE,
    &MEDIAN_ABSOLUTE_ERROR,
    &R2,
    &BIAS,
];

const CLASSES: &[Task] = &[Task::Binary, Task::Multiclass];

pub(super) static ROC_AUC: Metric = Metric {
    id: "roc_auc",
    tasks: CLASSES,
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::EachClass,
    explain: "Probability that a random positive row is scored above a random negative one, ties \
              counting one half. 0 to 1; 0.5 is chance. With more than two classes the mean over the \
              classes, each against the rest. Undefined if a class has no row. Interval: DeLong, DeLong \
              and Clarke-Pearson (1988); where the classes are separated perfectly, that of Wilson for the rows \
              of the rarest class.",
};

pub(super) static PR_AUC: Metric = Metric {
    id: "pr_auc",
    tasks: &[Task::Binary],
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::EachClass,
    explain: "Average precision: precision at every threshold, weighted by the recall it adds, without \
              interpolation. 0 to 1; chance is the share of positives, so compare only on slices with \
              the same share. Undefined without a positive row. Interval: Poisson bootstrap of rows, \
              500 replicates, percentiles.",
};

pub(super) static LOG_LOSS: Metric = Metric {
    id: "log_loss",
    tasks: CLASSES,
    direction: Direction::LowerIsBetter,
    rests_on: RestsOn::OtherClasses,
    explain: "Mean of minus the natural logarithm of the probability given to the class that came true. \
              From 0; certain and wrong costs 36.04 a row, because probabilities are clipped to \
              2.2e-16 from 0 and 1 as scikit-learn does. Interval: normal, from the rows' losses.",
};

pub(super) static BRIER: Metric = Metric {
    id: "brier",
    tasks: CLASSES,
    direction: Direction::LowerIsBetter,
    rests_on: RestsOn::OtherClasses,
    explain: "Mean squared difference between probability and outcome (Brier, 1950). 0 to 1 for two \
              classes, where only the positive one counts; with more the squares are summed over the \
              classes, 0 to 2. Interval: normal, from the rows' losses.",
};

pub(super) static ECE: Metric = Metric {
    id: "ece",
    tasks: &[Task::Binary],
    direction: Direction::LowerIsBetter,
    rests_on: RestsOn::OtherClasses,
    explain: "Expected calibration error: rows in ten equal-width bins of their probability, and the mean \
              over rows of the distance between a bin's mean probability and its share of positives. 0 to \
              1. No interval: on few rows the value itself is too high, and resampling adds to that.",
};

pub(super) static ACCURACY: Metric = Metric {
    id: "accuracy",
    tasks: CLASSES,
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::Rows,
    explain: "Share of rows whose decision came true: at or above the threshold, or with more than two \
              classes the likeliest class, the first of equals. 0 to 1. Interval: Wilson (1927).",
};

pub(super) static PRECISION: Metric = Metric {
    id: "precision",
    tasks: &[Task::Binary],
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::EachClass,
    explain: "Share of positives among the rows at or above the threshold. 0 to 1. Undefined if there is \
              no such row. Interval: Wilson (1927), given their number.",
};

pub(super) static RECALL: Metric = Metric {
    id: "recall",
    tasks: &[Task::Binary],
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::EachClass,
    explain: "Share of the positives that are at or above the threshold. 0 to 1. Undefined without a \
              positive row. Interval: Wilson (1927), given their number.",
};

pub(super) static F1: Metric = Metric {
    id: "f1",
    tasks: &[Task::Binary],
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::EachClass,
    explain: "Harmonic mean of precision and recall. 0 to 1; true negatives do not count. Undefined if no \
              row is positive or decided so. Interval: Wilson's for J = TP / (TP + FP + FN), a share of \
              rows, carried over by F1 = 2 J / (1 + J) (Hand, Christen and Kirielle, 2021).",
};

pub(super) static F1_MACRO: Metric = Metric {
    id: "f1_macro",
    tasks: &[Task::Multiclass],
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::EachClass,
    explain: "Mean of the F1 of each class against the rest, over the classes that occur or are \
              predicted, rare ones counting as much as frequent ones. 0 to 1. Interval: Poisson bootstrap \
              of rows, 500 replicates, percentiles.",
};

pub(super) static RMSE: Metric = Metric {
    id: "rmse",
    tasks: &[Task::Regression],
    direction: Direction::LowerIsBetter,
    rests_on: RestsOn::Rows,
    explain: "Square root of the mean squared error, in the unit of the label. From 0; large errors weigh \
              most. Interval: normal for the mean squared error, by the delta method for its root.",
};

pub(super) static MAE: Metric = Metric {
    id: "mae",
    tasks: &[Task::Regression],
    direction: Direction::LowerIsBetter,
    rests_on: RestsOn::Rows,
    explain: "Mean absolute error, in the unit of the label. From 0. Interval: normal.",
};

pub(super) static MEDIAN_ABSOLUTE_ERROR: Metric = Metric {
    id: "median_absolute_error",
    tasks: &[Task::Regression],
    direction: Direction::LowerIsBetter,
    rests_on: RestsOn::Rows,
    explain: "The absolute error that half of the rows stay below, in the unit of the label. From 0; a few \
              large errors do not move it. Interval: order statistics (Conover, 1999), for any \
              distribution, from 8 rows.",
};

pub(super) static R2: Metric = Metric {
    id: "r2",
    tasks: &[Task::Regression],
    direction: Direction::HigherIsBetter,
    rests_on: RestsOn::Rows,
    explain: "Share of the label's variance that the predictions explain: 1 - squared errors / squared \
              deviations from the mean label of these rows. Up to 1; 0 is as good as that mean, negative \
              is worse. Undefined if the label is constant. Interval: Poisson bootstrap of rows, 500 \
              replicates, percentiles.",
};

pub(super) static BIAS: Metric = Metric {
    id: "bias",
    tasks: &[Task::Regression],
    direction: Direction::NearerToZeroIsBetter,
    rests_on: RestsOn::Rows,
    explain: "Mean of prediction minus label, in the unit of the label; positive predicts too much. \
              Interval: normal.",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::policy;
    use crate::domain::job::rules::policy::METRICS_OF_TASKS;

    #[test]
    fn gates_name_metrics_of_this_table() {
        for (name, tasks) in METRICS_OF_TASKS {
            assert_eq!(find(name).map(|metric| metric.tasks), Some(*tasks), "{name}");
        }
        for task in Task::ALL {
            assert_eq!(first_metric(*task).id, policy::first_metric(*task));
        }
    }

    #[test]
    fn every_metric_is_found_by_its_id_and_explained() {
        for metric in METRICS {
            assert_eq!(find(metric.id), Some(*metric));
            assert!(!metric.tasks.is_empty() && metric.explain.len() > 40, "{}", metric.id);
        }
        assert_eq!(find("mape"), None);
    }

    #[test]
    fn a_gain_is_positive_where_the_candidate_is_better() {
        let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found}");
        close(Direction::HigherIsBetter.gain(0.8, 0.7), 0.1);
        close(Direction::LowerIsBetter.gain(0.8, 0.7), -0.1);
        close(Direction::NearerToZeroIsBetter.gain(-0.1, 0.3), 0.2);
    }
}
