"""What Schemathesis must know about the API besides its OpenAPI document, which is used as the server returns it;
loaded by test_schemathesis.py."""

import base64
import json
import re
import unicodedata
from urllib.parse import unquote

import requests
import schemathesis

UNKNOWN_ROUTE = {"message": "Missing Authentication Token"}
# Joiners are format characters; other tests cover where they are allowed.
REFUSED = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
INVISIBLE = {"Zs", "Mn", "Me"}
# Letters and a symbol that are blank.
BLANK = set("\u115f\u1160\u2800\u3164\uffa0")
TOKEN = re.compile(r"[A-Za-z0-9_-]+")
TAG = re.compile(r'\*|"[!#-~]*"')


def is_printable(value):
    """Whether all texts meet the rules that a pattern cannot express: assigned characters, one of them visible."""
    if isinstance(value, dict):
        return all(is_printable(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(is_printable(part) for part in value)
    if not isinstance(value, str) or value.isascii():
        return True
    kinds = [unicodedata.category(character) for character in value]
    return not REFUSED.intersection(kinds) and not INVISIBLE.issuperset(kinds) and not BLANK.intersection(value)


def is_printable_path(path_parameters):
    """The same for path parameters, which are percent-encoded."""
    return all(is_printable(unquote(value)) for value in (path_parameters or {}).values() if isinstance(value, str))


@schemathesis.hook
def filter_path_parameters(context, path_parameters):
    return is_printable_path(path_parameters)


@schemathesis.hook
def filter_query(context, query):
    return is_printable(query)


@schemathesis.hook
def filter_body(context, body):
    return is_printable(body)


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Applies the rules between parameters, which the document cannot express."""
    # Requests that follow links bypass the filters.
    if not is_printable_path(case.path_parameters):
        case.path_parameters = {name: "printable" for name in case.path_parameters}
    query = case.query
    if isinstance(query, dict) and "package_version" in query and "package_name" not in query:
        query["package_name"] = "package-1"
    token = query.get("next_token") if isinstance(query, dict) else None
    if isinstance(token, str) and TOKEN.fullmatch(token):
        # A token is opaque: a made-up one is rejected, so a real one replaces it.
        query["next_token"] = base64.urlsafe_b64encode(json.dumps({"after": token[:255]}).encode()).decode().rstrip("=")
    tag = (case.headers or {}).get("If-Match")
    if tag == "" or (tag and TAG.fullmatch(tag)):
        # A made-up tag matches no state, which gives a 412. An empty header counts as valid whatever the pattern.
        case.headers["If-Match"] = "*"
    if isinstance(case.body, dict) and "failureReason" in case.body:
        # A reason without a status is only allowed if the status is already Failed.
        case.body.setdefault("scalingStatus", "Failed")
    if case.method == "POST" and case.path == "/ec2/{aws_instance_id}":
        # An existing instance is rejected, as it should be; this looks for other rejections.
        requests.delete(case.as_transport_kwargs()["url"], timeout=30)


@schemathesis.check
def an_unknown_method_is_answered_as_by_api_gateway(ctx, response, case):
    documented = {method.upper() for method in case.operation.schema.raw_schema["paths"][case.path]}
    if response.request.method.upper() not in documented and response.request.method.upper() != "HEAD":
        assert response.status_code == 403, f"expected 403, got {response.status_code}"
        assert response.json() == UNKNOWN_ROUTE, response.text


@schemathesis.check
def an_answer_agrees_with_itself(ctx, response, case):
    """Rules that a schema cannot express: fields that depend on each other."""
    kinds = response.headers.get("content-type")
    assert kinds == ["application/json"], f"the content type is {kinds}"
    body = response.json()
    if not isinstance(body, dict):
        return
    if "error_message" in body:
        assert body["error_message"] == body["message"], "error_message and message differ"
    if "failureReason" in body:
        assert body["scalingStatus"] == "Failed", "there is a failureReason, but nothing failed"
    if response.status_code == 200 and "records" in body:
        ids = [record["aws_instance_id"] for record in body["records"]]
        assert ids == sorted(ids), "the records are not in order"
