//! The working memories over one loaded model: as many calls run at once as there are memories.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Instant,
};

/// Things lent out one at a time.
#[derive(Debug)]
pub(super) struct Pool<T> {
    free: Mutex<Vec<T>>,
    returned: Condvar,
}

/// One of them; goes back when dropped.
#[derive(Debug)]
pub(super) struct Lent<'a, T> {
    // Taken out only by `drop`.
    thing: Option<T>,
    pool: &'a Pool<T>,
}

impl<T> Pool<T> {
    pub fn new(things: Vec<T>) -> Self {
        Self { free: Mutex::new(things), returned: Condvar::new() }
    }

    /// Runs `work` with one of them; waits for one to come back until `deadline`, and gives `None` when none did.
    pub fn with<R>(&self, deadline: Instant, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut lent = self.take(deadline)?;
        lent.thing.as_mut().map(work)
    }

    fn take(&self, deadline: Instant) -> Option<Lent<'_, T>> {
        // A panic in another call leaves nothing behind that the next call does not overwrite.
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(thing) = free.pop() {
                return Some(Lent { thing: Some(thing), pool: self });
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            (free, _) = self.returned.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).extend(self.thing.take());
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, time::Duration};

    use super::*;

    #[test]
    fn as_many_work_at_once_as_there_are_and_the_next_waits() {
        let pool = Pool::new(vec![1, 2]);
        let soon = || Instant::now() + Duration::from_millis(20);
        let late = || Instant::now() + Duration::from_secs(60);
        let both = Barrier::new(2);
        std::thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| pool.with(late(), |_| both.wait()).unwrap());
            }
        });
        let refused = pool.with(late(), |_| pool.with(late(), |_| pool.with(soon(), |_| ())));
        assert_eq!(refused, Some(Some(None)));
        // All came back.
        assert_eq!(pool.with(soon(), |a| pool.with(soon(), |b| *a + *b)), Some(Some(3)));
    }

    #[test]
    fn what_a_panic_held_comes_back() {
        let pool = Pool::new(vec![()]);
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.with(Instant::now(), |()| panic!("in a call"))
        }));
        assert!(died.is_err());
        assert_eq!(pool.with(Instant::now(), |()| 1), Some(1));
    }
}
