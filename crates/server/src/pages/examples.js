// Example data: added by the API's own routes, and removed again.

import { address, dimensionPath, instancePath, isProduction, keyHeader, send, sentence } from "./api.js";

const DIMENSIONS = [
  ["example-batch", [4, 2, 6]],
  ["example-checkout", [3, 5, 8]],
  ["example-search", [2, 4]],
  ["example-web", [6, 3, 9, 5]],
];
const REGIONS = ["us-east-1", "us-west-2", "eu-central-1"];
const ACCOUNTS = ["111122223333", "444455556666"];
const PACKAGES = [["nginx", "1.28.0"], ["nginx", "1.26.3"], ["openssl", "3.5.1"], ["amazon-ssm-agent", "3.3.2299"], ["postgresql", "17.5"], ["redis", "8.0.2"]];

/** The example instances: ids of AWS's form that no account has. */
const INSTANCES = Array.from({ length: 20 }, (_, number) => ({
  id: `i-0e8a3b1e${String(number + 1).padStart(9, "0")}`,
  body: {
    aws_region: REGIONS[number % REGIONS.length],
    aws_account: ACCOUNTS[number % ACCOUNTS.length],
    packages: PACKAGES.filter((_, index) => (number + index) % 3 !== 0).map(([name, version]) => ({ package_name: name, package_version: version })),
  },
}));

const ids = new Set([...INSTANCES.map(({ id }) => id), ...DIMENSIONS.map(([id]) => id)]);

export const isExample = (id) => ids.has(id);

async function must(request) {
  const answer = await send(request);
  if (!answer.ok) throw new Error(sentence(answer));
  return answer;
}

export async function loadExamples() {
  for (const { id, body } of INSTANCES) {
    const answer = await send({ method: "POST", path: instancePath(id), body: JSON.stringify(body) });
    // What is there from an earlier try stays.
    if (!answer.ok && answer.status !== 400) throw new Error(sentence(answer));
  }
  for (const [index, [id, orders]] of DIMENSIONS.entries()) {
    const path = dimensionPath(id);
    for (const [step, desiredCapacity] of orders.entries()) {
      await must({ method: "PATCH", path, body: JSON.stringify({ desiredCapacity }) });
      // The last order stays in another status for each.
      const looks = step < orders.length - 1 ? 2 : [2, 1, 0, 2][index];
      for (let look = 1; look <= looks; look++) {
        if (!isProduction) await must({ method: "GET", path });
        else await must({ method: "PATCH", path, body: JSON.stringify(look === 1 ? { scalingStatus: "InProgress" } : { scalingStatus: "Successful", actualCapacity: desiredCapacity }) });
      }
    }
  }
}

export async function removeExamples() {
  for (const { id } of INSTANCES) await must({ method: "DELETE", path: instancePath(id) });
  // The API has no route that removes a dimension.
  const response = await fetch(address("/_ui/examples"), { method: "DELETE", headers: keyHeader() });
  if (!response.ok) throw new Error((await response.json()).message);
}
