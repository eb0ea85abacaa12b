//! The valid API keys, in a file that is reloaded when it changes.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use subtle::ConstantTimeEq as _;
use tracing::{info, warn};
use uuid::Uuid;

use super::{
    bucket::{Bucket, QuotaCount},
    error::AccessError,
};
use crate::{
    private,
    template::{Quota, UsagePlan},
};

/// The allowed length of a key, as in API Gateway:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-create-usage-plans.html>.
const LENGTH: std::ops::RangeInclusive<usize> = 20..=128;

const HEADING: &str = "\
# The API keys of this server: one a line, sent as the header x-api-key. Changes count at once; a line that is deleted is
# a key that no longer works.
";

/// The keys of a file.
#[derive(Debug)]
pub(super) struct ApiKeys {
    file: PathBuf,
    plan: UsagePlan,
    state: Mutex<KeyFileState>,
}

#[derive(Debug)]
struct KeyFileState {
    stamp: Option<Stamp>,
    keys: Vec<Arc<ApiKey>>,
}

/// A key and its use of the plan.
#[derive(Debug)]
pub(super) struct ApiKey {
    text: String,
    bucket: Option<Bucket>,
    count: Option<QuotaCount>,
}

/// Detects that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl ApiKeys {
    /// Opens the file, or creates it with one key, which is then returned.
    ///
    /// # Errors
    /// [`AccessError`] for a file that cannot be read, and for one without keys.
    pub(super) fn open(
        file: &Path,
        plan: UsagePlan,
    ) -> Result<(Self, Option<String>), AccessError> {
        let failed = |cause: io::Error| AccessError::KeyFile {
            file: file.to_owned(),
            cause: cause.kind(),
        };
        let made = match read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Some(make(file).map_err(failed)?)
            }
            _ => None,
        };
        let (stamp, text) = read(file).map_err(failed)?;
        let keys = Self {
            file: file.to_owned(),
            plan,
            state: Mutex::new(KeyFileState {
                stamp: Some(stamp),
                keys: Vec::new(),
            }),
        };
        let found = parse(&text);
        if let Some(line) = found.iter().find_map(|key| key.err()) {
            return Err(AccessError::Key {
                file: file.to_owned(),
                line,
            });
        }
        if found.is_empty() {
            return Err(AccessError::NoKeys(file.to_owned()));
        }
        keys.lock().keys = keys.renewed(&[], found.into_iter().flatten());
        if private::is_open(file, private::OTHERS_AND_GROUP) {
            warn!("other users can read the API keys in {}", file.display());
        }
        Ok((keys, made))
    }

    /// The path of the file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The key equal to `shown`, if any.
    ///
    /// Reloads the file first if it has changed. If it cannot be read, the keys stay as they were.
    pub(super) fn find(&self, shown: &[u8]) -> Option<Arc<ApiKey>> {
        let mut state = self.lock();
        self.refresh(&mut state);
        // All keys are compared, so that the time does not reveal how much of a key was right.
        let mut found = None;
        for key in &state.keys {
            if bool::from(key.text.as_bytes().ct_eq(shown)) {
                found = Some(Arc::clone(key));
            }
        }
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, KeyFileState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh(&self, state: &mut KeyFileState) {
        let stamp = fs::metadata(&self.file).ok().map(|about| Stamp::of(&about));
        if stamp == state.stamp {
            return;
        }
        state.stamp = stamp;
        let (stamp, text) = match read(&self.file) {
            Ok(read) => read,
            Err(error) => {
                warn!(
                    "keeping the current API keys: {} cannot be read ({})",
                    self.file.display(),
                    error.kind()
                );
                return;
            }
        };
        let found = parse(&text);
        for line in found.iter().filter_map(|key| key.err()) {
            warn!(
                "line {line} of the API key file {} is not a key, and is skipped",
                self.file.display()
            );
        }
        state.keys = self.renewed(&state.keys, found.into_iter().flatten());
        state.stamp = Some(stamp);
        info!("there are now {} API keys", state.keys.len());
    }

    /// Keys for `texts`; those in `old` keep their use of the plan.
    fn renewed<'a>(
        &self,
        old: &[Arc<ApiKey>],
        texts: impl Iterator<Item = &'a str>,
    ) -> Vec<Arc<ApiKey>> {
        let renew = |text: &str| match old.iter().find(|key| key.text == text) {
            Some(key) => Arc::clone(key),
            None => Arc::new(ApiKey {
                text: text.to_owned(),
                bucket: self.plan.throttle.map(Bucket::new),
                count: self.plan.quota.map(|quota: Quota| QuotaCount::new(quota)),
            }),
        };
        texts.map(renew).collect()
    }
}

impl ApiKey {
    /// Whether the plan's throttle allows a request.
    pub(super) fn is_in_time(&self) -> bool {
        self.bucket.as_ref().is_none_or(Bucket::take)
    }

    /// Whether the plan's quota has room for a request at the time `now`.
    pub(super) fn has_quota(&self, now: SystemTime) -> bool {
        self.count.as_ref().is_none_or(|count| count.take(now))
    }
}

