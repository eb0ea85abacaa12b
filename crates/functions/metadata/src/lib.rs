//! `GET /v1`, `/v1/metadata` and `/v1/openapi.json`: what the API is, the running version, and the API's description.

mod build;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeMap};

use fleet_http::{
    ApiError, Function, Request, Response, Route, StatusCode, base_path, cacheable, json,
    json_text, route,
};
use serde::Serialize;

const NAME: &str = "fleet-api";
const DESCRIPTION: &str = "Fleet API keeps an inventory of EC2 instances and scales custom resources for AWS Application Auto Scaling.";

/// The API's description; `cargo run -p fleet-openapi` writes it.
pub const OPENAPI: &str = include_str!("openapi.json");

/// The place where the function runs.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The AWS region, if known (`AWS_REGION`).
    pub region: Option<String>,
    /// The function's name (`AWS_LAMBDA_FUNCTION_NAME`).
    pub function: String,
}

impl Deployment {
    /// Reads it from Lambda's environment variables.
    #[must_use]
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok();
        Self {
            region: variable("AWS_REGION"),
            function: variable("AWS_LAMBDA_FUNCTION_NAME")
                .unwrap_or_else(|| Metadata::NAME.to_owned()),
        }
    }
}

/// The function.
#[derive(Clone, Debug)]
pub struct Metadata {
    place: Deployment,
    openapi: Cow<'static, str>,
}

impl Metadata {
    /// The function, running in `place`.
    #[must_use]
    pub fn new(place: Deployment) -> Self {
        Self {
            place,
            openapi: Cow::Borrowed(OPENAPI),
        }
    }

    /// The same function with `openapi` as the API's description, for example that of a particular host.
    #[must_use]
    pub fn with_openapi(self, openapi: String) -> Self {
        Self {
            openapi: openapi.into(),
            ..self
        }
    }
}

/// What the API is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Index {
    name: &'static str,
    version: &'static str,
    /// One sentence.
    description: &'static str,
    /// Paths by name, with the stage or base path of the request.
    links: BTreeMap<&'static str, String>,
}

/// What exactly is running.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Metadata))]
pub struct MetadataResponse {
    name: &'static str,
    version: &'static str,
    /// One sentence.
    description: &'static str,
    /// The commit's full hash, or `unknown`.
    #[cfg_attr(
        feature = "schema",
        schema(pattern = "^([0-9a-f]{40}|[0-9a-f]{64}|unknown)$")
    )]
    commit: &'static str,
    /// The commit's time; null where the commit is unknown.
    #[cfg_attr(feature = "schema", schema(format = DateTime, required))]
    built_at: Option<String>,
    #[cfg_attr(feature = "schema", schema(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+"))]
    rust_version: &'static str,
    /// The processor: `x86_64` or `aarch64`, say.
    architecture: &'static str,
    /// The AWS region; null where none is known.
    #[cfg_attr(feature = "schema", schema(required))]
    region: Option<String>,
    /// The function's name.
    function: String,
}

/// The paths from the API's root. Links also contain the gateway's prefix: a stage, or a domain's base path.
const LINKS: &[(&str, &str)] = &[
    ("self", "/v1"),
    ("metadata", "/v1/metadata"),
    ("openapi", "/v1/openapi.json"),
    ("health", "/v1/health"),
    ("readiness", "/v1/health/ready"),
    ("instances", "/ec2"),
    ("instance", "/ec2/{aws_instance_id}"),
    ("scalable_target_dimensions", "/v1/scalableTargetDimensions"),
    (
        "scalable_target_dimension",
        "/v1/scalableTargetDimensions/{scalableTargetDimensionId}",
    ),
    ("books", "/api/books"),
    ("book", "/api/books/{id}"),
    ("books_health", "/api/books/health"),
    ("authors", "/api/authors"),
    ("author", "/api/authors/{id}"),
    ("authors_health", "/api/authors/health"),
];

impl Function for Metadata {
    const NAME: &'static str = "metadata";
    const ROUTES: &'static [Route] = &[
        ("GET", "/v1"),
        ("GET", "/v1/metadata"),
        ("GET", "/v1/openapi.json"),
    ];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        match route(&request) {
            "/v1/metadata" => self.metadata(),
            "/v1/openapi.json" => Ok(cacheable(json_text(StatusCode::OK, &*self.openapi))),
            _ => index(&request),
        }
    }
}

fn index(request: &Request) -> Result<Response, ApiError> {
    let base = base_path(request);
    let links = LINKS
        .iter()
        .map(|(name, path)| (*name, format!("{base}{path}")))
        .collect();
    json(
        StatusCode::OK,
        &Index {
            name: NAME,
            version: build::VERSION,
            description: DESCRIPTION,
            links,
        },
    )
}

impl Metadata {
    fn metadata(&self) -> Result<Response, ApiError> {
        json(
            StatusCode::OK,
            &MetadataResponse {
                name: NAME,
                version: build::VERSION,
                description: DESCRIPTION,
                commit: build::commit(),
                built_at: build::built_at(),
                rust_version: build::RUST_VERSION,
                architecture: std::env::consts::ARCH,
                region: self.place.region.clone(),
                function: self.place.function.clone(),
            },
        )
    }
}
