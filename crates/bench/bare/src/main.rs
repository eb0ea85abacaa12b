//! The minimum that a function on `lambda_http` does: whatever the others cost beyond this is their own cost.

use lambda_http::{Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_: Request| {
        Ok::<_, Error>(Response::new(r#"{"status":"ok"}"#.to_owned()))
    }))
    .await
}
