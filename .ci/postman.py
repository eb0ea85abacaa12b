#!/usr/bin/env python3
"""Generates the Postman collection and its environments from the OpenAPI document.

    .ci/postman.py            writes events/fleet.postman_collection.json and events/*.postman_environment.json
    .ci/postman.py --check    says whether they are up to date

It contains a request per operation, with the document's example as its body, the document's responses as saved
examples, and a test of status, headers and shape: Postman itself checks the response's schema, with references
resolved. The requests are in an order in which all pass: what is added is read, listed and removed again. The ids are
the collection's own, so that no run touches other users' data.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = json.loads((ROOT / "crates/functions/metadata/src/openapi.json").read_text())
COLLECTION = ROOT / "events/fleet.postman_collection.json"
LOCAL = ROOT / "events/local.postman_environment.json"
AWS = ROOT / "events/aws.postman_environment.json"
# The name of Postman's schema, which is never fetched.
FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# The responses saved with a request; those of API Gateway are the same everywhere.
SAVED = {"200", "400", "404", "503"}
# The ids in a request's path. Each is a variable that the collection sets to its own id.
OWN_IDS = {"aws_instance_id": "instanceId", "scalableTargetDimensionId": "dimensionId"}
# A dimension cannot be removed, so the collection orders the initial capacity, which stores nothing.
BODIES = {"patchDimension": {"desiredCapacity": 1.0}, "patchDimensionV1": {"desiredCapacity": 1.0}}
ABOUT = """

**What a run does.** It adds one instance with an id of its own (`postman-` and a random part), reads it, lists instances \
and removes it again. It asks for a dimension with such an id too, and orders the capacity that every dimension has at \
first, which stores nothing. Nothing else is changed. To try an instance or a dimension of yours, set `instanceId` or \
`dimensionId` in the environment: a run then adds and **removes** that instance.

**Where it goes.** To `baseUrl`, a server on this machine unless an environment says otherwise: \
`aws.postman_environment.json` is for a deployed API."""
# Before each request: the collection's ids, and a URL without a trailing slash.
BEFORE = [
    "for (const name of ['instanceId', 'dimensionId']) {",
    "  if (!pm.variables.get(name)) pm.collectionVariables.set(name, 'postman-' + pm.variables.replaceIn('{{$randomUUID}}'));",
    "}",
    "pm.variables.set('baseUrl', pm.variables.replaceIn('{{baseUrl}}').replace(/\\/+$/, ''));",
]
SECRET = ("apiKey", "awsAccessKeyId", "awsSecretAccessKey", "awsSessionToken")
ORDER = ["addInstance", "getInstance", "listInstances", "removeInstance"]


def resolve(node):
    """The node with its references resolved."""
    if isinstance(node, list):
        return [resolve(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        found = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return resolve(found)
    return {key: resolve(value) for key, value in node.items()}


def operations():
    """Every operation with its path and method, by tag, in an order in which all pass."""
    found = [
        (operation["operationId"], path, method.upper(), operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    ]
    position = {name: index for index, name in enumerate(ORDER)}
    return sorted(found, key=lambda one: (position.get(one[0], len(ORDER)), one[1], one[2] != "PATCH"))


def url(path, operation):
    """The URL with its parameters; those of the query are disabled."""
    parameters = [resolve(parameter) for parameter in operation.get("parameters", [])]
    segments = [":" + part[1:-1] if part.startswith("{") else part for part in path.strip("/").split("/")]
    made = {"raw": "{{baseUrl}}/" + "/".join(segments), "host": ["{{baseUrl}}"], "path": segments}
    described = [(parameter, {"key": parameter["name"], "value": value(parameter), "description": parameter["description"]}) for parameter in parameters]
    variables = [one for parameter, one in described if parameter["in"] == "path"]
    query = [one | {"disabled": True} for parameter, one in described if parameter["in"] == "query"]
    return made | ({"variable": variables} if variables else {}) | ({"query": query} if query else {})


def value(parameter):
    """An example value: the parameter's, or its schema's."""
    if parameter["in"] == "path" and parameter["name"] in OWN_IDS:
        return "{{%s}}" % OWN_IDS[parameter["name"]]
    schema = parameter["schema"]
    return str(parameter.get("example", schema.get("default", (schema.get("examples") or schema.get("enum") or [""])[0])))


def auth(operation):
    """How the deployed API authenticates the caller; a local server requires nothing, and its variables are empty."""
    names = [name for requirement in operation.get("security", []) for name in requirement]
    if "ApiKey" in names:
        pairs = {"key": "x-api-key", "value": "{{apiKey}}", "in": "header"}
        return {"type": "apikey", "apikey": [{"key": key, "value": text, "type": "string"} for key, text in pairs.items()]}
    if "AwsSignature" in names:
        pairs = {"accessKey": "{{awsAccessKeyId}}", "secretKey": "{{awsSecretAccessKey}}", "sessionToken": "{{awsSessionToken}}", "region": "{{awsRegion}}", "service": "execute-api"}
        return {"type": "awsv4", "awsv4": [{"key": key, "value": text, "type": "string"} for key, text in pairs.items()]}
    return {"type": "noauth"}


def examples_of(content):
    """The examples of a body, with their names."""
    if "example" in content:
        return [("", content["example"])]
    return [(name, example["value"]) for name, example in content.get("examples", {}).items()]


def request(path, method, operation):
    """The request itself."""
    made = {"method": method, "header": [], "url": url(path, operation), "description": operation["description"], "auth": auth(operation)}
    for parameter in map(resolve, operation.get("parameters", [])):
        if parameter["in"] == "header":
            made["header"].append({"key": parameter["name"], "value": value(parameter), "description": parameter["description"], "disabled": True})
    if "requestBody" in operation:
        example = BODIES.get(operation["operationId"])
        if example is None:
            _, example = examples_of(resolve(operation["requestBody"])["content"]["application/json"])[0]
        made["header"].append({"key": "content-type", "value": "application/json"})
        made["body"] = {"mode": "raw", "raw": json.dumps(example, indent=2), "options": {"raw": {"language": "json"}}}
    return made


def saved(path, method, operation):
    """The document's responses, as Postman's saved examples."""
    made = []
    for status in sorted(SAVED & operation["responses"].keys()):
        response = resolve(operation["responses"][status])
        headers = [{"key": name, "value": str(header["example"])} for name, header in response.get("headers", {}).items()]
        for name, example in examples_of(response["content"]["application/json"]):
            title = f"{status} {name}".strip()
            made.append({
                "name": title,
                "originalRequest": request(path, method, operation),
                "code": int(status),
                "status": response["description"],
                "_postman_previewlanguage": "json",
                "header": [{"key": "content-type", "value": "application/json"}, *headers],
                "body": json.dumps(example, indent=2),
            })
    return made


def test(operation):
    """The script that Postman runs on the response."""
    schema = resolve(operation["responses"]["200"]["content"]["application/json"]["schema"])
    lines = [
        "pm.test('the status is 200', () => pm.response.to.have.status(200));",
        "pm.test('the answer is JSON with a request id', () => {",
        "  pm.expect(pm.response.headers.get('content-type')).to.equal('application/json');",
        "  pm.expect(pm.response.headers.get('x-amzn-requestid')).to.have.lengthOf(36);",
        "});",
        f"const schema = {json.dumps(for_postman(schema))};",
        "pm.test('the answer is as the OpenAPI document says', () => pm.response.to.have.jsonSchema(schema));",
    ]
    if operation["operationId"] == "getInstance":
        lines.append("pm.test('the instance is there', () => pm.expect(pm.response.json().record_found).to.be.true);")
    if operation["operationId"] == "removeInstance":
        # The next run adds another instance.
        lines.append("if (pm.response.code === 200) pm.collectionVariables.unset('instanceId');")
    return {"listen": "test", "script": {"type": "text/javascript", "exec": lines}}


def for_postman(schema):
    """The schema without documentation keywords, which are unknown to draft 7, Postman's version."""
    if isinstance(schema, list):
        return [for_postman(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: for_postman(one) for name, one in part.items()} if key == "properties" else for_postman(part)
        for key, part in schema.items()
        if key not in ("description", "example", "examples", "format")
    }


