//! Logistic regression that learns row by row, and goes on from what it has learned: FTRL-Proximal.
//!
//! Algorithm 1 of McMahan and others, *Ad click prediction: a view from the trenches* (KDD 2013), with a learning
//! rate for each weight. Learning rows, and later more rows, gives the very bytes of learning all of them at once
//! in that order. linfa-ftrl is not used: it starts from random weights, takes a whole table for one step, has no
//! intercept and no weights, and rounds each probability to f32; the tests in `traps` show it, and that the
//! two agree otherwise.

use linfa::ParamGuard;
use linfa::traits::{Fit, FitWith};
use serde::{Deserialize, Serialize};

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Block, Design, Scaling, Slot};
use crate::learn::model::weighted_sum::{Link, WeightedSum};
use crate::learn::model::{
    ABOVE_ZERO, ClassTarget, FROM_ZERO, FitError, FittedModel, Kind, Model, Target, Terms,
    Training, check_range, kernel,
};

/// Against linfa-ftrl.
#[cfg(test)]
mod traps;

const ID: &str = "ftrl";

/// Logistic regression that learns row by row.
#[derive(Debug)]
pub(super) struct Ftrl;

impl Kind for Ftrl {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# ftrl\n\n\
         Logistic regression that learns row by row (\"follow the regularised leader\", proximal). For `binary`. It \
         looks at every row once, oldest first where the split is by time, and a later training goes on from the \
         champion: only rows newer than all that the champion has learned are learned, and the result is the same \
         as if all had been learned at once.\n\n\
         | parameter | meaning | default |\n|---|---|---|\n\
         | `alpha` | the learning rate of a weight that has not learned yet, above 0 | 0.1 |\n\
         | `beta` | holds the first steps back: the rate is alpha / (beta + the root of the sum of squared gradients) | 1.0 |\n\
         | `l1` | the weight of a penalty that sets weights to 0 | 0.0 |\n\
         | `l2` | the weight of a penalty on large weights | 0.0 |\n\n\
         A lower `alpha` follows the newest rows less, which ranks worse where the world changes, and makes \
         probabilities steadier. \
         It goes on from the champion if that is of this kind, with the same parameters, features and classes, the \
         split is by time, and there is no `[train.search]`; otherwise it begins anew, and says why. What was \
         learned of scales and categories stays that of the first training. `model.calibrate` is refused: it would \
         need models of folds, which have not learned what the champion has."
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Binary]
    }

    fn scaling(&self) -> Scaling {
        Scaling::Standard
    }

    fn learns_in_order(&self) -> bool {
        true
    }

    fn fit(
        &self,
        params: &ModelParams,
        training: &Training<'_>,
        _seed: u64,
    ) -> Result<FittedModel, FitError> {
        let state = FtrlParams(Rates::of(params)?).fit(training)?;
        Ok(FittedModel { model: Box::new(Learned::new(state)), warnings: Vec::new() })
    }

    fn resume(
        &self,
        params: &ModelParams,
        before: &dyn Model,
        training: &Training<'_>,
    ) -> Option<Result<FittedModel, FitError>> {
        let rates = Rates::of(params).ok()?;
        let before: State = postcard::from_bytes(&before.encode().ok()?).ok()?;
        if before.rates != rates || before.width() != training.records().width() {
            return None;
        }
        let state = FtrlParams(rates).check().and_then(|rates| rates.fit_with(before, training));
        Some(state.map(|state| FittedModel {
            model: Box::new(Learned::new(state)),
            warnings: Vec::new(),
        }))
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        let state: State = postcard::from_bytes(bytes).ok()?;
        let width: usize = slots.iter().map(|slot| slot.width()).sum();
        let is_sound = outputs == 1
            && FtrlParams(state.rates).check_ref().is_ok()
            && state.leanings.len() == width + 1
            && state.squares.len() == width + 1
            && state.leanings.iter().all(|part| part.is_finite())
            && state.squares.iter().all(|part| part.is_finite() && *part >= 0.0);
        let model = is_sound.then(|| Learned::new(state))?;
        model.sum.is_finite().then(|| Box::new(model) as Box<dyn Model>)
    }
}

/// Parameters as the job file has them.
#[derive(Debug, Clone, Copy)]
struct FtrlParams(Rates);

/// Parameters in their ranges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Rates {
    alpha: f64,
    beta: f64,
    l1: f64,
    l2: f64,
}

impl Rates {
    fn of(params: &ModelParams) -> Result<Self, FitError> {
        match *params {
            ModelParams::Ftrl { alpha, beta, l1, l2 } => Ok(Self { alpha, beta, l1, l2 }),
            _ => Err(FitError::Unfit { kind: ID }),
        }
    }

    /// The weight that follows from what was learned; `is_penalised` for all but the intercept.
    fn weight(&self, leaning: f64, squares: f64, is_penalised: bool) -> f64 {
        let (l1, l2) = if is_penalised { (self.l1, self.l2) } else { (0.0, 0.0) };
        if leaning.abs() <= l1 {
            return 0.0;
        }
        (leaning.signum() * l1 - leaning) / ((self.beta + squares.sqrt()) / self.alpha + l2)
    }
}

