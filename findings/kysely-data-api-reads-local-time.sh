#!/usr/bin/env bash
# kysely-data-api takes a TIMESTAMP for local time: the same row is another moment on a laptop than on Lambda, whose zone is UTC.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --legacy-peer-deps kysely@0.27.6 kysely-data-api@2.0.0 @aws-sdk/client-rds-data@3.1143.0 >/dev/null 2>&1
cat >ask.js <<'JS'
const http = require("http");
const { Kysely } = require("kysely");
const { DataApiDialect } = require("kysely-data-api");
const { RDSData } = require("@aws-sdk/client-rds-data");
// One row of Aurora MySQL, whose columns are called as their types; the Data API has times in UTC.
const columns = { TIMESTAMP: "2024-01-02 03:04:05", DATE: "2024-01-02", DATETIME: "2024-01-02 03:04:05" };
const server = http.createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({
      columnMetadata: Object.keys(columns).map((name) => ({ name, label: name, typeName: name })),
      records: [Object.values(columns).map((stringValue) => ({ stringValue }))],
      numberOfRecordsUpdated: 0,
    }));
  });
});
server.listen(0, "127.0.0.1", async () => {
  const client = new RDSData({ endpoint: `http://127.0.0.1:${server.address().port}`, region: "us-east-1", credentials: { accessKeyId: "any", secretAccessKey: "any" } });
  const driver = { client, database: "d", resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:c", secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:s" };
  const row = await new Kysely({ dialect: new DataApiDialect({ mode: "mysql", driver }) }).selectFrom("t").selectAll().executeTakeFirst();
  console.log(JSON.stringify(row));
  process.exit(0);
});
JS
for zone in UTC America/New_York; do
    row=$(TZ=$zone node --no-warnings ask.js)
    echo "kysely-data-api 2.0.0, TZ=$zone: $row"
    hour=$([[ $zone == UTC ]] && echo 03 || echo 08)
    [[ $row == "{\"TIMESTAMP\":\"2024-01-02T$hour:04:05.000Z\",\"DATE\":\"2024-01-02T00:00:00.000Z\",\"DATETIME\":\"2024-01-02 03:04:05\"}" ]]
done
