//! The program's options, its output at startup, and its shutdown.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};
use fleet_local_aws::{
    Engine, LocalAws, LocalAwsOptions, SERVICES, ScalingPace, Schema, SecretOption, Storage,
    Timeouts,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
/// The exit code after a second signal: the shell's code for a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// DynamoDB, the RDS Data API, Secrets Manager, Application Auto Scaling (custom resources) and CloudWatch (metrics that are
/// put, and alarms) on this machine, for any AWS SDK and the AWS CLI.
///
/// Set AWS_ENDPOINT_URL to the address that it prints, AWS_REGION to us-east-1, and the credentials to anything:
/// signatures are not verified, so only programs on this machine may connect.
#[derive(Debug, Parser)]
#[command(name = "fleet-local-aws", version)]
pub(crate) struct Arguments {
    /// The address to listen on; port 0 takes a free one.
    #[arg(
        long,
        visible_alias = "aws-listen",
        default_value = "127.0.0.1:4566",
        env = "LOCAL_AWS_LISTEN"
    )]
    listen: SocketAddr,

    /// The folder for the data; it is created if it is missing.
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".local-aws",
        env = "LOCAL_AWS_DATA_DIR"
    )]
    data_dir: PathBuf,

    /// Keeps no data after the end of the process.
    #[arg(long, conflicts_with = "data_dir")]
    in_memory: bool,

    /// What runs the Data API's SQL: SQLite within the program, or a mariadbd that it starts.
    #[arg(long, value_enum, default_value_t = EngineChoice::Sqlite, env = "LOCAL_AWS_ENGINE")]
    engine: EngineChoice,

    /// A MySQL or MariaDB of yours to run the SQL: mysql://user:password@host:3306/database.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "engine",
        env = "LOCAL_AWS_DATABASE_URL",
        hide_env_values = true
    )]
    database_url: Option<String>,

    /// The name of the database in the cluster.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "app",
        env = "LOCAL_AWS_DATABASE"
    )]
    database: String,

    /// The name of the cluster; its ARN is arn:aws:rds:us-east-1:000000000000:cluster:NAME.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "local",
        env = "LOCAL_AWS_CLUSTER"
    )]
    cluster: String,

    /// The name of the secret with the database's user and password.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "local-database",
        env = "LOCAL_AWS_SECRET"
    )]
    secret: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineChoice {
    Sqlite,
    Mariadb,
}

impl Arguments {
    fn cluster_arn(&self) -> String {
        format!("arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{}", self.cluster)
    }

    fn options(&self) -> LocalAwsOptions {
        let storage = if self.in_memory {
            Storage::InMemory
        } else {
            Storage::Folder(self.data_dir.clone())
        };
        let engine = match (&self.database_url, self.engine) {
            (Some(url), _) => Engine::MySql(url.clone()),
            (None, EngineChoice::Mariadb) => Engine::MariaDb,
            (None, EngineChoice::Sqlite) => Engine::Embedded,
        };
        LocalAwsOptions {
            listen: self.listen,
            storage,
            engine,
            region: REGION.into(),
            account: ACCOUNT.into(),
            cluster_arn: self.cluster_arn(),
            database: self.database.clone(),
            secret: SecretOption {
                name: self.secret.clone(),
                username: "local".into(),
                password: "local".into(),
            },
            limited: None,
            schema: Schema::default(),
            tables: Vec::new(),
            timeouts: Timeouts::default(),
            api_url: None,
            pace: ScalingPace::default(),
        }
    }

    /// The hints that a person needs at startup.
    fn hints(&self, url: &str) -> String {
        let data = if self.in_memory {
            "in memory, gone at the end".to_owned()
        } else {
            self.data_dir.display().to_string()
        };
        format!(
            "Local AWS endpoints: {url}\n\
             Services: {SERVICES}\n\
             Data: {data}\n\
             Try:\n  \
             export AWS_ENDPOINT_URL={url} AWS_REGION={REGION} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any\n  \
             aws rds-data execute-statement --resource-arn {} --secret-arn {} --database {} --sql 'SELECT VERSION()'\n  \
             aws dynamodb list-tables\n",
            self.cluster_arn(),
            self.secret,
            self.database,
        )
    }
}

/// Serves until SIGINT or SIGTERM; a second signal ends the process at once.
pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    match serve(&arguments).await {
        Ok(code) => code,
        Err(problem) => {
            // stderr may be closed.
            let _ = writeln!(io::stderr(), "{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<ExitCode, String> {
    if !arguments.listen.ip().is_loopback() {
        return Err(format!(
            "{} is not a loopback address: signatures are not verified, so other machines must not reach these endpoints. \
             Choose one such as 127.0.0.1:4566 with --listen.",
            arguments.listen
        ));
    }
    let mut signals = StopSignals::new()
        .map_err(|error| format!("The program cannot wait for signals ({error})."))?;
    if !arguments.in_memory {
        make_folder(&arguments.data_dir).map_err(|error| {
            let folder = arguments.data_dir.display();
            format!("Cannot create the data folder {folder} ({error}): choose another one with --data-dir.")
        })?;
    }
    let local = LocalAws::start(arguments.options())
        .await
        .map_err(|error| error.to_string())?;
    let mut output = io::stdout();
    // stdout may be closed.
    let _ = output.write_all(arguments.hints(&local.endpoint_url()).as_bytes());
    let _ = output.flush();
    signals.next().await;
    tokio::select! {
        () = local.stop() => Ok(ExitCode::SUCCESS),
        () = signals.next() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// Creates the folder with access for its owner only; an existing one stays unchanged.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// SIGINT and SIGTERM.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
