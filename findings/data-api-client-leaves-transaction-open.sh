#!/usr/bin/env bash
# data-api-client rolls a transaction back if the Data API refuses a statement. If the client itself refuses one, or the
# caller's function fails between two, it throws and leaves the transaction open, with its locks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit data-api-client@1.3.1 aws-sdk@2.1693.0 >/dev/null 2>&1
cat >ask.js <<'JS'
const http = require("http");
// Answers as the Data API's reference says, and refuses one statement.
const asked = [];
const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    asked.push(request.url.slice(1));
    const refused = body.includes("refused");
    response.statusCode = refused ? 400 : 200;
    if (refused) response.setHeader("x-amzn-ErrorType", "BadRequestException");
    response.end(JSON.stringify(refused ? { message: "refused" } : { transactionId: "t", transactionStatus: "ended", numberOfRecordsUpdated: 1 }));
  });
});
server.listen(0, "127.0.0.1", async () => {
  const options = { endpoint: `http://127.0.0.1:${server.address().port}`, region: "us-east-1", accessKeyId: "any", secretAccessKey: "any" };
  const client = require("data-api-client")({ resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:c", secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:s", options });
  const endings = {};
  const attempt = async (name, ...second) => {
    asked.length = 0;
    const error = await client.transaction().query("UPDATE t SET n = 1").query(...second).commit().catch((error) => error);
    endings[name] = asked[asked.length - 1];
    console.log(`data-api-client 1.3.1, ${name}: "${error.message}", asked for ${asked.join(", ")}`);
  };
  await attempt("the service refuses", "a statement that is refused");
  await attempt("the client refuses", "UPDATE t SET n = :n", { n: [1] });
  await attempt("the caller's function throws", () => { throw new Error("of the caller"); });
  server.close();
  process.exit(Object.values(endings).join() === "RollbackTransaction,Execute,Execute" ? 0 : 1);
});
JS
AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1 node ask.js
