#!/usr/bin/env bash
# knex-aurora-data-api-client gives a syntax error (1064) the code of a missing table, and a duplicate key (1062) none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --legacy-peer-deps knex@2.5.1 knex-aurora-data-api-client@1.10.0 data-api-client@1.3.1 aws-sdk@2.1693.0 >/dev/null 2>&1
cat >ask.js <<'JS'
const http = require("http");
// Refuses each statement with the next of these errors of MySQL, in the words that this client looks for.
const errors = ["1064. Message: You have an error in your SQL syntax", "1146. Message: Table 'd.t' doesn't exist", "1062. Message: Duplicate entry '1' for key 't.PRIMARY'"];
let next = 0;
const server = http.createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.statusCode = 400;
    response.setHeader("x-amzn-ErrorType", "BadRequestException");
    response.end(JSON.stringify({ message: `Database error code: ${errors[next++]}` }));
  });
});
server.listen(0, "127.0.0.1", async () => {
  const options = { endpoint: `http://127.0.0.1:${server.address().port}`, region: "us-east-1", accessKeyId: "any", secretAccessKey: "any" };
  const connection = { resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:c", secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:s", database: "d", options };
  const knex = require("knex")({ client: require("knex-aurora-data-api-client").mysql, connection });
  const codes = [];
  for (const error of errors) {
    const code = await knex("t").insert({ id: 1 }).then(() => "no error", (seen) => seen.code);
    console.log(`knex-aurora-data-api-client 1.10.0: ${error.slice(0, 4)} has the code ${code}`);
    codes.push(code);
  }
  server.close();
  process.exit(codes.join() === "ER_NO_SUCH_TABLE,ER_NO_SUCH_TABLE,BadRequestException" ? 0 : 1);
});
JS
AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1 node ask.js
