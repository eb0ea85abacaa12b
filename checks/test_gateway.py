"""What the transformed template makes API Gateway do: its own responses, and who may call which route."""

import json
import re

from findings import no_findings
from samcli.yamlhelper import yaml_parse
from transformed import ROOT, Stack

# Every response of API Gateway itself, from "Gateway response types" in its guide, with our status.
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
    "AUTHORIZER_CONFIGURATION_ERROR": 503,
    "AUTHORIZER_FAILURE": 503,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 504,
}
# A refused caller must be told what to send.
MUST_NAME = {
    "UNAUTHORIZED": "authorization: Bearer",
    "INVALID_API_KEY": "x-api-key",
    "INVALID_SIGNATURE": "SigV4",
    "EXPIRED_TOKEN": "SigV4",
    "ACCESS_DENIED": "SigV4",
}
# Who may call each route. A new route needs a decision, which is recorded here; there is no default.
# KEY is an API key, or a token if the stack names an issuer.
OPEN, KEY, SIGNED, TOKEN = "everybody", "an API key", "SigV4", "a token"
# An issuer of tokens.
ISSUER = {"JwtIssuer": "https://issuer.example/realm", "JwtAudience": "fleet,other"}
WHO_MAY_ASK = {
    "POST /ec2/{aws_instance_id}": KEY,
    "GET /ec2/{aws_instance_id}": KEY,
    "DELETE /ec2/{aws_instance_id}": KEY,
    "GET /ec2": KEY,
    "GET /scalableTargetDimensions": SIGNED,
    "GET /v1/scalableTargetDimensions": SIGNED,
    "GET /scalableTargetDimensions/{scalableTargetDimensionId}": SIGNED,
    "PATCH /scalableTargetDimensions/{scalableTargetDimensionId}": SIGNED,
    "GET /v1/scalableTargetDimensions/{scalableTargetDimensionId}": SIGNED,
    "PATCH /v1/scalableTargetDimensions/{scalableTargetDimensionId}": SIGNED,
    "GET /api/books": OPEN,
    "GET /api/books/health": OPEN,
    "GET /api/books/{id}": OPEN,
    "GET /api/authors": OPEN,
    "GET /api/authors/health": OPEN,
    "GET /api/authors/{id}": OPEN,
    "GET /v1": OPEN,
    "GET /v1/metadata": OPEN,
    "GET /v1/openapi.json": OPEN,
    "GET /v1/health": OPEN,
    "GET /v1/health/ready": OPEN,
}
# The fields that explain a response without a function; never a query string, a body or a key.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "authorize_error": "$context.authorize.error",
    "integration_status": "$context.integrationStatus",
    "source_ip": "$context.identity.sourceIp",
    "tls": "$context.tlsVersion",
    "trace_id": "$context.xrayTraceId",
}


@no_findings
def test_gateways_own_responses_have_our_shape():
    """API Gateway's own responses have our shape and none of its own wording, except for an unknown route."""
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


@no_findings
def test_each_route_requires_what_was_decided():
    """Each route requires what WHO_MAY_ASK says, with keys and with tokens, and every route is listed there."""
    yield from asked_of_callers(Stack(), KEY)
    yield from asked_of_callers(Stack(**ISSUER), TOKEN)


def asked_of_callers(stack, by_key):
    """WHO_MAY_ASK, with `by_key` as the requirement of the API key's routes."""
    body = stack.only("AWS::ApiGateway::RestApi")["Body"]
    # A key is only required through the usage plan of this stage.
    if stack.only("AWS::ApiGateway::UsagePlan")["ApiStages"][0]["Stage"] != {"Ref": "ApiStage"}:
        yield "the usage plan is not that of the stage"
    definitions = body["components"]["securitySchemes"]
    found = {}
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            schemes = sorted(name for each in operation.get("security", []) for name in each)
            kinds = [definitions[name].get("x-amazon-apigateway-authtype", definitions[name].get("name")) for name in schemes]
            known = {(): OPEN, ("x-api-key",): KEY, ("awsSigv4",): SIGNED, ("custom",): TOKEN}
            found[f"{method.upper()} {path}"] = known.get(tuple(kinds), str(kinds))
    for route in sorted(found.keys() | WHO_MAY_ASK.keys()):
        wanted = by_key if WHO_MAY_ASK.get(route) == KEY else WHO_MAY_ASK.get(route)
        if route not in WHO_MAY_ASK:
            yield f"{route} is open to {found[route]}, which no decision covers: WHO_MAY_ASK in checks/test_gateway.py"
        elif found.get(route) != wanted:
            yield f"{route} asks for {found.get(route, 'nothing, since it is gone')}, not {wanted}"


