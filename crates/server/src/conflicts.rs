//! The conflicts of a second server on a machine, reported all at once instead of one per start.

use std::{
    env, fmt,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use crate::options::ServerOptions;

/// How far from an address in use to search for a free one.
const NEARBY_PORTS: u16 = 100;
/// How many other data folders are tried.
const NEARBY_FOLDERS: u8 = 100;

/// What other programs already use, each with a free alternative.
#[derive(Debug, PartialEq, Eq)]
pub struct Conflicts {
    /// The address of the API.
    listen: Option<(SocketAddr, SocketAddr)>,
    /// The address of the local AWS endpoints.
    aws_listen: Option<(SocketAddr, SocketAddr)>,
    data_dir: Option<(PathBuf, PathBuf)>,
    /// The command to put the options after; `None` if it has other arguments, which may include a password.
    program: Option<String>,
}

impl Conflicts {
    /// Finds all conflicts of a start with `options`; `None` if there are none.
    ///
    /// The API's address is only checked if this process has not `bound` it.
    pub(crate) fn find(options: &ServerOptions, bound: bool) -> Option<Self> {
        let embedded = options.uses_local_aws();
        let listen = (!bound)
            .then(|| conflict_at(options.listen, None))
            .flatten();
        let suggested = listen.map(|(_, free)| free);
        let aws_listen = embedded
            .then(|| conflict_at(options.aws_listen, suggested))
            .flatten();
        let data_dir = (embedded && !options.in_memory)
            .then(|| folder_beside(&options.data_dir))
            .flatten();
        if listen.is_none() && aws_listen.is_none() && data_dir.is_none() {
            return None;
        }
        Some(Self {
            listen,
            aws_listen,
            data_dir,
            program: program(),
        })
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut other = String::new();
        let mut add = |option: &str, value: &dyn fmt::Display| {
            other.push_str(&format!(" {option} {value}"));
        };
        if let Some((taken, free)) = &self.listen {
            writeln!(f, "The address {taken} of --listen is already in use.")?;
            add("--listen", free);
        }
        if let Some((taken, free)) = &self.aws_listen {
            writeln!(f, "The address {taken} of --aws-listen is already in use.")?;
            add("--aws-listen", free);
        }
        if let Some((taken, free)) = &self.data_dir {
            let taken = taken.display();
            writeln!(f, "The data folder {taken} is in use by another server.")?;
            add("--data-dir", &free.display());
        }
        let conflicts = usize::from(self.listen.is_some())
            + usize::from(self.aws_listen.is_some())
            + usize::from(self.data_dir.is_some());
        let them = if conflicts == 1 { "it" } else { "them" };
        match &self.program {
            Some(program) => write!(f, "Stop what uses {them}, or type:\n  {program}{other}"),
            None => write!(f, "Stop what uses {them}, or add to the command:\n {other}"),
        }
    }
}

/// The address, if it is in use, and a free one near it other than `besides`.
fn conflict_at(
    address: SocketAddr,
    besides: Option<SocketAddr>,
) -> Option<(SocketAddr, SocketAddr)> {
    let is_free = |address: SocketAddr| TcpListener::bind(address).is_ok();
    if is_free(address) {
        return None;
    }
    let port = address.port();
    let free = (port.saturating_add(1)..=port.saturating_add(NEARBY_PORTS))
        .map(|port| SocketAddr::new(address.ip(), port))
        .find(|candidate| Some(*candidate) != besides && is_free(*candidate));
    // With port 0 the system chooses a free one.
    Some((address, free.unwrap_or(SocketAddr::new(address.ip(), 0))))
}

/// The folder, if another server uses it, and a free one beside it.
fn folder_beside(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    if !fleet_local_aws::is_in_use(folder) {
        return None;
    }
    let other = |number| {
        let mut name = folder.as_os_str().to_owned();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    };
    let free = (2..NEARBY_FOLDERS)
        .map(other)
        .find(|folder| !fleet_local_aws::is_in_use(folder))?;
    Some((folder.to_owned(), free))
}

/// The command that started this program, if it had no arguments.
fn program() -> Option<String> {
    let mut arguments = env::args();
    let program = arguments.next()?;
    if arguments.next().is_some() {
        return None;
    }
    // Cargo sets it for programs that it runs.
    if env::var_os("CARGO_MANIFEST_DIR").is_some() {
        return Some("cargo run --".to_owned());
    }
    Some(program)
}
