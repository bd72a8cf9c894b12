//! How many threads the quantised products use.
//!
//! The kernels share one process-wide pool whose workers spin at every barrier, so a second thread *costs* time
//! as soon as recognition or encoding runs beside it. The pool is made at its first use and keeps its size; it
//! reads `CANDLE_NUM_THREADS`, else `RAYON_NUM_THREADS`, else takes one thread per physical core.

/// Threads that the pool has, the caller's own included. Makes the pool if it does not exist yet.
pub fn threads() -> usize {
    candle_core::utils::barrier_pool().n_workers() + 1
}

/// Makes the pool with `n` threads unless the operator has chosen a number by `CANDLE_NUM_THREADS`. To be called
/// first thing in `main`: the choice can only be passed through the environment, which may not be written while
/// other threads run, so with more than one thread alive (or where that cannot be counted) nothing is done.
///
/// Returns the number of threads in force.
pub fn limit_threads(n: usize) -> usize {
    if std::env::var_os("CANDLE_NUM_THREADS").is_none() && alone() {
        // SAFETY: `alone` has just counted this thread as the only one of the process, so nobody can be reading
        // or writing the environment at the same time, and no other thread exists that could start one.
        unsafe { std::env::set_var("CANDLE_NUM_THREADS", n.max(1).to_string()) };
    }
    threads()
}

/// Whether the calling thread is the only one of this process; `false` where that cannot be told.
fn alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}