@no_findings
def test_an_issuer_makes_an_authorizer():
    """The authorizer exists only with an issuer and has no permissions; API Gateway passes the header to its alias."""
    kinds = ("AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::IAM::Role", "AWS::Lambda::Permission", "AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter")
    made = {name for name, _ in Stack(**ISSUER).of_type(*kinds)} - {name for name, _ in Stack().of_type(*kinds)}
    if made != {"JwtAuthorizer", "JwtAuthorizerAliaslive", "JwtAuthorizerRole", "JwtAuthorizerPermission", "AuthorizerFailuresAlarm", "AuthorizerFailuresMetric"}:
        yield f"an issuer of tokens makes {sorted(made)}"
    stack = Stack(**ISSUER)
    function = stack.resources["JwtAuthorizer"]["Properties"]
    variables = function["Environment"]["Variables"]
    if (variables.get("JWT_ISSUER"), variables.get("JWT_AUDIENCE")) != (ISSUER["JwtIssuer"], ISSUER["JwtAudience"]):
        yield f"JwtAuthorizer has the settings {variables}"
    if stack.resources["JwtAuthorizerRole"]["Properties"].get("Policies") or "VpcConfig" in function:
        yield "JwtAuthorizer has more than it needs: it asks nothing of AWS"
    scheme = stack.only("AWS::ApiGateway::RestApi")["Body"]["components"]["securitySchemes"]["api_key"]
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    if (authorizer["type"], authorizer["identitySource"]) != ("request", "method.request.header.Authorization"):
        yield f"the authorizer is asked by {authorizer}"
    if authorizer["authorizerUri"]["Fn::Sub"][1] != {"Alias": {"Ref": "JwtAuthorizerAliaslive"}}:
        yield "API Gateway calls the authorizer around its alias"
    if authorizer["authorizerResultTtlInSeconds"] > 60:
        yield "a decision is kept for longer than docs/operating.md says"
    permission = stack.resources["JwtAuthorizerPermission"]["Properties"]
    if permission["FunctionName"] != {"Ref": "JwtAuthorizerAliaslive"} or "/authorizers/*" not in repr(permission["SourceArn"]):
        yield "API Gateway may not call the authorizer's alias"
    for alone in ("JwtIssuer", "JwtAudience"):
        if not list(Stack(**{alone: ISSUER[alone]}).refusals()):
            yield f"template.yaml takes {alone} alone"
    if list(Stack(**ISSUER).refusals()):
        yield "template.yaml refuses an issuer with its audience"


@no_findings
def test_a_changed_definition_is_deployed():
    """SAM itself makes no new deployment for a parameter that changes the result of the definition's conditions."""
    api = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["Api"]
    if api["Properties"].get("AlwaysDeploy") is not True:
        yield "Api has no AlwaysDeploy: the stage keeps an old definition when JwtIssuer or TruststoreUri changes"


@no_findings
def test_each_name_has_a_tls_policy():
    """A REST API and its names have a TLS policy, and newer policies an access mode: AWS requires both together."""
    found = []
    for policy in yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["TlsPolicy"]["AllowedValues"]:
        given = {"TlsPolicy": policy, "DomainName": "api.example.com", "DomainCertificateArn": "arn"}
        resources = Stack(**given).of_type("AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName")
        found += [(f"template.yaml with {policy}", name, properties) for name, properties in resources]
    for file in sorted((ROOT / "deploy_scripts").glob("*.yaml")):
        for name, resource in yaml_parse(file.read_text())["Resources"].items():
            if resource["Type"] in ("AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName"):
                found.append((file.name, name, resource["Properties"]))
    for file, name, properties in found:
        policy, mode = properties.get("SecurityPolicy", ""), properties.get("EndpointAccessMode")
        if not policy:
            yield f"{file}: {name} has no SecurityPolicy, so it takes TLS 1.0"
        elif policy.startswith("SecurityPolicy_") != (mode is not None):
            yield f"{file}: {name} has {policy} and the access mode {mode}, which AWS refuses"
    if len(found) < 8:
        yield f"only {len(found)} APIs and names were found"


