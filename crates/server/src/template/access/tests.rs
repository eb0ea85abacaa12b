//! The access rules read from templates.

use super::*;

const TEMPLATE: &str = r#"
Parameters:
  StageRate: {Type: Number, Default: 200}
  KeyQuota: {Type: Number, Default: 0}
  Issuer: {Type: String, Default: ""}
Conditions:
  HasQuota: !Not [!Equals [!Ref KeyQuota, 0]]
  HasIssuer: !Not [!Equals [!Ref Issuer, ""]]
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      MethodSettings:
        - {HttpMethod: "*", ResourcePath: "/*", ThrottlingRateLimit: !Ref StageRate, ThrottlingBurstLimit: 400, MetricsEnabled: true}
        - {HttpMethod: GET, ResourcePath: "/~1v1~1ready", ThrottlingRateLimit: 0.5}
        - {HttpMethod: "*", ResourcePath: "/v1/ready", ThrottlingRateLimit: 7, ThrottlingBurstLimit: 7}
        - {HttpMethod: GET, ResourcePath: "/*", LoggingLevel: INFO}
      Auth:
        UsagePlan:
          CreateUsagePlan: PER_API
          Throttle: {RateLimit: 50, BurstLimit: 100}
          Quota: !If [HasQuota, {Limit: !Ref KeyQuota, Period: DAY}, !Ref AWS::NoValue]
      GatewayResponses:
        DEFAULT_4XX:
          ResponseTemplates: {application/json: '{"message":$context.error.messageString}'}
        THROTTLED:
          StatusCode: 429
          ResponseParameters: {Headers: {Retry-After: "'1'", X-From: method.request.header.x}}
  Items:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: items}}
    Properties:
      Events:
        Key: {Type: Api, Properties: {Method: POST, Path: /items, Auth: {ApiKeyRequired: true, Authorizer: !If [HasIssuer, Jwt, !Ref AWS::NoValue]}}}
        Signed: {Type: Api, Properties: {Method: ANY, Path: /signed, Auth: {Authorizer: AWS_IAM, InvokeRole: NONE}}}
        Ready: {Type: Api, Properties: {Method: GET, Path: /v1/ready}}
        Put: {Type: Api, Properties: {Method: PUT, Path: /v1/ready, Auth: {Authorizer: NONE}}}
"#;

fn throttle(rate: f64, burst: f64) -> Option<Throttle> {
    Some(Throttle { rate, burst })
}

#[test]
fn each_route_has_its_own_rule() {
    let rules = access(TEMPLATE, &[]).unwrap();
    let found: Vec<_> = rules
        .routes
        .iter()
        .map(|rule| {
            let method = rule.method.as_ref().map_or("ANY", Method::as_str);
            (
                format!("{method} {}", rule.path),
                rule.api_key,
                rule.signature,
                rule.throttle,
            )
        })
        .collect();
    let stage = throttle(200.0, 400.0);
    let expected = [
        ("POST /items", true, false, stage),
        ("ANY /signed", false, true, stage),
        ("GET /v1/ready", false, false, throttle(0.5, 1.0)),
        ("PUT /v1/ready", false, false, throttle(7.0, 7.0)),
    ];
    assert_eq!(
        found,
        expected.map(|(route, key, signature, throttle)| (
            route.to_owned(),
            key,
            signature,
            throttle
        ))
    );
}

#[test]
fn the_usage_plan_has_a_quota_where_the_parameter_says_so() {
    let plan = |template: &str| access(template, &[]).unwrap().plan;
    let throttle = throttle(50.0, 100.0);
    assert_eq!(
        plan(TEMPLATE),
        UsagePlan {
            throttle,
            quota: None
        }
    );
    let quota = Some(Quota {
        limit: 9,
        period: QuotaPeriod::Day,
        offset: 0,
    });
    assert_eq!(
        plan(&TEMPLATE.replace("Default: 0}", "Default: 9}")),
        UsagePlan { throttle, quota }
    );
}

#[test]
fn gateway_responses_have_fixed_headers_and_a_mapping_template() {
    let responses = access(TEMPLATE, &[]).unwrap().responses;
    assert_eq!(
        responses["DEFAULT_4XX"].body.as_deref(),
        Some(r#"{"message":$context.error.messageString}"#)
    );
    let throttled = ResponseTemplate {
        status: Some(429),
        headers: vec![("Retry-After".to_owned(), "1".to_owned())],
        body: None,
    };
    assert_eq!(responses["THROTTLED"], throttled);
}

#[test]
fn a_default_authorizer_holds_for_routes_that_have_none() {
    let template = TEMPLATE.replace(
        "        UsagePlan:",
        "        DefaultAuthorizer: AWS_IAM\n        ApiKeyRequired: true\n        UsagePlan:",
    );
    let rules = access(&template, &[]).unwrap();
    let asked: Vec<_> = rules
        .routes
        .iter()
        .map(|rule| (rule.api_key, rule.signature))
        .collect();
    assert_eq!(
        asked,
        [(true, true), (true, true), (true, true), (true, false)]
    );
}

#[test]
fn what_cannot_be_checked_or_counted_is_refused() {
    let refused = |template: &str| access(template, &[]).unwrap_err().to_string();
    assert_eq!(
        refused(&TEMPLATE.replace("Type: String, Default: \"\"", "Type: String, Default: x")),
        "its route POST /items has the authorizer Jwt, and this server knows AWS_IAM and NONE: leave --access template out, or change the route"
    );
    assert_eq!(
        refused(&TEMPLATE.replace("Default: 200", "Default: -1")),
        "its ThrottlingRateLimit must be a number of at least 0"
    );
}

#[test]
fn the_template_of_this_api_can_be_checked() {
    let rules = access(include_str!("../../../../../template.yaml"), &[]).unwrap();
    for rule in rules.routes {
        if rule.path.starts_with("/ec2") {
            assert!(rule.api_key && !rule.signature, "{}", rule.path);
        }
        if rule.path.contains("scalableTargetDimensions") {
            assert!(rule.signature && !rule.api_key, "{}", rule.path);
        }
        assert!(rule.throttle.is_some(), "{}", rule.path);
    }
}

#[test]
fn with_an_issuer_the_routes_of_the_key_ask_for_a_token() {
    let template = include_str!("../../../../../template.yaml");
    let routes = |issuer| access(template, &[("JwtIssuer", issuer)]).unwrap().routes;
    let (by_key, by_token) = (routes(""), routes("https://issuer.example"));
    assert_eq!(by_key.len(), by_token.len());
    for (rule, other) in by_key.iter().zip(&by_token) {
        assert_eq!(rule.path, other.path);
        assert_eq!(other.token, rule.api_key, "{}", rule.path);
        assert!(!rule.token && !other.api_key, "{}", rule.path);
    }
    assert!(by_token.iter().any(|rule| rule.token));
}
