//! What the service manager is told: ready, reloading, stopping, still alive.
//!
//! Speaks systemd's `sd_notify` protocol. Without a service manager every call does nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells the service manager how the daemon is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Supervisor;

impl Supervisor {
    /// Schedules are followed from now on.
    pub fn ready(self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// Nothing new is begun any more; this may take `timeout`.
    pub fn stopping(self, timeout: Duration) {
        let micros = u32::try_from(timeout.as_micros()).unwrap_or(u32::MAX);
        tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros)]);
    }

    /// The daemon lives, and looks after its schedules.
    pub fn alive(self) {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(error = %error, "the service manager was not reached");
    }
}
