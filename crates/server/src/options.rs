//! The server's options: the command line and its environment variables.

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{
    CommandFactory as _, FromArgMatches as _, Id, Parser, ValueEnum,
    builder::{BoolishValueParser, Resettable},
    error::ErrorKind,
    parser::ValueSource,
};
use fleet_local_aws::ScalingPace;

use crate::{
    access::AccessOptions,
    address::address,
    events,
    function_name::FunctionName,
    limits::{Limits, REMOTE_FACTOR},
    log::LogFormat,
    stage::Stage,
    tls::options::TlsOptions,
};

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);
const AWS_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);
pub(crate) const DATA_DIR: &str = ".fleet";

const AFTER_HELP: &str = "\
The functions read the same environment variables as on AWS: DB_CLUSTER_ARN, DB_SECRET, DB_NAME, DIMENSIONS_TABLE,
SCALING_MODE (demo or production), SCALING_TEST_FAILURE, SCALING_VERSION, SCALING_RESOURCE_NAME, SCALING_DIMENSION_NAME,
INVENTORY_ROLE (primary, or standby, which is ready without the Data API).
With the embedded backend each has a working default. RUST_LOG (or AWS_LAMBDA_LOG_LEVEL) sets what is logged, info by
default.

`fleet-server export FILE` writes all instances and dimensions as JSON Lines, and `fleet-server import FILE` adds them elsewhere;
see --help of each.

Ctrl-C and SIGTERM stop the server once the requests in progress have finished; a second one stops it at once. With
HTTPS, SIGHUP reads the certificates again.
Exit codes: 0 stopped, 1 could not start, 2 an invalid option, 3 stopped with requests cut after --stop-timeout,
130 stopped at once by a second signal.";

/// Serves Fleet API over HTTP: the functions of template.yaml, outside Lambda.
#[derive(Clone, Parser)]
#[command(name = "fleet-server", version, after_help = AFTER_HELP, args_override_self = true)]
pub struct ServerOptions {
    /// The address of the API; a port alone means 127.0.0.1, and port 0 any free port
    #[arg(long, env = "FLEET_LISTEN", value_name = "ADDR", default_value_t = LISTEN, value_parser = address, hide_env_values = true)]
    pub listen: SocketAddr,

    /// The address of the local AWS endpoints (DynamoDB, RDS Data API, Secrets Manager; embedded backend only).
    /// They accept any credentials, so keep them on this machine
    #[arg(long, env = "FLEET_AWS_LISTEN", value_name = "ADDR", default_value_t = AWS_LISTEN, value_parser = address, hide_env_values = true)]
    pub aws_listen: SocketAddr,

    /// Another host name to accept in requests when the server listens on 127.0.0.1: that of a reverse proxy. This check
    /// keeps web pages of other sites out
    #[arg(
        long,
        env = "FLEET_ALLOW_HOST",
        value_name = "NAME",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub allow_host: Vec<String>,

    /// Where the embedded backend keeps its data; created if it does not exist
    #[arg(long, env = "FLEET_DATA_DIR", value_name = "DIR", default_value = DATA_DIR, hide_env_values = true)]
    pub data_dir: PathBuf,

    /// Keep all data in memory, without a data folder
    #[arg(long, env = "FLEET_IN_MEMORY", value_parser = BoolishValueParser::new(), hide_env_values = true)]
    pub in_memory: bool,

    /// A MySQL or MariaDB that holds the inventory instead of the embedded database:
    /// mysql://user:password@host:3306/database. Other users of the machine can read an option, so prefer the variable
    #[arg(
        long,
        env = "FLEET_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,

    /// A file that contains the value of --database-url: a systemd credential, for example
    #[arg(
        long,
        env = "FLEET_DATABASE_URL_FILE",
        value_name = "FILE",
        conflicts_with = "database_url",
        hide_env_values = true
    )]
    pub database_url_file: Option<PathBuf>,

    /// What runs the SQL of the local Data API
    #[arg(long, env = "FLEET_ENGINE", value_enum, value_name = "ENGINE", default_value_t = SqlEngine::Sqlite, hide_env_values = true)]
    pub engine: SqlEngine,

    /// The SAM template with the routes [default: the one that the server was built with]
    #[arg(
        long,
        env = "FLEET_TEMPLATE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub template: Option<PathBuf>,

    /// Where the functions find their stores
    #[arg(long, env = "FLEET_BACKEND", value_enum, value_name = "BACKEND", default_value_t = Backend::Embedded, hide_env_values = true)]
    pub backend: Backend,

    /// Host only these functions, separated by commas: their routes, without the pages. Functions that need no
    /// store need none of its settings either [default: all functions]
    #[arg(
        long,
        env = "FLEET_FUNCTIONS",
        value_enum,
        value_name = "NAMES",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub functions: Option<Vec<FunctionName>>,

    /// Where to send each change of a dimension, as the event that EventBridge receives on AWS (embedded backend only). Each
    /// is sent again until it is accepted; GET /_events serves the same events
    #[arg(long, env = "FLEET_EVENTS_TO", value_name = "URL", value_parser = events::receiver, hide_env_values = true)]
    pub events_to: Option<reqwest::Url>,

    /// The pages for a browser at / and /docs: read and write, read-only, or none. They have no
    /// protection of their own: use read or off if others can reach the server
    #[arg(long, env = "FLEET_PAGES", value_enum, value_name = "PAGES", default_value_t = PagesMode::On, hide_env_values = true)]
    pub pages: PagesMode,

    /// How log lines are written [default: text, or what AWS_LAMBDA_LOG_FORMAT says]
    #[arg(
        long,
        env = "FLEET_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        hide_env_values = true
    )]
    pub log_format: Option<LogFormat>,

    /// Serve below /NAME, as API Gateway does below a stage's name; disables the pages for a browser
    #[arg(long, env = "FLEET_STAGE", value_name = "NAME", hide_env_values = true)]
    pub stage: Option<Stage>,

    /// Who may call.
    #[command(flatten)]
    pub access: AccessOptions,

    /// How many seconds a shutdown waits for requests in progress; longer ones are cut off and named in the log [default:
    /// 59, within which every request reaches its own limits]
    #[arg(
        long,
        env = "FLEET_STOP_TIMEOUT",
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=3600),
        hide_env_values = true
    )]
    pub stop_timeout: Option<u64>,

    /// HTTPS.
    #[command(flatten)]
    pub tls: TlsOptions,

    /// The limits of a request; not a command line option.
    #[arg(skip)]
    pub limits: Limits,

    /// How fast the local Application Auto Scaling is; not an option of the command line.
    #[arg(skip)]
    pub pace: ScalingPace,
}

