//! MariaDB's programs: where they are, how their folder is set up, and the running server.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, Write},
    os::unix::{ffi::OsStrExt, fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use crate::options::LocalAwsError;

/// Where to look for the programs besides PATH, which lacks these folders on some systems.
const FOLDERS: [&str; 4] = [
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/libexec",
    "/usr/local/libexec",
];
/// Settings that make it behave like MySQL 8 where they differ: rounded fractional seconds, and a collation that
/// ignores case and accents and does not pad.
const SETTINGS: [&str; 12] = [
    "--skip-networking",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_520_nopad_ci",
    "--default-time-zone=+00:00",
    "--sql-mode=STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
     NO_ENGINE_SUBSTITUTION,TIME_ROUND_FRACTIONAL",
    "--explicit-defaults-for-timestamp=1",
    "--max-allowed-packet=64M",
    "--max-connections=200",
    "--innodb-buffer-pool-size=64M",
    "--performance-schema=OFF",
    "--local-infile=0",
];

/// The database's folder within the data folder.
const FOLDER: &str = "mariadb";
/// The longest socket path on Linux and macOS.
const MAX_SOCKET_BYTES: usize = 103;
/// Where one server keeps its files.
#[derive(Debug, Clone)]
pub(crate) struct ServerPaths {
    pub(crate) folder: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) temporary: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) pid: PathBuf,
    pub(crate) log: PathBuf,
}

impl ServerPaths {
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, LocalAwsError> {
        let folder = folder.join(FOLDER);
        let socket = folder.join("mariadb.sock");
        if socket.as_os_str().as_bytes().len() > MAX_SOCKET_BYTES {
            return Err(failed(format!(
                "the path of its socket, {}, is longer than {MAX_SOCKET_BYTES} bytes: choose a shorter --data-dir",
                socket.display()
            )));
        }
        Ok(Self {
            data: folder.join("data"),
            temporary: folder.join("tmp"),
            pid: folder.join("mariadb.pid"),
            log: folder.join("mariadb.log"),
            socket,
            folder,
        })
    }
}

pub(crate) fn failed(cause: impl ToString) -> LocalAwsError {
    LocalAwsError::MariaDb(cause.to_string())
}

/// The two programs of a MariaDB server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerPrograms {
    server: PathBuf,
    install: PathBuf,
}

impl ServerPrograms {
    pub(crate) fn find() -> Result<Self, LocalAwsError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = env::split_paths(&path)
            .chain(FOLDERS.map(PathBuf::from))
            .collect();
        Self::find_in(&folders)
    }

    fn find_in(folders: &[PathBuf]) -> Result<Self, LocalAwsError> {
        let find = |name: &str| {
            let candidates = folders.iter().map(|folder| folder.join(name));
            candidates
                .into_iter()
                .find(|file| file.is_file())
                .ok_or(LocalAwsError::MariaDbMissing)
        };
        // mariadb-install-db is a script that needs it, and Debian ships it in another package.
        find("my_print_defaults")?;
        Ok(Self {
            server: find("mariadbd")?,
            install: find("mariadb-install-db")?,
        })
    }
}

/// Sets up the data folder. It is filled under another name, so that a killed start leaves nothing that looks complete.
pub(crate) fn install(
    programs: &ServerPrograms,
    places: &ServerPaths,
) -> Result<(), LocalAwsError> {
    // A starting mariadbd deletes all `#sql…` files in its temporary folder, including those of other servers.
    fs::create_dir_all(&places.temporary).map_err(failed)?;
    if places.data.exists() {
        return Ok(());
    }
    let draft = places.folder.join("data.new");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(failed)?;
    }
    let mut command = Command::new(&programs.install);
    command
        .args(["--no-defaults", "--skip-test-db"])
        .arg("--auth-root-authentication-method=normal")
        .arg(with("--datadir=", &draft));
    as_root(&mut command, &places.folder);
    command.env("TMPDIR", &places.temporary);
    let log = fs::File::create(&places.log).map_err(failed)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .status()
        .map_err(failed)?;
    if !status.success() {
        return Err(failed(format!(
            "mariadb-install-db failed: {}",
            last_words(places)
        )));
    }
    fs::rename(&draft, &places.data).map_err(failed)
}

/// The last non-empty line of the log.
pub(crate) fn last_words(places: &ServerPaths) -> String {
    let log = fs::read(&places.log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let last = log.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("it said nothing").trim().to_owned()
}

fn with(option: &str, path: &Path) -> OsString {
    let mut whole = OsString::from(option);
    whole.push(path);
    whole
}

/// MariaDB only runs as root if told to.
fn as_root(command: &mut Command, folder: &Path) {
    if fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0) {
        command.arg("--user=root");
    }
}

pub(crate) fn server_command(
    programs: &ServerPrograms,
    places: &ServerPaths,
    durable: bool,
) -> Command {
    let mut command = Command::new(&programs.server);
    command
        .arg("--no-defaults")
        .arg(with("--datadir=", &places.data))
        .arg(with("--socket=", &places.socket))
        .arg(with("--pid-file=", &places.pid))
        .args(SETTINGS)
        .arg(format!(
            "--innodb-flush-log-at-trx-commit={}",
            u8::from(durable)
        ));
    as_root(&mut command, &places.folder);
    command.env("TMPDIR", &places.temporary);
    // A Ctrl-C at the terminal is for this process to handle.
    command.process_group(0).stdin(Stdio::null());
    command
}

/// A running `mariadbd`, and the shell that ends it when this process dies.
pub(crate) struct MariaDbProcess {
    server: Child,
    watcher: Child,
}

/// Reads a line from a pipe whose other end this process holds: getting none means that this process has ended, for
/// whatever reason.
const WATCH: &str = "read -r line || kill \"$0\"";

impl MariaDbProcess {
    pub(crate) fn spawn(command: &mut Command, places: &ServerPaths) -> io::Result<Self> {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(&places.log)?;
        let mut server = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let watcher = Command::new("sh")
            .args(["-c", WATCH, &server.id().to_string()])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watcher {
            Ok(watcher) => Ok(Self { server, watcher }),
            Err(error) => {
                server.kill()?;
                server.wait()?;
                Err(error)
            }
        }
    }

    /// How it ended, if it has.
    pub(crate) fn exit_status(&mut self) -> Option<io::Result<ExitStatus>> {
        self.server.try_wait().transpose()
    }
}

impl Drop for MariaDbProcess {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        if let Some(mut line) = self.watcher.stdin.take() {
            let _ = line.write_all(b"\n");
        }
        let _ = self.watcher.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_programs_one_sentence_says_which_package_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        for program in ["mariadbd", "my_print_defaults"] {
            fs::write(folder.path().join(program), "").unwrap();
        }
        let missing = ServerPrograms::find_in(&folders).unwrap_err().to_string();
        assert!(missing.contains("mariadb-server-core"), "{missing}");
        fs::write(folder.path().join("mariadb-install-db"), "").unwrap();
        let found = ServerPrograms::find_in(&folders).unwrap();
        assert_eq!(found.server, folder.path().join("mariadbd"));
    }

    #[test]
    fn a_socket_that_no_system_takes_is_refused() {
        let long = format!("/{}", "d".repeat(MAX_SOCKET_BYTES));
        let error = ServerPaths::in_folder(Path::new(&long))
            .unwrap_err()
            .to_string();
        assert!(error.contains("choose a shorter --data-dir"), "{error}");
        assert!(ServerPaths::in_folder(Path::new("/var/lib/fleet")).is_ok());
    }
}
