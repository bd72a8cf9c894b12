//! The recorder's clock: wall time that cannot step while something is being recorded.
//!
//! Media time of an epoch and the length of a gap come from this clock. It is the system's wall clock read once,
//! the *anchor*, plus the time this machine has been up since. A set clock (an operator, a time server) would
//! otherwise invent or hide an hour. The anchor lies in the data folder with the id of this boot, so that a
//! recorder started again goes on with it. While nothing is live it follows the system's clock.

use std::{
    fs,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{Clock, WallTime};
use serde::{Deserialize, Serialize};

/// Below this the two clocks agree: 20 ms.
const AGREE_MILLIS: i64 = 20;

/// Time since the machine started, in milliseconds, and the id of that start. Sleep counts.
pub(crate) trait Uptime: Send + Sync {
    /// The id of this boot; empty where the system has none.
    fn boot_id(&self) -> String;
    /// Milliseconds since the boot. Never steps.
    fn millis(&self) -> i64;
}

/// The machine's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine;

impl Uptime for Machine {
    fn boot_id(&self) -> String {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.trim().to_owned()
    }

    fn millis(&self) -> i64 {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        t.tv_sec.saturating_mul(1000).saturating_add(t.tv_nsec / 1_000_000)
    }
}

/// One reading of both clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    pub(crate) boot_id: String,
    pub(crate) up_ms: i64,
    pub(crate) wall_ms: i64,
}

impl Anchor {
    /// The wall time when the machine has been up for `up_ms`.
    fn at(&self, up_ms: i64) -> WallTime {
        WallTime::from_millis(self.wall_ms.saturating_add(up_ms.saturating_sub(self.up_ms)))
    }
}

/// Which anchor holds from now on: the one `kept` as long as something is `live` and the machine has not been
/// started anew; else the two clocks as they read `here`.
pub(crate) fn choose(kept: Option<&Anchor>, here: &Anchor, live: bool) -> Anchor {
    match kept {
        Some(kept) if kept.boot_id == here.boot_id && !here.boot_id.is_empty() => {
            let drift = kept.at(here.up_ms).as_millis().saturating_sub(here.wall_ms);
            if live || drift.abs() < AGREE_MILLIS { kept.clone() } else { here.clone() }
        }
        _ => here.clone(),
    }
}

/// Shared by all of the recorder.
pub(crate) struct SteadyClock {
    system: Arc<dyn Clock>,
    uptime: Arc<dyn Uptime>,
    path: Utf8PathBuf,
    anchor: Mutex<Anchor>,
}

impl SteadyClock {
    /// Goes on with the anchor in `data_dir` if a recording is `live` on this boot; else anchors to `system`.
    pub(crate) fn start(
        data_dir: &Utf8Path,
        system: Arc<dyn Clock>,
        uptime: Arc<dyn Uptime>,
        live: bool,
    ) -> Self {
        let path = data_dir.join("recorder.clock");
        let kept: Option<Anchor> =
            fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        let here = read(system.as_ref(), uptime.as_ref());
        let anchor = choose(kept.as_ref(), &here, live);
        let clock = Self { system, uptime, path, anchor: Mutex::new(anchor.clone()) };
        if kept.as_ref() != Some(&anchor) {
            clock.keep(&anchor);
        }
        clock
    }

    /// Nothing is live: follows the system's clock if that has moved.
    pub(crate) fn follow_system(&self) {
        let here = read(self.system.as_ref(), self.uptime.as_ref());
        let mut held = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let next = choose(Some(&held), &here, false);
        if next != *held {
            let moved_ms = here.wall_ms.saturating_sub(held.at(here.up_ms).as_millis());
            tracing::info!(moved_ms, "the recorder's clock follows the system's");
            self.keep(&next);
            *held = next;
        }
    }

    /// Writes the anchor down, whole or not at all. Without it a restart during a live reads the system's clock.
    fn keep(&self, anchor: &Anchor) {
        let temp = self.path.with_extension("clock.new");
        let written = serde_json::to_string(anchor).map_err(std::io::Error::from).and_then(|text| {
            let mut file = fs::File::create(&temp)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temp, &self.path)
        });
        if let Err(error) = written {
            tracing::warn!(path = %self.path, %error, "the recorder's clock could not be written down");
        }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> WallTime {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner).at(self.uptime.millis())
    }
}

