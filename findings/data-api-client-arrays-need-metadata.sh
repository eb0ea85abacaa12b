#!/usr/bin/env bash
# data-api-client returns rows as arrays only if the column metadata was asked for as well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit data-api-client@1.3.1 aws-sdk@2.1693.0 >/dev/null 2>&1
cat >ask.js <<'JS'
const http = require("http");
const target = { resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:c", secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:s" };
// Answers as the Data API's reference says: columnMetadata is there if includeResultMetadata is true.
const columnMetadata = [{ label: "n", name: "n", typeName: "INT" }];
const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const asked = JSON.parse(body).includeResultMetadata === true;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ records: [[{ longValue: 1 }]], numberOfRecordsUpdated: 0, ...(asked ? { columnMetadata } : {}) }));
  });
});
server.listen(0, "127.0.0.1", async () => {
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  const options = { endpoint, region: "us-east-1", accessKeyId: "any", secretAccessKey: "any" };
  const client = require("data-api-client")({ ...target, options });
  const seen = async (more) => client.query({ sql: "SELECT 1 AS n", ...more }).then((a) => JSON.stringify(a.records), (e) => e.message);
  const answers = [
    await seen({}),
    await seen({ hydrateColumnNames: false }),
    await seen({ hydrateColumnNames: false, includeResultMetadata: true }),
  ];
  console.log("data-api-client 1.3.1, as objects:", answers[0]);
  console.log("hydrateColumnNames: false:", answers[1]);
  console.log("the same with includeResultMetadata: true:", answers[2]);
  server.close();
  const wanted = ['[{"n":1}]', "Cannot read properties of undefined (reading 'toUpperCase')", "[[1]]"];
  process.exit(JSON.stringify(answers) === JSON.stringify(wanted) ? 0 : 1);
});
JS
AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1 node ask.js