def collection():
    """The collection: a folder for each tag."""
    folders = []
    for tag in DOCUMENT["tags"]:
        items = [
            {
                "name": operation["summary"] + (" (/v1)" if name.endswith("V1") else ""),
                "event": [test(operation)],
                "request": request(path, method, operation),
                "response": saved(path, method, operation),
            }
            for name, path, method, operation in operations()
            if operation["tags"] == [tag["name"]]
        ]
        folders.append({"name": tag["name"], "description": tag["description"], "item": items})
    info = DOCUMENT["info"]
    about = {"name": info["title"], "description": info["description"] + ABOUT, "version": info["version"], "schema": FORMAT}
    event = [{"listen": "prerequest", "script": {"type": "text/javascript", "exec": BEFORE}}]
    variables = {"baseUrl": "http://127.0.0.1:3000", "awsRegion": "us-east-1", **dict.fromkeys(("instanceId", "dimensionId", *SECRET), "")}
    return {"info": about, "item": folders, "event": event, "variable": [{"key": key, "value": text, "type": "string"} for key, text in variables.items()]}


def environment(name, **values):
    """The variables that differ between environments."""
    values |= {"awsRegion": "us-east-1", **dict.fromkeys(SECRET, "")}
    listed = [{"key": key, "value": text, "type": "secret" if key in SECRET else "default", "enabled": True} for key, text in values.items()]
    return {"name": name, "values": listed, "_postman_variable_scope": "environment"}


def files():
    """Every file with its content."""
    yield COLLECTION, collection()
    yield LOCAL, environment("Fleet API, local", baseUrl="http://127.0.0.1:3000")
    # The id of the API and the stage are in the stack's output ApiUrl; the key belongs to its usage plan.
    address = "https://{{apiId}}.execute-api.{{awsRegion}}.amazonaws.com/{{stage}}"
    yield AWS, environment("Fleet API, AWS", baseUrl=address, apiId="", stage="prod")


def main():
    stale = False
    for file, content in files():
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        if "--check" not in sys.argv:
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            print(f"{file.relative_to(ROOT)} is not what the OpenAPI document makes")
            stale = True
    return stale


if __name__ == "__main__":
    sys.exit(main())
