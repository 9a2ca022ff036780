//! Exits with what the command line returns.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    nightshift::adapters::failpoint::arm();
    nightshift::app::cli::main()
}
