//! How many files this process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as macOS allows when it has no limit set, its `OPEN_MAX`.
const ALWAYS_ALLOWED: u64 = 10_240;
/// What is reserved for everything except client connections: databases, logs, connections to stores.
const KEPT: u64 = 256;

/// Raises the soft limit to `wanted`, or as far as the hard limit allows. It is never lowered.
pub fn raise_limit(wanted: u64) {
    for wanted in [wanted, ALWAYS_ALLOWED.min(wanted)] {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let Some(current) = current else {
            return;
        };
        let wanted = wanted.min(maximum.unwrap_or(wanted));
        let raised = Rlimit {
            current: Some(wanted),
            maximum,
        };
        if wanted <= current || setrlimit(Resource::Nofile, raised).is_ok() {
            return;
        }
    }
}

/// The current limit; `None` if there is none.
#[must_use]
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// How many connections a listener may have, at most `most`: its share is the files that the limit leaves for
/// connections, divided by `part`.
#[must_use]
pub fn connections(most: usize, part: u64) -> usize {
    limit().map_or(most, |limit| share(limit, part).min(most))
}

fn share(limit: u64, part: u64) -> usize {
    let left = limit - KEPT.min(limit / 2);
    usize::try_from(left / part).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listeners_share_leaves_files_for_everything_else() {
        assert_eq!(share(1_024, 2), 384);
        assert_eq!(share(128, 4), 16);
        assert_eq!(share(1, 4), 1);
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one_at_most_and_never_lowered() {
        let before = getrlimit(Resource::Nofile);
        raise_limit(1);
        assert_eq!(getrlimit(Resource::Nofile), before);
        raise_limit(u64::MAX);
        let after = getrlimit(Resource::Nofile);
        assert_eq!(after.maximum, before.maximum);
        assert!(after.current.is_none() || after.current >= before.current);
        if let Some(hard) = after.maximum.filter(|_| cfg!(target_os = "linux")) {
            assert_eq!(after.current, Some(hard));
        }
    }
}
