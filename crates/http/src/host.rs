//! The caller of a function: API Gateway, or a stand-in that differs from it.
//!
//! An event does not show which of them made it, so the environment does.

use thiserror::Error;

/// The setting of a host that decodes path parameters itself.
const PATH_PARAMETERS: &str = "FLEET_PATH_PARAMETERS";

/// The API id in every event of `sam local start-api` (seen with 1.170.0). AWS's ids contain letters too.
const SAM_API: &str = "1234567890";

/// How the events of different hosts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Whether path parameters arrive percent-encoded, as they do from a REST API.
    pub(crate) encodes_path_parameters: bool,
    /// Whether only the API of `sam local start-api` is an exception: the events that `sam local invoke` reads from a
    /// file are encoded, as AWS sent them.
    pub(crate) but_of_sam_alone: bool,
    /// Whether the request id in an event is unique to its request.
    pub(crate) identifies_requests: bool,
}

/// An unknown value of the setting.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("The environment variable {PATH_PARAMETERS} must be encoded or decoded.")]
pub(crate) struct HostError;

impl Host {
    /// Amazon API Gateway, and anything that passes the same events.
    pub(crate) const API_GATEWAY: Self = Self {
        encodes_path_parameters: true,
        but_of_sam_alone: false,
        identifies_requests: true,
    };

    /// Whether the path parameters of an event of the API `api` are percent-encoded.
    pub(crate) fn encodes(self, api: Option<&str>) -> bool {
        self.encodes_path_parameters || self.but_of_sam_alone && api != Some(SAM_API)
    }

    /// Reads the environment by `lookup`: `AWS_SAM_LOCAL`, which `sam local` sets, and `FLEET_PATH_PARAMETERS`.
    ///
    /// # Errors
    /// [`HostError`].
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, HostError> {
        // It decodes path parameters, and uses one request id for all requests of its process (seen with 1.170.0).
        let is_sam_local = lookup("AWS_SAM_LOCAL").is_some_and(|value| value == "true");
        let (encodes, but_of_sam_alone) = match lookup(PATH_PARAMETERS).as_deref() {
            None | Some("") => (!is_sam_local, is_sam_local),
            Some("encoded") => (true, false),
            Some("decoded") => (false, false),
            Some(_) => return Err(HostError),
        };
        Ok(Self {
            encodes_path_parameters: encodes,
            but_of_sam_alone,
            identifies_requests: !is_sam_local,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Host, HostError> {
        Host::read(|name| {
            let variable = variables.iter().find(|(known, _)| *known == name);
            variable.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn sam_local_and_a_setting_mark_a_host_that_decodes() {
        let sam_local = Host {
            encodes_path_parameters: false,
            but_of_sam_alone: true,
            identifies_requests: false,
        };
        let decodes = Host {
            encodes_path_parameters: false,
            but_of_sam_alone: false,
            identifies_requests: true,
        };
        assert_eq!(read(&[]), Ok(Host::API_GATEWAY));
        assert_eq!(
            read(&[("AWS_SAM_LOCAL", ""), (PATH_PARAMETERS, "")]),
            Ok(Host::API_GATEWAY)
        );
        assert_eq!(read(&[(PATH_PARAMETERS, "encoded")]), Ok(Host::API_GATEWAY));
        assert_eq!(read(&[("AWS_SAM_LOCAL", "true")]), Ok(sam_local));
        assert_eq!(read(&[(PATH_PARAMETERS, "decoded")]), Ok(decodes));
        // An event from a file, and one of sam's own API.
        for (host, api, encoded) in [
            (sam_local, Some("a1b2c3d4e5"), true),
            (sam_local, None, true),
            (sam_local, Some(SAM_API), false),
            (decodes, Some("a1b2c3d4e5"), false),
            (Host::API_GATEWAY, Some(SAM_API), true),
        ] {
            assert_eq!(host.encodes(api), encoded, "{host:?} {api:?}");
        }
        assert_eq!(
            read(&[(PATH_PARAMETERS, "Decoded")])
                .unwrap_err()
                .to_string(),
            "The environment variable FLEET_PATH_PARAMETERS must be encoded or decoded."
        );
    }
}
