//! Exits with what the command line returns.

use std::process::ExitCode;

// glibc's own does better once it is set up, see `before_threads`.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(unsafe_code, reason = "see SAFETY")]
fn main() -> ExitCode {
    // SAFETY: nothing has started a thread yet.
    unsafe { nightshift::adapters::before_threads::settle() };
    nightshift::adapters::failpoint::arm();
    nightshift::app::cli::main()
}