@no_findings
def test_the_access_log_explains_and_shows_nothing_confidential():
    """The access log explains the gateway's own responses, and contains nothing confidential."""
    stage = Stack(AccessLogs="write").only("AWS::ApiGateway::Stage")
    line = json.loads(stage["AccessLogSetting"]["Format"])
    for name, variable in ACCESS_LOG.items():
        if line.get(name) != variable:
            yield f"the access log has no {name} that is {variable}"
    for variable in line.values():
        if re.search(r"querystring|requestOverride|body|apiKey$|\.path$", variable):
            yield f"the access log holds {variable}"
    if "AccessLogSetting" in Stack().only("AWS::ApiGateway::Stage"):
        yield "the access log is on where AccessLogs is none"


@no_findings
def test_each_limit_is_what_its_parameter_says():
    """Each limit has its parameter's value, and the readiness check has a separate one."""
    given = {"StageRateLimit": 11, "StageBurstLimit": 12, "KeyRateLimit": 13, "KeyBurstLimit": 14, "KeyQuotaPerMonth": 15, "ReadyRateLimit": 2, "ReservedConcurrency": 3}
    stack = Stack(**given)
    settings = {setting["ResourcePath"]: setting for setting in stack.only("AWS::ApiGateway::Stage")["MethodSettings"]}
    plan = stack.only("AWS::ApiGateway::UsagePlan")
    found = [settings[path][f"Throttling{limit}Limit"] for path in ("/*", "/~1v1~1health~1ready") for limit in ("Rate", "Burst")]
    found += [plan["Throttle"]["RateLimit"], plan["Throttle"]["BurstLimit"], plan["Quota"]["Limit"], plan["Quota"]["Period"]]
    if [str(each) for each in found] != ["11", "12", "2", "2", "13", "14", "15", "MONTH"]:
        yield f"the limits are {found}"
    if "/v1/health/ready" not in stack.only("AWS::ApiGateway::RestApi")["Body"]["paths"]:
        yield "the limit of /v1/health/ready is that of a route which is not there"
    for name, function in stack.functions():
        if str(function.get("ReservedConcurrentExecutions")) != "3":
            yield f"{name} does not reserve what ReservedConcurrency says"
    if "Quota" in Stack().only("AWS::ApiGateway::UsagePlan"):
        yield "there is a quota where none is asked for"
    for name, function in Stack().of_type("AWS::Lambda::Function"):
        if "ReservedConcurrentExecutions" in function:
            yield f"{name} reserves executions, which a new account has none of"