impl Stamp {
    fn of(about: &fs::Metadata) -> Self {
        Self {
            modified: about.modified().ok(),
            length: about.len(),
        }
    }
}

fn read(file: &Path) -> io::Result<(Stamp, String)> {
    let mut open = File::open(file)?;
    // Before the read, so that a change during it is noticed the next time.
    let stamp = Stamp::of(&open.metadata()?);
    let mut text = String::new();
    open.read_to_string(&mut text)?;
    Ok((stamp, text))
}

/// The keys, and the numbers of invalid lines.
fn parse(text: &str) -> Vec<Result<&str, usize>> {
    let is_key = |line: &str| {
        LENGTH.contains(&line.len())
            && line
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default().trim()))
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| if is_key(line) { Ok(line) } else { Err(number) })
        .collect()
}

/// Creates the file, readable only by its owner, with one key.
fn make(file: &Path) -> io::Result<String> {
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        private::make_folder(folder)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    let key = Uuid::new_v4().simple().to_string() + &Uuid::new_v4().simple().to_string();
    options
        .open(file)?
        .write_all(format!("{HEADING}{key}\n").as_bytes())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use crate::template::{QuotaPeriod, Throttle};

    use super::*;

    const ONE: &str = "one-key-of-twenty-letters";
    const TWO: &str = "another_key_of_twenty_letters";

    fn in_file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        fs::write(&file, text).unwrap();
        (folder, file)
    }

    fn open(file: &Path) -> Result<ApiKeys, AccessError> {
        ApiKeys::open(file, UsagePlan::default()).map(|(keys, _)| keys)
    }

    #[test]
    fn a_key_is_made_where_there_is_none_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below/keys");
        let (keys, made) = ApiKeys::open(&file, UsagePlan::default()).unwrap();
        let made = made.unwrap();
        assert!(LENGTH.contains(&made.len()), "{made}");
        assert!(keys.find(made.as_bytes()).is_some());
        assert!(!private::is_open(&file, private::OTHERS_AND_GROUP));
        let (keys, again) = ApiKeys::open(&file, UsagePlan::default()).unwrap();
        assert_eq!(again, None);
        assert!(keys.find(made.as_bytes()).is_some());
    }

    #[test]
    fn a_file_has_several_keys_and_comments() {
        let (_folder, file) = in_file(&format!("# keys\n\n  {ONE}  # of the first\r\n{TWO}\n"));
        let keys = open(&file).unwrap();
        for key in [ONE, TWO] {
            assert!(keys.find(key.as_bytes()).is_some(), "{key}");
        }
        for key in [
            "",
            "keys",
            &ONE[1..],
            &format!("{ONE} "),
            &ONE.to_uppercase(),
        ] {
            assert!(keys.find(key.as_bytes()).is_none(), "{key:?}");
        }
    }

    #[test]
    fn a_change_counts_at_the_next_request() {
        let (_folder, file) = in_file(ONE);
        let keys = open(&file).unwrap();
        // An invalid line does not replace another key.
        fs::write(&file, format!("{TWO}\nshort\n")).unwrap();
        assert!(keys.find(ONE.as_bytes()).is_none() && keys.find(TWO.as_bytes()).is_some());
        fs::remove_file(&file).unwrap();
        assert!(keys.find(TWO.as_bytes()).is_some(), "the keys stay");
        fs::write(&file, "").unwrap();
        assert!(keys.find(TWO.as_bytes()).is_none());
    }

    #[test]
    fn what_a_key_has_used_stays_when_the_file_changes() {
        let plan = UsagePlan {
            throttle: Some(Throttle {
                rate: 0.0,
                burst: 1.0,
            }),
            quota: Some(Quota {
                limit: 1,
                period: QuotaPeriod::Day,
                offset: 0,
            }),
        };
        let (_folder, file) = in_file(ONE);
        let (keys, _) = ApiKeys::open(&file, plan).unwrap();
        let now = SystemTime::now();
        let uses = |key: &str| {
            let key = keys.find(key.as_bytes()).unwrap();
            (key.is_in_time(), key.has_quota(now))
        };
        assert_eq!(uses(ONE), (true, true));
        fs::write(&file, format!("{ONE}\n{TWO}\n")).unwrap();
        assert_eq!(uses(ONE), (false, false));
        assert_eq!(uses(TWO), (true, true));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused_with_a_sentence() {
        let (_folder, file) = in_file("# none\n");
        let named = file.display().to_string();
        let refused = |file: &Path| open(file).unwrap_err().to_string();
        assert_eq!(
            refused(&file),
            format!(
                "The API key file {named} contains no key: write one per line, or delete the file to have one generated."
            )
        );
        fs::write(&file, format!("{ONE}\nsecret word of many letters\n")).unwrap();
        assert_eq!(
            refused(&file),
            format!(
                "Line 2 of the API key file {named} is not a key: a key has 20 to 128 letters, digits, - and _."
            )
        );
        let folder = file.parent().unwrap();
        assert!(
            refused(folder)
                .starts_with(&format!("Cannot use the API key file {}", folder.display())),
            "{}",
            refused(folder)
        );
    }
}
