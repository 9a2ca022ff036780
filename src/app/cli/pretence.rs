//! What the environment pretends: variables that are there for tests, and work in every build.
//!
//! One line of a service file that was forgotten would stop the clock of a daemon, so whoever is under such a variable is
//! told, once. Tests, which are under them all the time, ask for silence by `NIGHTSHIFT_TEST`; `doctor` tells all the
//! same.

use crate::adapters::clock::Clock;
use crate::adapters::env::Environment;

/// What is not as it is, one fragment for each variable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pretences {
    found: Vec<String>,
    is_silent: bool,
}

impl Pretences {
    /// What `clock` and `environment` have been told.
    pub(crate) fn new(clock: Clock, environment: &Environment) -> Self {
        let mut found = Vec::new();
        match clock {
            Clock::System => {}
            Clock::Stopped(at) => {
                found.push(format!("`NIGHTSHIFT_NOW` is set: the clock stands still at {at}"));
            }
            Clock::Running { shown, real, speed } => found.push(format!(
                "`NIGHTSHIFT_NOW` is set: the clock showed {shown} at {real}, and runs {speed} times as fast as time"
            )),
        }
        if environment.seed.is_some() {
            let told =
                "`NIGHTSHIFT_SEED` is set: the names of runs are drawn from it, and may come again";
            found.push(told.to_owned());
        }
        Self { found, is_silent: environment.is_test }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[String] {
        &self.found
    }

    /// Those that a command tells before it does anything.
    pub(crate) fn told(&self) -> impl Iterator<Item = String> {
        let told = if self.is_silent { &[][..] } else { &self.found };
        told.iter().map(|found| format!("{found}; it is there for tests, unset it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pretended_is_told_unless_a_test_asks_for_silence() {
        let told = |clock, environment: &Environment| -> Vec<String> {
            Pretences::new(clock, environment).told().collect()
        };
        let plain = Environment::default();
        assert_eq!(told(Clock::System, &plain), Vec::<String>::new());
        let at = "2026-01-05T03:00:00Z".parse().unwrap();
        let found = told(Clock::Stopped(at), &plain);
        assert!(
            found[0].starts_with("`NIGHTSHIFT_NOW` is set: the clock stands still"),
            "{found:?}"
        );
        let running = Clock::Running { shown: at, real: at, speed: 60 };
        let seeded = Environment { seed: Some(7), ..Environment::default() };
        assert_eq!(told(running, &seeded).len(), 2);
        let silent = Environment { is_test: true, ..seeded };
        assert_eq!(told(running, &silent), Vec::<String>::new());
        assert_eq!(Pretences::new(running, &silent).all().len(), 2);
    }
}
