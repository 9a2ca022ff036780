//! What a prediction is the sum of: a base, and for each feature what it adds.

/// What the terms add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermScale {
    /// The prediction itself: a value, or the probability of each output.
    Prediction,
    /// The log odds of class 1.
    LogOdds,
    /// The log probability of each class, up to a constant that all classes share.
    LogShares,
}

/// The terms of the prediction of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// What they add up to.
    pub scale: TermScale,
    /// One for each output.
    pub outputs: Vec<OutputTerms>,
}

/// The terms of one output.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputTerms {
    /// What is there without any feature.
    pub base: f64,
    /// What each feature adds, in the order of the columns of a block.
    pub features: Vec<f64>,
}

impl OutputTerms {
    /// The base and everything that features add.
    pub fn sum(&self) -> f64 {
        self.base + self.features.iter().sum::<f64>()
    }
}