@no_findings
def test_names_and_certificates_come_with_their_parameters():
    """A custom domain, client certificates and a web ACL exist only with their parameters."""
    kinds = ("AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping", "AWS::WAFv2::WebACLAssociation")
    if found := Stack().of_type(*kinds):
        yield f"without parameters there is {found}"
    name = {"DomainName": "api.example.com", "DomainCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}
    stack = Stack(**name, TruststoreUri="s3://bucket/ca.pem", WebAclArn="arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/1")
    if stack.only("AWS::ApiGateway::DomainName")["MutualTlsAuthentication"] != {"TruststoreUri": "s3://bucket/ca.pem"}:
        yield "the name does not ask for client certificates"
    for given, closed in ((Stack(), False), (stack, True)):
        (server,) = given.only("AWS::ApiGateway::RestApi")["Body"]["servers"]
        if server["x-amazon-apigateway-endpoint-configuration"] != {"disableExecuteApiEndpoint": closed}:
            yield f"the API's own address is {'a way around the client certificates' if closed else 'closed, where nothing asks for that'}"
    if stack.only("AWS::ApiGateway::BasePathMapping")["Stage"] != {"Ref": "ApiStage"}:
        yield "the name does not lead to the stage"
    if len(stack.of_type("AWS::WAFv2::WebACLAssociation")) != 1:
        yield "the web ACL does not look at the requests"
    for given in ({"DomainName": name["DomainName"]}, {"TruststoreUri": "s3://bucket/ca.pem"}):
        if not list(Stack(**given).refusals()):
            yield f"template.yaml takes {given} alone"


@no_findings
def test_other_addresses_reach_the_signed_routes_alone():
    """A list of addresses closes every route to all others, except the signed routes for Application Auto Scaling."""
    addresses = ["192.0.2.0/24", "198.51.100.7/32"]
    if found := Stack().of_type("AWS::WAFv2::WebACL", "AWS::WAFv2::IPSet", "AWS::WAFv2::WebACLAssociation"):
        yield f"without AllowedAddresses there is {found}"
    stack = Stack(AllowedAddresses=",".join(addresses), StageName="live")
    if stack.only("AWS::WAFv2::IPSet")["Addresses"] != {"Fn::Split": [",", ",".join(addresses)]}:
        yield "the list of addresses is not AllowedAddresses"
    if stack.only("AWS::WAFv2::WebACLAssociation")["WebACLArn"] != {"Fn::GetAtt": ["AddressAcl", "Arn"]}:
        yield "the list of addresses is not that of the stage"
    acl = stack.only("AWS::WAFv2::WebACL")
    (rule,) = acl["Rules"]
    outside, unsigned = (each["NotStatement"]["Statement"] for each in rule["Statement"]["AndStatement"]["Statements"])
    if "Block" not in rule["Action"] or outside != {"IPSetReferenceStatement": {"Arn": {"Fn::GetAtt": ["AddressList", "Arn"]}}}:
        yield "other addresses are not refused"
    signed = re.compile(unsigned["RegexMatchStatement"]["RegexString"]["Fn::Sub"].replace("${StageName}", "live"))
    for route, who in WHO_MAY_ASK.items():
        path = route.split()[1]
        opens = who == SIGNED and "/scalableTargetDimensions" in path
        for prefix in ("", "/live"):
            # An id that looks like another route.
            for identifier in ("1-23456789", "scalableTargetDimensions", "%2FscalableTargetDimensions%2Fa"):
                sent = prefix + re.sub(r"\{\w+\}", identifier, path)
                if bool(signed.search(sent)) != opens:
                    yield f"{sent} is {'refused' if opens else 'open'} to other addresses"
    if not list(Stack(AllowedAddresses="192.0.2.0/24", WebAclArn="arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/1").refusals()):
        yield "template.yaml takes AllowedAddresses with WebAclArn, of which a stage has one"


@no_findings
def test_a_stack_has_two_log_groups():
    """A stack has a log group for functions and one for access, which prod keeps; a request id finds its lines."""
    for keep, policy in (("true", "Retain"), ("false", "Delete")):
        stack = Stack(KeepLogs=keep, AccessLogs="write", LogRetentionInDays=90)
        groups = {name: found for name, found in stack.resources.items() if found["Type"] == "AWS::Logs::LogGroup"}
        if len(groups) != 2:
            yield f"KeepLogs={keep} makes {sorted(groups)}"
        for name, group in groups.items():
            if (group["DeletionPolicy"], group["UpdateReplacePolicy"]) != (policy, policy):
                yield f"KeepLogs={keep}: {name} is not under {policy}"
            if str(group["Properties"]["RetentionInDays"]) != "90":
                yield f"{name} does not keep its lines for LogRetentionInDays"
            if group["Properties"].get("FieldIndexPolicies") != [{"Fields": ["request_id", "status", "route"]}]:
                yield f"{name} does not index request_id, status and route"
        for name, function in stack.of_type("AWS::Lambda::Function"):
            logging = function["LoggingConfig"]
            if logging["LogGroup"].get("Ref") not in groups:
                yield f"KeepLogs={keep}: {name} does not log to a group of the stack"
            if logging["SystemLogLevel"] != "INFO":
                yield f"{name} does not log platform.report, which only INFO does"
        missing = set(re.findall(r"'(?:Ref|Fn::GetAtt)': \[?'(\w*LogGroup)'", repr(stack.resources))) - groups.keys()
        if missing:
            yield f"KeepLogs={keep}: {', '.join(sorted(missing))} is named and not made"