fn read(system: &dyn Clock, uptime: &dyn Uptime) -> Anchor {
    // Without a boot id the anchor of an earlier start cannot be trusted, but this one can.
    let boot_id = uptime.boot_id();
    let boot_id = if boot_id.is_empty() { format!("process {}", std::process::id()) } else { boot_id };
    Anchor { boot_id, up_ms: uptime.millis(), wall_ms: system.now().as_millis() }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicI64, Ordering},
        time::Duration,
    };

    use clipmill_domain::MediaTime;
    use proptest::prelude::*;

    use super::*;
    use crate::record::plan::{self, Tail};

    const HOUR: i64 = 3_600_000;

    /// A machine whose time passes only when told, and whose wall clock can be set.
    #[derive(Clone, Default)]
    struct Fake {
        up: Arc<AtomicI64>,
        step: Arc<AtomicI64>,
        boot: Arc<AtomicI64>,
    }

    impl Fake {
        fn pass(&self, ms: i64) {
            self.up.fetch_add(ms, Ordering::Relaxed);
        }
        fn step(&self, ms: i64) {
            self.step.fetch_add(ms, Ordering::Relaxed);
        }
        fn wall(&self) -> i64 {
            1_700_000_000_000 + self.up.load(Ordering::Relaxed) + self.step.load(Ordering::Relaxed)
        }
    }

    impl Clock for Fake {
        fn now(&self) -> WallTime {
            WallTime::from_millis(self.wall())
        }
    }

    impl Uptime for Fake {
        fn boot_id(&self) -> String {
            format!("boot-{}", self.boot.load(Ordering::Relaxed))
        }
        fn millis(&self) -> i64 {
            self.up.load(Ordering::Relaxed) - self.boot.load(Ordering::Relaxed)
        }
    }

    fn start(dir: &Utf8Path, fake: &Fake, live: bool) -> SteadyClock {
        SteadyClock::start(dir, Arc::new(fake.clone()), Arc::new(fake.clone()), live)
    }

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().to_owned();
        (dir, path)
    }

    #[test]
    fn a_step_of_an_hour_changes_no_gap_and_no_quiet_end() {
        for step in [-HOUR, HOUR] {
            let ((_held, dir), fake) = (folder(), Fake::default());
            let clock = start(&dir, &fake, false);
            let started_at = clock.now();
            fake.pass(10_000);
            let tail = Tail {
                started_at,
                last_end: Some(MediaTime::from_micros(10_000_000)),
                last_heard: clock.now(),
            };
            fake.step(step);
            fake.pass(3_000);
            assert!(!plan::is_quiet(&tail, clock.now(), Duration::from_secs(300)), "step {step}");
            assert_eq!(plan::media_start(&tail, clock.now()).as_micros(), 13_000_000, "step {step}");

            // The recorder is started again on the same boot, with another step in between.
            drop(clock);
            fake.step(step);
            fake.pass(2_000);
            let clock = start(&dir, &fake, true);
            assert_eq!(plan::media_start(&tail, clock.now()).as_micros(), 15_000_000, "step {step}");
            fake.pass(300_000);
            assert!(plan::is_quiet(&tail, clock.now(), Duration::from_secs(300)), "step {step}");

            // Nothing live any more: the system's clock again, now and after another start.
            clock.follow_system();
            assert_eq!(clock.now().as_millis(), fake.wall());
            fake.pass(1);
            assert_eq!(start(&dir, &fake, true).now().as_millis(), fake.wall());
        }
    }

    #[test]
    fn another_boot_means_the_systems_clock() {
        let ((_held, dir), fake) = (folder(), Fake::default());
        drop(start(&dir, &fake, false));
        fake.pass(HOUR);
        fake.step(HOUR);
        fake.boot.store(fake.up.load(Ordering::Relaxed), Ordering::Relaxed);
        assert_eq!(start(&dir, &fake, true).now().as_millis(), fake.wall());
    }

    #[test]
    fn a_start_with_nothing_live_reads_the_systems_clock_and_a_broken_file_disturbs_nothing() {
        let ((_held, dir), fake) = (folder(), Fake::default());
        drop(start(&dir, &fake, false));
        fake.step(-HOUR);
        assert_eq!(start(&dir, &fake, false).now().as_millis(), fake.wall());
        fs::write(dir.join("recorder.clock"), "{half").unwrap();
        assert_eq!(start(&dir, &fake, true).now().as_millis(), fake.wall());
    }

    #[test]
    fn the_machines_uptime_moves_and_its_boot_has_a_name() {
        let before = Machine.millis();
        assert!(before > 0 && Machine.millis() >= before);
        assert_eq!(Machine.boot_id(), Machine.boot_id());
    }

    proptest! {
        /// While something is live no step of the system's clock moves this one: it goes as time passes.
        #[test]
        fn live_time_passes_evenly(moves in prop::collection::vec((0i64..100_000, -HOUR..HOUR, any::<bool>()), 1..30)) {
            let ((_held, dir), fake) = (folder(), Fake::default());
            let mut clock = start(&dir, &fake, false);
            let (begun, mut passed) = (clock.now(), 0);
            for (pass, step, restart) in moves {
                fake.pass(pass);
                fake.step(step);
                passed += pass;
                if restart {
                    drop(clock);
                    clock = start(&dir, &fake, true);
                }
                prop_assert_eq!(clock.now().millis_since(begun), passed);
            }
        }
    }
}