/// Where the functions find their stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// In the server, through local AWS endpoints
    #[default]
    Embedded,
    /// On AWS, with the standard configuration of the AWS SDK
    Aws,
}

/// What runs the SQL of the local Data API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SqlEngine {
    /// SQLite within the server
    #[default]
    Sqlite,
    /// A mariadbd that the server runs, in the data folder
    Mariadb,
}

/// The pages that a browser gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PagesMode {
    /// Read and write
    #[default]
    On,
    /// Read-only
    Read,
    /// No pages
    Off,
}

impl ServerOptions {
    /// Reads the command line and the environment of this process; ends the process if they are invalid.
    ///
    /// An empty variable counts as unset, since that is what `NAME=` in a shell or a compose file means.
    #[must_use]
    pub fn parse_with_environment() -> Self {
        let mut command = Self::command();
        let empty: Vec<Id> = command
            .get_arguments()
            .filter(|argument| {
                argument
                    .get_env()
                    .and_then(env::var_os)
                    .is_some_and(|value| value.is_empty())
            })
            .map(|argument| argument.get_id().clone())
            .collect();
        for argument in empty {
            command = command.mut_arg(argument, |argument| argument.env(Resettable::Reset));
        }
        let matches = command.get_matches_mut();
        let asks_for_a_folder = matches.value_source("data_dir") == Some(ValueSource::CommandLine);
        // The environment may set a folder for other starts.
        if matches.get_flag("in_memory") && asks_for_a_folder {
            let message = "the argument '--in-memory' cannot be used with '--data-dir <DIR>'";
            command.error(ErrorKind::ArgumentConflict, message).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

impl ServerOptions {
    /// The functions to host.
    pub(crate) fn hosted(&self) -> &[FunctionName] {
        self.functions
            .as_deref()
            .unwrap_or(FunctionName::value_variants())
    }

    /// The limits of a request and of a shutdown.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            stop: self
                .stop_timeout
                .map_or(self.limits.stop, Duration::from_secs),
            concurrency: match self.backend {
                Backend::Embedded => self.limits.concurrency,
                Backend::Aws => self.limits.concurrency * REMOTE_FACTOR,
            },
            ..self.limits
        }
    }

    /// Whether the local AWS endpoints are started.
    pub(crate) fn uses_local_aws(&self) -> bool {
        self.backend == Backend::Embedded && self.hosted().iter().any(|name| name.needs_a_store())
    }
}

impl Default for ServerOptions {
    /// The command line's defaults, whatever the environment contains.
    fn default() -> Self {
        Self {
            listen: LISTEN,
            aws_listen: AWS_LISTEN,
            allow_host: Vec::new(),
            data_dir: PathBuf::from(DATA_DIR),
            in_memory: false,
            database_url: None,
            database_url_file: None,
            engine: SqlEngine::default(),
            template: None,
            backend: Backend::default(),
            functions: None,
            events_to: None,
            pages: PagesMode::default(),
            log_format: None,
            stage: None,
            access: AccessOptions::default(),
            stop_timeout: None,
            tls: TlsOptions::default(),
            limits: Limits::default(),
            pace: ScalingPace::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_requests_wait_at_once_for_stores_on_aws() {
        let limits = Limits {
            concurrency: 2,
            ..Limits::default()
        };
        let concurrency = |backend| {
            let options = ServerOptions {
                backend,
                limits,
                ..ServerOptions::default()
            };
            options.limits().concurrency
        };
        assert_eq!(concurrency(Backend::Embedded), 2);
        assert_eq!(concurrency(Backend::Aws), 2 * REMOTE_FACTOR);
    }

    #[test]
    fn the_command_line_is_well_formed() {
        ServerOptions::command().debug_assert();
    }

    #[test]
    fn every_option_has_its_variable_and_the_help_says_so() {
        let help = ServerOptions::command().render_long_help().to_string();
        for option in [
            "listen",
            "aws-listen",
            "allow-host",
            "data-dir",
            "in-memory",
            "database-url",
            "database-url-file",
            "engine",
            "template",
            "backend",
            "functions",
            "events-to",
            "pages",
            "log-format",
            "stage",
            "access",
            "api-key-file",
            "stop-timeout",
            "tls-cert",
            "tls-key",
            "acme-domain",
            "acme-email",
            "acme-directory",
            "acme-cache",
            "client-ca",
            "client-ca-routes",
            "http-redirect",
        ] {
            let variable = format!("[env: FLEET_{}]", option.replace('-', "_").to_uppercase());
            assert!(
                help.contains(&format!("--{option}")) && help.contains(&variable),
                "{option}\n{help}"
            );
        }
        for default in ["127.0.0.1:3000", "127.0.0.1:4566", ".fleet", "embedded"] {
            assert!(
                help.contains(&format!("[default: {default}]")),
                "{default}\n{help}"
            );
        }
    }
}
