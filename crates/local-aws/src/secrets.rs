//! Secrets Manager, for the secrets given at startup.
//!
//! `GetSecretValue` and `DescribeSecret`, by name, ARN or the ARN without its random suffix:
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.

use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::respond::{self, ServiceResponse};

/// The prefix of the service's operations in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "secretsmanager.";

/// The content type of its responses.
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// The only version stage of a secret without rotation.
const CURRENT: &str = "AWSCURRENT";

/// All secrets.
#[derive(Debug)]
pub(crate) struct Secrets(Vec<StoredSecret>);

#[derive(Debug)]
pub(crate) struct StoredSecret {
    name: String,
    arn: String,
    version: String,
    value: SecretText,
    created: u64,
}

/// The text of the secret; never printed.
struct SecretText(String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The content of a database secret, in the format that RDS writes:
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>.
#[derive(Debug)]
pub(crate) struct DatabaseSecret<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) database: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretRequest {
    secret_id: Option<String>,
    version_id: Option<String>,
    version_stage: Option<String>,
}

impl Secrets {
    pub(crate) fn new(all: Vec<StoredSecret>) -> Self {
        Self(all)
    }

    /// The index of the secret that `id` names.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.0.iter().position(|secret| secret.is_named(id))
    }
}

impl StoredSecret {
    pub(crate) fn new(
        region: &str,
        account: &str,
        name: &str,
        secret: &DatabaseSecret<'_>,
    ) -> Self {
        // The service appends six random characters; here they stay the same at every start.
        let mark = fnv(name.as_bytes());
        let value = json!({
            "username": secret.username,
            "password": secret.password,
            "engine": "mysql",
            "host": secret.host,
            "port": secret.port,
            "dbname": secret.database,
        });
        Self {
            name: name.to_owned(),
            arn: format!(
                "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{}",
                suffix(mark)
            ),
            version: format!(
                "{:08x}-0000-4000-8000-{:012x}",
                mark >> 32,
                mark & 0xffff_ffff_ffff
            ),
            value: SecretText(value.to_string()),
            created: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        }
    }

    /// Whether `id` names this secret.
    fn is_named(&self, id: &str) -> bool {
        let partial = self.arn.rsplit_once('-').map_or("", |(partial, _)| partial);
        id == self.name || id == self.arn || id == partial
    }
}

impl Secrets {
    /// Handles one request.
    pub(crate) fn answer(&self, target: &str, body: &[u8]) -> ServiceResponse {
        let operation = target.strip_prefix(TARGET_PREFIX).unwrap_or(target);
        if !matches!(operation, "GetSecretValue" | "DescribeSecret") {
            let message = format!(
                "The local Secrets Manager answers GetSecretValue and DescribeSecret, not {operation}."
            );
            return refuse("UnknownOperationException", &message);
        }
        let Ok(request) = serde_json::from_slice::<SecretRequest>(body) else {
            return refuse(
                "SerializationException",
                "The request is not a JSON object for this operation.",
            );
        };
        let Some(id) = request.secret_id else {
            return refuse(
                "InvalidParameterException",
                "The parameter SecretId is missing.",
            );
        };
        let Some(secret) = self.0.iter().find(|secret| secret.is_named(&id)) else {
            return refuse(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            );
        };
        if operation == "DescribeSecret" {
            return secret.describe();
        }
        match (request.version_id, request.version_stage) {
            (Some(version), _) if version != secret.version => {
                let message = format!(
                    "Secrets Manager can't find the specified secret value for VersionId: {version}"
                );
                refuse("ResourceNotFoundException", &message)
            }
            (Some(_), Some(stage)) if stage != CURRENT => refuse(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            ),
            (_, Some(stage)) if stage != CURRENT => {
                let message = format!(
                    "Secrets Manager can't find the specified secret value for staging label: {stage}"
                );
                refuse("ResourceNotFoundException", &message)
            }
            _ => secret.value(),
        }
    }
}

impl StoredSecret {
    fn value(&self) -> ServiceResponse {
        let body = json!({
            "ARN": self.arn,
            "Name": self.name,
            "VersionId": self.version,
            "SecretString": self.value.0,
            "VersionStages": [CURRENT],
            "CreatedDate": self.created,
        });
        respond::answer(StatusCode::OK, CONTENT_TYPE, body.to_string())
    }

    fn describe(&self) -> ServiceResponse {
        let body = json!({
            "ARN": self.arn,
            "Name": self.name,
            "RotationEnabled": false,
            "CreatedDate": self.created,
            "LastChangedDate": self.created,
            "VersionIdsToStages": {&self.version: [CURRENT]},
        });
        respond::answer(StatusCode::OK, CONTENT_TYPE, body.to_string())
    }
}

fn refuse(kind: &'static str, message: &str) -> ServiceResponse {
    respond::error(StatusCode::BAD_REQUEST, CONTENT_TYPE, kind, message)
}

/// FNV-1a: good enough to distinguish names.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn suffix(mut mark: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..6)
        .map(|_| {
            let letter = LETTERS[(mark % LETTERS.len() as u64) as usize];
            mark /= LETTERS.len() as u64;
            char::from(letter)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let secret = DatabaseSecret {
            username: "fleet",
            password: "p",
            host: "127.0.0.1",
            port: 3306,
            database: "d",
        };
        Secrets::new(
            ["fleet-db", "fleet-db-reader"]
                .map(|name| StoredSecret::new("us-east-1", "000000000000", name, &secret))
                .into(),
        )
    }

    #[test]
    fn the_secret_is_known_by_name_arn_and_partial_arn() {
        let secrets = secrets();
        let partial = "arn:aws:secretsmanager:us-east-1:000000000000:secret:fleet";
        for (position, name) in ["db", "db-reader"].into_iter().enumerate() {
            let names = [
                format!("fleet-{name}"),
                secrets.0[position].arn.clone(),
                format!("{partial}-{name}"),
            ];
            for id in names {
                assert_eq!(secrets.position(&id), Some(position), "{id}");
            }
        }
        for id in ["fleet", partial, ""] {
            assert_eq!(secrets.position(id), None, "{id}");
        }
    }

    #[test]
    fn the_password_is_not_printed() {
        assert!(!format!("{:?}", secrets()).contains("password"));
    }

    #[test]
    fn the_arn_is_the_same_at_every_start() {
        assert_eq!(secrets().0[0].arn, secrets().0[0].arn);
    }
}