impl ParamGuard for FtrlParams {
    type Checked = Rates;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Rates, FitError> {
        let Rates { alpha, beta, l1, l2 } = self.0;
        check_range(ID, "alpha", alpha, ABOVE_ZERO, "more than 0")?;
        for (name, found) in [("beta", beta), ("l1", l1), ("l2", l2)] {
            check_range(ID, name, found, FROM_ZERO, "0 or more")?;
        }
        Ok(&self.0)
    }

    fn check(self) -> Result<Rates, FitError> {
        self.check_ref().copied()
    }
}

/// What was learned: one entry for each matrix column, and the last for the intercept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    rates: Rates,
    /// z: the sum of gradients, less what the weights have made of them.
    leanings: Vec<f64>,
    /// n: the sum of squared gradients.
    squares: Vec<f64>,
}

impl<'a> Fit<&'a Design, Target<'a>, FitError> for Rates {
    type Object = State;

    fn fit(&self, training: &Training<'a>) -> Result<State, FitError> {
        let entries = training.records().width() + 1;
        let (leanings, squares) = (vec![0.0; entries], vec![0.0; entries]);
        self.fit_with(State { rates: *self, leanings, squares }, training)
    }
}

impl<'a> FitWith<'a, &'a Design, Target<'a>, FitError> for Rates {
    type ObjectIn = State;
    type ObjectOut = State;

    fn fit_with(&self, mut state: State, training: &Training<'a>) -> Result<State, FitError> {
        let design = *training.records();
        let index = match *training.targets() {
            Target::Classes(ClassTarget { index, outputs: 1, .. })
                if index.len() == design.rows() =>
            {
                index
            }
            _ => return Err(FitError::Unfit { kind: ID }),
        };
        if let Some(column) = design.first_not_finite() {
            return Err(FitError::NotFinite { column: column.to_owned() });
        }
        let sparse = SparseRows::of(design);
        let mut row_entries = Vec::new();
        for (row, class) in index.iter().enumerate() {
            sparse.read(row, &mut row_entries);
            // As it was given: a mean would depend on how rows come in portions.
            let weight = design.given_weights().map_or(1.0, |weights| weights[row]);
            state.learn(&mut row_entries, f64::from(*class), weight);
        }
        Ok(state)
    }
}

/// A matrix row by row, without the zeros of categories.
struct SparseRows<'a> {
    numbers: Vec<(usize, &'a [f64])>,
    /// For each category feature the matrix column of each row, if it has one.
    levels: Vec<Vec<Option<usize>>>,
}

/// An entry of a row: the matrix column, the value there, and the weight as it is before the row is learned.
type Entry = (usize, f64, f64);

impl<'a> SparseRows<'a> {
    fn of(design: &'a Design) -> Self {
        let mut out = Self { numbers: Vec::new(), levels: Vec::new() };
        for slot in design.slots() {
            match *slot {
                Slot::Number { column } | Slot::Code { column, .. } => {
                    out.numbers.push((column, design.column(column)));
                }
                Slot::Levels { first, count } => {
                    let mut columns = vec![None; design.rows()];
                    for column in first..first + count {
                        for (place, value) in columns.iter_mut().zip(design.column(column)) {
                            if *value > 0.0 {
                                *place = Some(column);
                            }
                        }
                    }
                    out.levels.push(columns);
                }
            }
        }
        out
    }

    fn read(&self, row: usize, out: &mut Vec<Entry>) {
        out.clear();
        out.extend(self.numbers.iter().map(|(column, values)| (*column, values[row], 0.0)));
        let levels = self.levels.iter().filter_map(|columns| columns[row]);
        out.extend(levels.map(|column| (column, 1.0, 0.0)));
    }
}

impl State {
    fn width(&self) -> usize {
        self.leanings.len().saturating_sub(1)
    }

    fn weight(&self, place: usize) -> f64 {
        self.rates.weight(self.leanings[place], self.squares[place], place < self.width())
    }

    /// Learns one row, whose class is 0 or 1.
    fn learn(&mut self, entries: &mut Vec<Entry>, class: f64, row_weight: f64) {
        entries.push((self.width(), 1.0, 0.0));
        let mut margin = 0.0;
        for (place, value, weight) in entries.iter_mut() {
            *weight = self.weight(*place);
            margin += *weight * *value;
        }
        let error = (kernel::logistic(margin).0 - class) * row_weight;
        for (place, value, weight) in entries.iter() {
            let gradient = error * value;
            let before = self.squares[*place];
            let after = before + gradient * gradient;
            let step = (after.sqrt() - before.sqrt()) / self.rates.alpha;
            self.leanings[*place] += gradient - step * weight;
            self.squares[*place] = after;
        }
    }
}

/// What was learned, and the weights that follow from it.
#[derive(Debug)]
struct Learned {
    state: State,
    sum: WeightedSum,
}

impl Learned {
    fn new(state: State) -> Self {
        let weights = (0..state.width()).map(|place| state.weight(place)).collect();
        let intercepts = vec![state.weight(state.width())];
        Self { sum: WeightedSum { link: Link::Logistic, intercepts, weights }, state }
    }
}

impl Model for Learned {
    fn predict(&self, block: &Block, out: &mut [f64]) {
        self.sum.predict(block, out);
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(&self.state)
    }

    fn weights(&self) -> Option<Vec<(f64, Vec<f64>)>> {
        self.sum.weights()
    }

    fn terms(&self, block: &Block) -> Terms {
        self.sum.terms(block)
    }
}
