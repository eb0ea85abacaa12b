//! `fleet-server export` and `fleet-server import`: the whole inventory and all dimensions as JSON Lines.
//!
//! An export reads the API itself (`--url`), or the stores through the functions' ports. An import writes to the
//! stores, since no API route sets a creation date.

mod api;
mod error;
mod export;
mod import;
mod line;
mod page;
mod retry;
mod source;
mod stores;

use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser};
use reqwest::Url;

use api::ApiClient;
use error::TransferError;
use source::ExportSource;
use stores::StoreOptions;

#[derive(Clone, Parser)]
#[command(name = "fleet-server", version)]
enum Transfer {
    /// Writes all instances and all dimensions to a file of JSON Lines, or continues an unfinished file.
    ///
    /// The API stays in use: an instance that is added or removed meanwhile may be in the file or not.
    Export(ExportOptions),
    /// Adds what such a file contains. Existing equal records stay, so it can be run again.
    ///
    /// A record that exists with other contents is named and not changed, and the exit code is 4.
    Import(ImportOptions),
}

#[derive(Clone, Args)]
struct ExportOptions {
    /// The file of JSON Lines
    file: PathBuf,

    /// Read the API at this base URL instead of the stores: that of a local server, or ApiEndpoint of the stack's outputs
    #[arg(long, env = "FLEET_URL", value_name = "URL", value_parser = base_url, hide_env_values = true)]
    url: Option<Url>,

    /// A file whose first line is the API key to send
    #[arg(long, value_name = "FILE", requires = "url")]
    api_key_file: Option<PathBuf>,

    /// Sign the requests for this region (SigV4) with the credentials of the AWS configuration
    #[arg(long, value_name = "REGION", requires = "url")]
    sign: Option<String>,

    #[command(flatten)]
    stores: StoreOptions,
}

#[derive(Clone, Args)]
struct ImportOptions {
    /// The file of JSON Lines
    file: PathBuf,

    #[command(flatten)]
    stores: StoreOptions,
}

/// Reads a base URL.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must be the base of the API, without a query".into());
    }
    Ok(url)
}

/// Whether the program was started as `export` or `import` and not as a server.
pub(crate) fn is_requested() -> bool {
    env::args_os()
        .nth(1)
        .is_some_and(|word| word == "export" || word == "import")
}

/// The program `name` with `export` or `import` as its first argument.
pub(crate) async fn program(name: &str) -> ExitCode {
    let ended = match Transfer::parse() {
        Transfer::Export(options) => export(&options).await,
        Transfer::Import(options) => import(&options).await,
    };
    match ended {
        Ok((text, code)) => {
            let _ = writeln!(io::stdout(), "{text}");
            code
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn export(options: &ExportOptions) -> Result<(String, ExitCode), TransferError> {
    let ExportOptions {
        file,
        url,
        api_key_file,
        sign,
        stores,
    } = options;
    if let Some(url) = url {
        let api = ApiClient::new(url, api_key_file.as_deref(), sign.as_deref()).await?;
        return export::run(&ExportSource::Api(api), file).await;
    }
    let (stores, ports) = stores::open(stores).await?;
    let source = ExportSource::Stores {
        inventory: ports.reads,
        dimensions: ports.dimensions,
    };
    let ended = export::run(&source, file).await;
    stores::close(stores).await;
    ended
}

async fn import(options: &ImportOptions) -> Result<(String, ExitCode), TransferError> {
    let (stores, ports) = stores::open(&options.stores).await?;
    let ended = import::run(&ports, &options.file).await;
    stores::close(stores).await;
    ended
}
