#!/usr/bin/env bash
# knex-aurora-data-api-client ends a failed transaction before RollbackTransaction has been answered, so a Lambda function that returns
# then is frozen with the rows still locked.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --legacy-peer-deps knex@2.5.1 knex-aurora-data-api-client@1.10.0 data-api-client@1.3.1 aws-sdk@2.1693.0 >/dev/null 2>&1
cat >ask.js <<'JS'
const http = require("http");
// Answers as the Data API's reference says, and takes its time for the end of a transaction.
const seen = [];
const server = http.createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    seen.push(`${request.url.slice(1)} asked`);
    const ends = ["/RollbackTransaction", "/CommitTransaction"].includes(request.url);
    const answer = ends ? { transactionStatus: "ended" } : { transactionId: "t", numberOfRecordsUpdated: 1, generatedFields: [] };
    setTimeout(() => {
      if (ends) seen.push(`${request.url.slice(1)} answered`);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answer));
    }, ends ? 1000 : 0);
  });
});
server.listen(0, "127.0.0.1", async () => {
  const options = { endpoint: `http://127.0.0.1:${server.address().port}`, region: "us-east-1", accessKeyId: "any", secretAccessKey: "any" };
  const connection = { resourceArn: "arn:aws:rds:us-east-1:000000000000:cluster:c", secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:s", database: "d", options };
  const knex = require("knex")({ client: require("knex-aurora-data-api-client").mysql, connection });
  const ended = async (outcome) => {
    seen.length = 0;
    await knex.transaction(async (trx) => {
      await trx("t").where({ id: 1 }).update({ n: 1 });
      await outcome();
    }).catch(() => {});
    return ["transaction() is done", ...seen].filter((one) => /answered|done/.test(one));
  };
  const committed = await ended(async () => {});
  const failed = await ended(async () => { throw new Error("of the caller"); });
  console.log("knex-aurora-data-api-client 1.10.0, after a commit:", committed.slice(1).join() || "no answer yet");
  console.log("after an error:", failed.slice(1).join() || "RollbackTransaction has no answer yet");
  setTimeout(() => {
    console.log("a second later:", seen.filter((one) => one.startsWith("Rollback")).join(", "));
    server.close();
    process.exit(committed.length === 2 && failed.length === 1 && seen.includes("RollbackTransaction answered") ? 0 : 1);
  }, 1500);
});
JS
AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1 node ask.js
