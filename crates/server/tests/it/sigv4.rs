//! Signature Version 4, computed independently from the specification
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>) and not by the crate that
//! the server verifies with.

use std::{fmt::Write as _, time::SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, macros::format_description};

pub(crate) const ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// How a request is signed.
pub(crate) struct TestSigner<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) at: SystemTime,
}

impl Default for TestSigner<'_> {
    fn default() -> Self {
        Self {
            id: ID,
            secret: SECRET,
            region: "us-east-1",
            service: "execute-api",
            token: None,
            at: SystemTime::now(),
        }
    }
}

impl TestSigner<'_> {
    /// The headers of a signed request. `path` is percent-encoded, `query` is sorted and encoded.
    pub(crate) fn sign(
        &self,
        host: &str,
        method: &str,
        path: &str,
        query: &str,
        body: &str,
    ) -> Vec<(&'static str, String)> {
        let time = OffsetDateTime::from(self.at)
            .format(format_description!(
                "[year][month][day]T[hour][minute][second]Z"
            ))
            .unwrap();
        let mut headers = vec![("host", host.to_owned()), ("x-amz-date", time.clone())];
        if let Some(token) = self.token {
            headers.push(("x-amz-security-token", token.to_owned()));
        }
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let signed = names.join(";");
        // Every service except S3 encodes the path once more.
        let mut canonical = format!("{method}\n{}\n{query}\n", path.replace('%', "%25"));
        for (name, value) in &headers {
            writeln!(canonical, "{name}:{value}").unwrap();
        }
        write!(canonical, "\n{signed}\n{}", hex(&Sha256::digest(body))).unwrap();
        let day = &time[..8];
        let parts = [day, self.region, self.service, "aws4_request"];
        let scope = parts.join("/");
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
            hex(&Sha256::digest(canonical))
        );
        let key = parts
            .iter()
            .fold(format!("AWS4{}", self.secret).into_bytes(), |key, part| {
                hmac(&key, part)
            });
        let signature = hex(&hmac(&key, &to_sign));
        let id = self.id;
        headers.push((
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}"),
        ));
        headers
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
