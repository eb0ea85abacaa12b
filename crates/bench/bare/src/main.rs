//! The least that a function on `lambda_http` does: what the others cost beyond this is theirs.

use lambda_http::{Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_: Request| {
        Ok::<_, Error>(Response::new(r#"{"status":"ok"}"#.to_owned()))
    }))
    .await
}
