//! The environment of the process, read once, and the randomness that names things.
//!
//! Nobody else reads variables, but the clock its own. What comes from here is a typed value or an error
//! that names the variable. With `NIGHTSHIFT_SEED`, a hidden variable for tests, names are drawn from
//! the seed and from what they name, so that a test sees the same names each time.

use std::ffi::OsString;
use std::path::PathBuf;

use rand::RngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};

/// What the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `NIGHTSHIFT_PROJECT`: the project root.
    pub project: Option<PathBuf>,
    /// `NIGHTSHIFT_SEED`: where names are drawn from.
    pub seed: Option<u64>,
    /// `NIGHTSHIFT_TEST`: a test knows what it pretends, and need not be told.
    pub is_test: bool,
    /// What the variables about colour ask for.
    pub color: ColorWish,
    /// `COLUMNS`: the width of the terminal in characters.
    pub columns: Option<u16>,
}

/// What the environment wants of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColorWish {
    /// Nothing is said: colours on a terminal.
    #[default]
    Auto,
    /// `NO_COLOR` is set.
    Never,
    /// `CLICOLOR_FORCE` is set, and not to 0.
    Always,
}

/// What is wrong with the environment, or with the machine's randomness.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// A variable does not hold a number.
    #[error("variable `{variable}` holds `{found}`, wanted a whole number from 0 to {max}")]
    NotANumber {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        found: String,
        /// The largest number it may hold.
        max: u64,
    },
    /// The machine gives no random bits.
    #[error("failed to draw random bits from the machine")]
    NoRandomness(#[source] rand::Error),
}

impl Environment {
    /// Reads the variables of the process.
    pub fn read() -> Result<Self, EnvError> {
        #[expect(clippy::disallowed_methods, reason = "this is the reader of the environment")]
        Self::from_variables(std::env::var_os)
    }

    fn from_variables(
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self, EnvError> {
        // An empty variable counts as one that is not set: https://no-color.org says so of its own.
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let color = if set("NO_COLOR").is_some() {
            ColorWish::Never
        } else if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            ColorWish::Always
        } else {
            ColorWish::Auto
        };
        Ok(Self {
            project: set("NIGHTSHIFT_PROJECT").map(PathBuf::from),
            seed: set("NIGHTSHIFT_SEED")
                .map(|value| number("NIGHTSHIFT_SEED", &value, u64::MAX))
                .transpose()?,
            is_test: set("NIGHTSHIFT_TEST").is_some(),
            color,
            // A terminal's business: a width that makes no sense is no reason to fail.
            columns: set("COLUMNS").and_then(|value| value.to_str()?.parse().ok()),
        })
    }

    /// Bits for the name of `subject`, a text that no two things share: job, kind, tick and revision of
    /// a run, say. Only a seeded environment looks at it.
    pub fn random_bits(&self, subject: &str) -> Result<u128, EnvError> {
        let mut bytes = [0; 16];
        match self.seed {
            Some(seed) => {
                let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(subject);
                bytes.copy_from_slice(&digest.finalize()[..16]);
            }
            None => OsRng.try_fill_bytes(&mut bytes).map_err(EnvError::NoRandomness)?,
        }
        Ok(u128::from_le_bytes(bytes))
    }
}

fn number(variable: &'static str, value: &OsString, max: u64) -> Result<u64, EnvError> {
    let found = value.to_string_lossy();
    let not_a_number = || EnvError::NotANumber { variable, found: found.clone().into_owned(), max };
    found.parse().ok().filter(|number| *number <= max).ok_or_else(not_a_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Environment, EnvError> {
        Environment::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn variables_become_values() {
        let found = environment(&[
            ("NIGHTSHIFT_PROJECT", "/a b"),
            ("NIGHTSHIFT_SEED", "7"),
            ("COLUMNS", "100"),
        ])
        .unwrap();
        assert_eq!(found.project, Some(PathBuf::from("/a b")));
        assert_eq!((found.seed, found.columns), (Some(7), Some(100)));
        assert_eq!(environment(&[]).unwrap(), Environment::default());
    }

    #[test]
    fn a_seed_that_is_no_number_is_named() {
        for value in ["x", "-1", "1.5", "18446744073709551616"] {
            let error = environment(&[("NIGHTSHIFT_SEED", value)]).unwrap_err().to_string();
            assert!(error.contains("NIGHTSHIFT_SEED") && error.contains(value), "{error}");
        }
    }

    #[test]
    fn wishes_about_colour() {
        let wish = |variables: &[_]| environment(variables).unwrap().color;
        assert_eq!(wish(&[("NO_COLOR", "")]), ColorWish::Auto);
        assert_eq!(wish(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), ColorWish::Never);
        assert_eq!(wish(&[("CLICOLOR_FORCE", "0")]), ColorWish::Auto);
        assert_eq!(wish(&[("CLICOLOR_FORCE", "1")]), ColorWish::Always);
    }

    #[test]
    fn seeded_names_differ_by_what_they_name() {
        let seeded = environment(&[("NIGHTSHIFT_SEED", "7")]).unwrap();
        let bits = |subject| seeded.random_bits(subject).unwrap();
        assert_eq!(bits("churn/0"), bits("churn/0"));
        assert_ne!(bits("churn/0"), bits("churn/1"));
        let unseeded = Environment::default();
        assert_ne!(unseeded.random_bits("a").unwrap(), unseeded.random_bits("a").unwrap());
    }
}
