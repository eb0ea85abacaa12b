//! What calls a function: API Gateway, or something that stands in for it and differs from it.
//!
//! An event does not tell which of them made it, so the environment does.

use thiserror::Error;

/// The setting of a host that decodes path parameters itself.
const PATH_PARAMETERS: &str = "FLEET_PATH_PARAMETERS";

/// How the events of a host differ from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Whether path parameters arrive percent-encoded, as they do from a REST API.
    pub(crate) encodes_path_parameters: bool,
    /// Whether the request id in the event is that of one request.
    pub(crate) identifies_requests: bool,
}

/// A setting that says nothing known.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("The environment variable {PATH_PARAMETERS} must be encoded or decoded.")]
pub(crate) struct HostError;

impl Host {
    /// Amazon API Gateway, and what hands over the same events.
    pub(crate) const API_GATEWAY: Self = Self {
        encodes_path_parameters: true,
        identifies_requests: true,
    };

    /// Reads the environment by `lookup`: `AWS_SAM_LOCAL`, which `sam local` sets, and `FLEET_PATH_PARAMETERS`.
    ///
    /// # Errors
    /// [`HostError`].
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, HostError> {
        // It decodes path parameters, and gives every request of its process the same id (seen with 1.170.0).
        let is_sam_local = lookup("AWS_SAM_LOCAL").is_some_and(|value| value == "true");
        let encodes = match lookup(PATH_PARAMETERS).as_deref() {
            None | Some("") => !is_sam_local,
            Some("encoded") => true,
            Some("decoded") => false,
            Some(_) => return Err(HostError),
        };
        Ok(Self {
            encodes_path_parameters: encodes,
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
            identifies_requests: false,
        };
        let decodes = Host {
            encodes_path_parameters: false,
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
        assert_eq!(
            read(&[(PATH_PARAMETERS, "Decoded")])
                .unwrap_err()
                .to_string(),
            "The environment variable FLEET_PATH_PARAMETERS must be encoded or decoded."
        );
    }
}
