//! How much a test does, and its seed.

use std::{
    env, fmt,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::OnceLock,
    time::Instant,
};

use fastrand::Rng;

/// The environment variable that selects the long run, if its value is `long`.
const EXTENT: &str = "FLEET_FAULTS";
/// The environment variable that repeats a run: the seed that it printed.
const SEED: &str = "FLEET_FAULTS_SEED";

/// One test's part of a run.
#[derive(Clone, Debug)]
pub struct FaultRun {
    name: String,
    seed: u64,
    long: bool,
    began: Instant,
}

impl FaultRun {
    /// The run of the test called `name`; prints the seed that all tests of this process share.
    #[must_use]
    pub fn of(name: &str) -> Self {
        static SHARED: OnceLock<u64> = OnceLock::new();
        let shared = *SHARED.get_or_init(|| match env::var(SEED) {
            Ok(seed) => seed
                .parse()
                .unwrap_or_else(|_| panic!("{SEED} must be a whole number, but is {seed:?}")),
            Err(_) => fastrand::u64(..),
        });
        println!("{name}: {SEED}={shared}");
        let seed = shared ^ BuildHasherDefault::<DefaultHasher>::default().hash_one(name);
        Self {
            name: name.to_owned(),
            seed,
            long: Self::is_long(),
            began: Instant::now(),
        }
    }

    /// Whether this is the long run.
    #[must_use]
    pub fn is_long() -> bool {
        env::var(EXTENT).is_ok_and(|extent| extent == "long")
    }

    /// `quick` within `cargo test`, `long` in the long run.
    #[must_use]
    pub fn count(&self, quick: usize, long: usize) -> usize {
        if self.long { long } else { quick }
    }

    /// Prints the test's results at its end, in the format that `.ci/faults` looks for.
    pub fn report(&self, what: impl fmt::Display) {
        println!(
            "seen: {}: {what} ({:.0} s)",
            self.name,
            self.began.elapsed().as_secs_f64()
        );
    }

    /// Prints that the test did not run, and why.
    pub fn not_run(&self, why: &str) {
        println!("not run: {}: {why}", self.name);
    }

    /// A random number generator for the worker `number`.
    #[must_use]
    pub fn rng(&self, number: usize) -> Rng {
        Rng::with_seed(self.seed.wrapping_add(number as u64))
    }
}
