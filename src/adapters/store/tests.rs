//! The store on real files: the whole life of runs and versions, and what must never happen.

/// Runs that a run causes.
mod chains;
/// Intent, end, correction, crash.
mod committing;
/// Slots, claims, fences.
mod fencing;
/// Values to test with.
mod fixture;
/// Listing, status, deletion.
mod listing;
/// Settings, migrations, damage.
mod opening;
/// What earlier runs were and said.
mod past;
/// Versions, aliases, history.
mod registry;
/// What keeps a rollback whole.
mod rollback;
/// Schedules and rulings on their ticks.
mod schedules;
/// Profiles and findings that go while their run stays.
mod thinning;
