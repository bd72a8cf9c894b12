//! What processes use, from `/proc`.

use crate::Failure;

/// Of some processes together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// CPU seconds, user and system.
    pub cpu: f64,
    /// Resident memory, MiB.
    pub rss_mib: f64,
}

impl Usage {
    /// Errors when one of them has ended.
    pub fn of(pids: &[u32]) -> Result<Self, Failure> {
        let mut sum = Self::default();
        for pid in pids {
            let read = |name: &str| {
                std::fs::read_to_string(format!("/proc/{pid}/{name}"))
                    .map_err(|e| format!("process {pid} has ended: {e}"))
            };
            let stat = read("stat")?;
            // The second field is the name, in brackets; the 14th and 15th are ticks of a hundredth of a second.
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
            let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
            sum.cpu += (ticks(11) + ticks(12)) / 100.0;
            let status = read("status")?;
            let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
            let kib: f64 = rss.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
            sum.rss_mib += kib / 1024.0;
        }
        Ok(sum)
    }
}

/// Whole numbers, side by side.
pub fn series(values: &[f64]) -> String {
    values.iter().map(|v| format!("{v:.0}")).collect::<Vec<_>>().join(" ")
}
