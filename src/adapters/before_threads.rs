//! What is settled while the process has one thread: how the C library's allocator works, and how polars
//! shares work out among its threads.
//!
//! A pass over a table hands megabytes from thread to thread: some decode columns, others score and drop
//! them. With an arena for each thread, what is freed stays with the thread that has allocated it, and the
//! process grows for as long as the pass takes. With one arena for many, whoever allocates next takes it, while
//! it is still in the cache. Most small pieces do not queue for the arena: each thread has a cache of its own for
//! them.

/// About how many values of a row group polars gives one thread, where it decodes whole groups. By its own
/// default, 16 million, one thread decodes all of most row groups while the others wait for it.
const DECODE_VALUES: (&str, &str) = ("POLARS_PARQUET_DECODE_TARGET_VALUES_PER_THREAD", "1000000");

/// Processors that share an arena.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const CORES_PER_ARENA: usize = 8;

/// Settings of the allocator and their values.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ALLOCATOR: [(libc::c_int, libc::c_int); 3] = [
    // Columns of a batch come from the arena, whatever is larger from the kernel; glibc takes no more.
    (libc::M_MMAP_THRESHOLD, 32 << 20),
    // Memory that is kept although it is free, and how much is asked for beyond what is needed: little, because
    // a run with a limit must do without.
    (libc::M_TRIM_THRESHOLD, 64 << 20),
    (libc::M_TOP_PAD, 1 << 20),
];

/// Settles it, but for what the environment says already. A setting that the C library does not take costs
/// memory and time, and nothing else.
///
/// # Safety
/// The process has one thread: another one could allocate, or read the environment, meanwhile.
#[expect(unsafe_code, reason = "there is no safe way to set these")]
pub unsafe fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if !["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"].into_iter().any(is_set) {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let arenas = libc::c_int::try_from(cores.div_ceil(CORES_PER_ARENA)).unwrap_or(1);
        for (parameter, value) in ALLOCATOR.into_iter().chain([(libc::M_ARENA_MAX, arenas)]) {
            // SAFETY: takes two numbers, any of them, and nobody allocates meanwhile.
            let _taken = unsafe { libc::mallopt(parameter, value) };
        }
    }
    let (name, value) = DECODE_VALUES;
    if !is_set(name) {
        // SAFETY: nobody reads the environment meanwhile.
        unsafe { std::env::set_var(name, value) };
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "these variables are others', and nobody else reads them"
)]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}
