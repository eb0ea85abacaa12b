//! The share of a processor that Lambda gives a function, enforced by a control group.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The period for which the share is defined, in microseconds.
const PERIOD: u32 = 20_000;
/// The memory with which a function has one whole processor, in MB:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const WHOLE_PROCESSOR: u32 = 1_769;

/// A control group; removed when this is dropped, after the processes in it have ended.
pub(crate) struct ControlGroup(PathBuf);

impl ControlGroup {
    /// The share of a function with this memory, in MB.
    ///
    /// # Errors
    /// From the operating system: only root may create one, and only if control groups are mounted writable.
    pub(crate) fn of(memory: u32) -> io::Result<Self> {
        let name = format!("fleet-bench-{}-{memory}", std::process::id());
        let quota = quota(memory);
        let root = Path::new("/sys/fs/cgroup");
        if root.join("cgroup.controllers").exists() {
            // It may already be enabled.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu");
            let share = Self::create(root.join(name))?;
            share.set("cpu.max", &format!("{quota} {PERIOD}"))?;
            Ok(share)
        } else {
            // Version 1.
            let share = Self::create(root.join("cpu").join(name))?;
            share.set("cpu.cfs_period_us", &PERIOD.to_string())?;
            share.set("cpu.cfs_quota_us", &quota.to_string())?;
            Ok(share)
        }
    }

    fn create(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.0.join(file), value)
    }

    /// Adds a process to the group.
    pub(crate) fn add_process(&self, process: u32) -> io::Result<()> {
        self.set("cgroup.procs", &process.to_string())
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // A group that cannot be removed is empty, and uses nothing.
        let _ = fs::remove_dir(&self.0);
    }
}

/// The microseconds per period.
fn quota(memory: u32) -> u32 {
    PERIOD * memory / WHOLE_PROCESSOR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_with_the_memory() {
        assert_eq!(quota(128), 1_447);
        assert_eq!(quota(256), 2_894);
        assert_eq!(quota(WHOLE_PROCESSOR), PERIOD);
        // The kernel rejects less than a millisecond.
        assert!(quota(128) >= 1_000);
    }
}
