//! A function's program, started as Lambda does.

use std::process::{Child, Command, Stdio};

use super::runtime_api::{RuntimeApi, RuntimeSession};
use crate::error::BenchError;

/// A function's process; killed when this is dropped.
pub(crate) struct FunctionProcess(pub(crate) Child);

impl FunctionProcess {
    /// Starts it with only these variables and the Runtime API's address in its environment.
    pub(crate) fn start(
        mut command: Command,
        variables: &[(String, String)],
        api: &RuntimeApi,
    ) -> Result<Self, BenchError> {
        let process = command
            .env_clear()
            .envs(variables.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", api.address()?.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(process))
    }

    pub(crate) fn first_call(&mut self, api: &RuntimeApi) -> Result<RuntimeSession, BenchError> {
        api.wait_for(&mut self.0)
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
