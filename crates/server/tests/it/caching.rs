//! What clients and caches may store: whatever only a deployment changes, and nothing else.

use crate::{binary::Binary, client};

#[tokio::test]
async fn books_authors_and_the_document_may_be_kept_and_nothing_else() {
    let server = Binary::start(&["--in-memory"]).await;
    for (path, status, kept) in [
        ("/api/books", 200, true),
        ("/api/books/1", 200, true),
        ("/api/authors", 200, true),
        ("/api/authors/1", 200, true),
        ("/v1/openapi.json", 200, true),
        ("/api/books/99", 404, false),
        ("/api/books/health", 200, false),
        ("/api/authors/health", 200, false),
        ("/v1", 200, false),
        ("/v1/metadata", 200, false),
        ("/v1/health", 200, false),
        ("/v1/health/ready", 200, false),
        ("/ec2", 200, false),
        ("/ec2/i-1", 200, false),
        ("/ec2?limit=0", 400, false),
        ("/scalableTargetDimensions", 200, false),
        ("/scalableTargetDimensions/1", 200, false),
    ] {
        let answer = client::send(server.address(), "GET", path, "").await;
        assert_eq!(answer.status, status, "{path}");
        let has = answer.headers.get("cache-control");
        let value = has.map(|value| value.to_str().unwrap_or_default());
        assert_eq!(value, kept.then_some("public, max-age=300"), "{path}");
    }
}
