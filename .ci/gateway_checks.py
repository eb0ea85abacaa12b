"""What the transformed template must have API Gateway do: its own answers, and who may ask which route."""

import json
import re

from transformed import Stack

# All that API Gateway answers by itself, by "Gateway response types" in its guide; with the status that ours have.
GATEWAY_STATUS = {
    "DEFAULT_4XX": None,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "UNAUTHORIZED": 401,
    "ACCESS_DENIED": 403,
    "EXPIRED_TOKEN": 403,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": None,
    "WAF_FILTERED": 403,
    "RESOURCE_NOT_FOUND": 404,
    "REQUEST_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "QUOTA_EXCEEDED": 429,
    "THROTTLED": 429,
    "DEFAULT_5XX": None,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 504,
}
# What a refused caller must read: what to send.
MUST_NAME = {
    "INVALID_API_KEY": "x-api-key",
    "INVALID_SIGNATURE": "SigV4",
    "EXPIRED_TOKEN": "SigV4",
    "ACCESS_DENIED": "SigV4",
}


def gateway_answers():
    """API Gateway's own answers have our shape and nothing of its own words, but that of an unknown route."""
    answers = Stack().only("AWS::ApiGateway::RestApi")["Body"]["x-amazon-apigateway-gateway-responses"]
    for name in sorted(answers.keys() ^ GATEWAY_STATUS.keys()):
        yield f"{name} is in one of GatewayResponses and API Gateway's types alone"
    for name in sorted(answers.keys() & GATEWAY_STATUS.keys()):
        answer, status = answers[name], GATEWAY_STATUS[name]
        if answer.get("statusCode") != (status and str(status)):
            yield f"{name} has the status {answer.get('statusCode')}, not {status}"
        retries = "gatewayresponse.header.Retry-After" in answer.get("responseParameters", {})
        if retries != (status in (429, 503)):
            yield f"{name}: only 429 and 503 have Retry-After, and always"
        if answer["responseTemplates"].keys() != {"application/json"}:
            yield f"{name} is not application/json alone"
            continue
        text = answer["responseTemplates"]["application/json"]
        if name == "MISSING_AUTHENTICATION_TOKEN":
            if text != '{"message":$context.error.messageString}':
                yield f"{name} is not API Gateway's own answer to the byte"
            continue
        try:
            body = json.loads(text)
        except ValueError:
            yield f"{name} is not JSON with fixed sentences: {text}"
            continue
        if list(body) != ["code", "message", "error_message", "request_id"]:
            yield f"{name} has the keys {', '.join(body)}"
            continue
        if set(re.findall(r"\$\S*", text)) != {'$context.requestId"}'} or body["request_id"] != "$context.requestId":
            yield f"{name} shows more of API Gateway's than the request id"
        if body["message"] != body["error_message"] or not body["message"].endswith("."):
            yield f"{name}: message and error_message are not the same sentence"
        if not re.fullmatch(r"([A-Z][a-z]+)+", body["code"]):
            yield f"{name} has the code {body['code']}"
        if MUST_NAME.get(name, "") not in body["message"]:
            yield f"{name} does not say to send {MUST_NAME[name]}"


CHECKS = (gateway_answers,)
