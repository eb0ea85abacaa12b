//! Lists of a million instances with two packages each: every combination of filters, at the first page and deep.

use std::time::Instant;

use http::Method;
use serde_json::json;

use crate::{
    error::BenchError,
    load::LoadConnection,
    report::{Report, ReportCell},
    server::{BenchServer, ServerSetup},
    statistics::median,
};

/// How often each page is requested.
const TIMES: usize = 41;
/// The id after which a deep page begins: after three quarters of the ids.
const DEEP: &str = "i-750000";
const DIGITS: &str = "(SELECT '0' AS d UNION ALL SELECT '1' UNION ALL SELECT '2' UNION ALL SELECT '3' UNION ALL SELECT '4' \
                      UNION ALL SELECT '5' UNION ALL SELECT '6' UNION ALL SELECT '7' UNION ALL SELECT '8' UNION ALL SELECT '9')";

/// The lists: their filters, and a description of the matches.
const LISTS: [(&str, &str); 18] = [
    ("", "everything"),
    ("aws_region=region-3", "a tenth"),
    ("aws_region=rare", "ten"),
    ("aws_account=account-4", "a tenth"),
    ("aws_region=region-3&aws_account=account-4", "a hundredth"),
    ("aws_region=region-3&aws_account=rare", "none"),
    ("package_name=agent", "everything"),
    ("package_name=package-123", "a thousandth"),
    ("package_name=none", "none"),
    ("package_name=agent&package_version=1.5", "a tenth"),
    (
        "package_name=package-123&package_version=2.4",
        "one in 10,000",
    ),
    ("aws_region=region-3&package_name=agent", "a tenth"),
    ("aws_region=region-4&package_name=package-123", "none"),
    (
        "aws_account=account-4&package_name=package-123",
        "one in 10,000",
    ),
    (
        "aws_region=region-3&package_name=agent&package_version=1.5",
        "a hundredth",
    ),
    (
        "aws_account=account-4&package_name=agent&package_version=1.5",
        "a hundredth",
    ),
    (
        "aws_region=region-3&aws_account=account-4&package_name=agent&package_version=1.5",
        "a thousandth",
    ),
    (
        "aws_region=region-4&aws_account=account-4&package_name=package-123",
        "none",
    ),
];

/// Fills a server, and requests each list from it.
pub(crate) async fn measure(setup: ServerSetup) -> Result<Report, BenchError> {
    let (server, _) = BenchServer::start(setup).await?;
    let begun = Instant::now();
    fill(&server).await?;
    let mut notes = vec![format!(
        "1,000,000 instances with two packages each, made in {} s.",
        begun.elapsed().as_secs()
    )];
    let mut connection = LoadConnection::open(&server.address).await?;
    let mut rows = Vec::new();
    for (filters, found) in LISTS {
        let [one, first] = medians(&mut connection, filters, "").await?;
        let [other, deep] = medians(&mut connection, filters, &token()).await?;
        let shown = if filters.is_empty() {
            "none".to_owned()
        } else {
            format!("`{filters}`")
        };
        rows.push(vec![
            ReportCell::Text(shown),
            ReportCell::text(found),
            ReportCell::Number(1e3 * first, 2),
            ReportCell::Number(first / one, 1),
            ReportCell::Number(1e3 * deep, 2),
            ReportCell::Number(deep / other, 1),
        ]);
    }
    for path in [
        "/_ui/state?only=instances",
        "/_ui/state?only=instances&aws_region=region-3&package_name=agent",
        "/_ui/state?only=instances&q=agent",
        "/_ui/state?only=instances&q=750000",
        "/_ui/filters",
    ] {
        let begun = Instant::now();
        connection.send(Method::GET, path, String::new()).await?;
        notes.push(format!(
            "- The page's own request `{path}`: {:.1} ms",
            1e3 * begun.elapsed().as_secs_f64()
        ));
    }
    server.stop().await?;
    Ok(Report {
        title: "Growth".to_owned(),
        notes,
        columns: vec![
            "filters",
            "match",
            "first page ms",
            "× unfiltered",
            "deep page ms",
            "deep × unfiltered",
        ],
        rows,
    })
}

/// The token of a page after [`DEEP`].
fn token() -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(json!({ "after": DEEP }).to_string())
}

/// The medians of a page without filters and of the same page with them, in seconds. They are requested alternately, so
/// that other activity of the machine affects both equally.
async fn medians(
    connection: &mut LoadConnection,
    filters: &str,
    token: &str,
) -> Result<[f64; 2], BenchError> {
    let paths = ["", filters].map(|filters| path(filters, token));
    let mut spans = [const { Vec::new() }; 2];
    for _ in 0..TIMES {
        for (path, spans) in paths.iter().zip(&mut spans) {
            let begun = Instant::now();
            let status = connection.send(Method::GET, path, String::new()).await?;
            spans.push(begun.elapsed().as_secs_f64());
            if !status.is_success() {
                return Err(format!("{path} answered {status}").into());
            }
        }
    }
    Ok(spans.map(|spans| median(spans).unwrap_or_default()))
}

fn path(filters: &str, token: &str) -> String {
    let token = if token.is_empty() {
        String::new()
    } else {
        format!("next_token={token}")
    };
    let parameters: Vec<&str> = [filters, token.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    format!("/ec2?{}", parameters.join("&"))
}

/// Creates the instances through the local Data API, 100,000 at a time. Everything but the id is derived from it.
async fn fill(server: &BenchServer) -> Result<(), BenchError> {
    let rows = format!(
        "FROM {DIGITS} b CROSS JOIN {DIGITS} c CROSS JOIN {DIGITS} e CROSS JOIN {DIGITS} f CROSS JOIN {DIGITS} g"
    );
    let id = "CONCAT('i-', :lead, b.d, c.d, e.d, f.d, g.d)";
    let is_rare = "c.d = '0' AND e.d = '0' AND f.d = '0' AND g.d";
    let statements = [
        format!(
            "INSERT INTO ec2 (aws_instance_id, aws_region, aws_account, creation_date_utc, add_token) SELECT {id}, \
             CASE WHEN {is_rare} = '0' AND b.d = '0' THEN 'rare' ELSE CONCAT('region-', g.d) END, \
             CASE WHEN {is_rare} = '1' AND b.d = '0' THEN 'rare' ELSE CONCAT('account-', f.d) END, \
             '2026-01-01 00:00:00', 'generated' {rows}"
        ),
        format!(
            "INSERT INTO ec2_package (aws_instance_id, package_name, package_version) \
             SELECT {id}, 'agent', CONCAT('1.', e.d) {rows}"
        ),
        format!(
            "INSERT INTO ec2_package (aws_instance_id, package_name, package_version) \
             SELECT {id}, CONCAT('package-', c.d, e.d, g.d), CONCAT('2.', f.d) {rows}"
        ),
    ];
    let mut connection = LoadConnection::open(&server.aws_address).await?;
    for lead in 0..10 {
        for sql in &statements {
            let parameter = json!({ "name": "lead", "value": { "stringValue": lead.to_string() } });
            let body = json!({
                "resourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
                "secretArn": "fleet-db",
                "database": "ec2_inventory_db",
                "sql": sql,
                "parameters": [parameter],
            });
            let status = connection
                .send(Method::POST, "/Execute", body.to_string())
                .await?;
            if !status.is_success() {
                return Err(format!("the Data API answered {status}").into());
            }
        }
    }
    Ok(())
}
