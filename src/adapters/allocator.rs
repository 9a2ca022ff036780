//! How the C library's allocator deals with what one thread allocates and another one frees.
//!
//! A pass over a table hands megabytes from thread to thread: polars decodes columns on its threads, others
//! score and drop them. With an arena for each thread, what is freed stays with the thread that has
//! allocated it, and the process grows for as long as the pass takes. With one arena for all, whoever
//! allocates next takes it, while it is still in the cache. Small pieces do not queue for the arena: each
//! thread has a cache of its own for those.

/// Memory that is kept although it is free, and how much is asked for at a time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SETTINGS: [(libc::c_int, libc::c_int); 4] = [
    (libc::M_ARENA_MAX, 1),
    // Columns of a batch come from the arena, whatever is larger from the kernel; glibc takes no more.
    (libc::M_MMAP_THRESHOLD, 32 << 20),
    (libc::M_TRIM_THRESHOLD, 64 << 20),
    (libc::M_TOP_PAD, 16 << 20),
];

/// Sets the allocator up, before there is a second thread. A setting that the C library does not take is left
/// as it is: it costs memory, and nothing else.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn set_up() {
    for (parameter, value) in SETTINGS {
        #[expect(unsafe_code, reason = "a call into the C library that passes two numbers")]
        // SAFETY: takes no pointers, and any value; no other thread runs yet.
        let _taken = unsafe { libc::mallopt(parameter, value) };
    }
}

/// Other C libraries have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn set_up() {}
