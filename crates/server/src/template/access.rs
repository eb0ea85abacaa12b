//! The access rules in a template: requirements of each route, throttles, the usage plan, API Gateway's responses.

use std::collections::BTreeMap;

use http::Method;
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};

use super::{TemplateError, events, get, intrinsics::Document, route, text};

/// The access rules in a template.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AccessRules {
    /// Each route's own rule.
    pub(crate) routes: Vec<RouteRule>,
    /// The limits of one API key, if there is a usage plan.
    pub(crate) plan: UsagePlan,
    /// `GatewayResponses`, by their type.
    pub(crate) responses: BTreeMap<String, ResponseTemplate>,
}

/// What a route requires.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RouteRule {
    /// The method; `None` means any.
    pub(crate) method: Option<Method>,
    /// The path as in the template.
    pub(crate) path: String,
    /// `ApiKeyRequired`: a key in `x-api-key`.
    pub(crate) api_key: bool,
    /// `ApiKeyRequired` where the API's definition replaces it with an authorizer: a token in `authorization`.
    pub(crate) token: bool,
    /// The authorizer `AWS_IAM`: a Signature Version 4 is required.
    pub(crate) signature: bool,
    /// The throttle of the stage's settings for this method.
    pub(crate) throttle: Option<Throttle>,
}

/// A token bucket: `rate` tokens per second, with room for `burst`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Throttle {
    /// Requests per second.
    pub(crate) rate: f64,
    /// How many may arrive at once.
    pub(crate) burst: f64,
}

/// The limits of one API key.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct UsagePlan {
    /// Its rate limit.
    pub(crate) throttle: Option<Throttle>,
    /// Its limit per period.
    pub(crate) quota: Option<Quota>,
}

/// The number of requests that a key has per period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quota {
    /// The number of requests.
    pub(crate) limit: u64,
    /// The period.
    pub(crate) period: QuotaPeriod,
    /// How many days into a week or a month the period begins.
    pub(crate) offset: u8,
}

/// A quota's period, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuotaPeriod {
    /// A day.
    Day,
    /// A week from Sunday.
    Week,
    /// A calendar month.
    Month,
}

/// A gateway response of the template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResponseTemplate {
    /// The status, if it is not the type's default.
    pub(crate) status: Option<u16>,
    /// Headers with a fixed value.
    pub(crate) headers: Vec<(String, String)>,
    /// The body's mapping template.
    pub(crate) body: Option<String>,
}

/// The path from an API's properties to the meaning of `ApiKeyRequired`, which SAM calls `api_key`.
const API_KEY: [&str; 4] = ["DefinitionBody", "components", "securitySchemes", "api_key"];

/// Reads what a template requires of callers. Its parameters have the values in `given`, or else their defaults.
///
/// # Errors
/// [`TemplateError`] as for its routes, for a route with an authorizer other than `AWS_IAM`, and for a limit that is
/// not a number.
pub(crate) fn access(
    template: &str,
    given: &[(&'static str, &str)],
) -> Result<AccessRules, TemplateError> {
    let documents =
        Yaml::load_from_str(template).map_err(|error| TemplateError::NotYaml(error.to_string()))?;
    let Some(root) = documents.first() else {
        return Err(TemplateError::NoRoutes);
    };
    let given: Vec<_> = given
        .iter()
        .map(|(name, value)| {
            (
                *name,
                Yaml::Value(Scalar::String((*value).to_owned().into())),
            )
        })
        .collect();
    let document = Document::new(root, &given);
    let (_, api) = document
        .entries(get(root, "Resources"))
        .find(|(_, resource)| text(resource, "Type") == Some("AWS::Serverless::Api"))
        .unzip();
    let api = api.and_then(|api| get(api, "Properties"));
    let setting = |key| document.get(api?, key);
    let auth = setting("Auth");
    let scheme = API_KEY
        .iter()
        .try_fold(api, |node, key| Some(document.get(node?, key)))
        .flatten();
    let by_token =
        scheme.is_some_and(|scheme| get(scheme, "x-amazon-apigateway-authorizer").is_some());
    let stage = stage_throttles(document, setting("MethodSettings"))?;
    let mut routes = Vec::new();
    for (function, resource, event, body) in events(root) {
        let found = route(function, resource, event, body)?;
        let own = get(body, "Properties").and_then(|properties| document.get(properties, "Auth"));
        let name = found
            .method
            .as_ref()
            .map_or("ANY", Method::as_str)
            .to_owned();
        let place = format!("{name} {}", found.path);
        let asked = |key, default| {
            own.and_then(|own| document.entry(own, key))
                .or_else(|| document.entry(auth?, default))
        };
        let authorizer = asked("Authorizer", "DefaultAuthorizer");
        let signature = match authorizer.map(|node| document.text(node)) {
            None => false,
            Some(Some(name)) if name == "NONE" => false,
            Some(Some(name)) if name == "AWS_IAM" => true,
            Some(name) => {
                let name = name.as_deref().unwrap_or("that a deployment chooses");
                return Err(TemplateError::Authorizer(place, name.to_owned()));
            }
        };
        let api_key = match asked("ApiKeyRequired", "ApiKeyRequired") {
            None => false,
            // If a rule cannot be evaluated, it applies.
            Some(node) => document.text(node).is_none_or(|asked| asked == "true"),
        };
        let throttle = stage
            .iter()
            .filter(|setting| setting.covers(found.method.as_ref(), &found.path))
            .max_by_key(|setting| setting.rank())
            .map(|setting| setting.throttle);
        routes.push(RouteRule {
            method: found.method,
            path: found.path,
            api_key: api_key && !by_token,
            token: api_key && by_token,
            signature,
            throttle,
        });
    }
    if routes.is_empty() {
        return Err(TemplateError::NoRoutes);
    }
    Ok(AccessRules {
        routes,
        plan: plan(
            document,
            auth.and_then(|auth| document.get(auth, "UsagePlan")),
        )?,
        responses: document
            .entries(setting("GatewayResponses"))
            .map(|(kind, body)| (kind.to_owned(), response(document, body)))
            .collect(),
    })
}

/// An entry of a stage's `MethodSettings` that throttles.
struct StageThrottle {
    /// `None` means every method.
    method: Option<String>,
    /// `None` means every path.
    path: Option<String>,
    throttle: Throttle,
}

impl StageThrottle {
    fn covers(&self, method: Option<&Method>, path: &str) -> bool {
        let method = method.map_or("ANY", Method::as_str);
        self.method.as_deref().is_none_or(|known| known == method)
            && self.path.as_deref().is_none_or(|known| known == path)
    }

    /// The more specific entry takes precedence.
    fn rank(&self) -> (bool, bool) {
        (self.path.is_some(), self.method.is_some())
    }
}

fn stage_throttles<'a>(
    document: Document<'a, '_>,
    settings: Option<&'a Yaml<'_>>,
) -> Result<Vec<StageThrottle>, TemplateError> {
    let mut throttles = Vec::new();
    for setting in settings.and_then(Yaml::as_vec).into_iter().flatten() {
        let Some(setting) = document.value(setting) else {
            continue;
        };
        let Some(throttle) = throttle(
            document,
            setting,
            ["ThrottlingRateLimit", "ThrottlingBurstLimit"],
        )?
        else {
            continue;
        };
        let written = |key| {
            let value = document.text(get(setting, key)?)?.into_owned();
            (value != "*" && value != "/*").then_some(value)
        };
        throttles.push(StageThrottle {
            method: written("HttpMethod"),
            // A slash within a path is written as ~1 here, after a plain one.
            path: written("ResourcePath").map(|path| {
                let path = path.replace("~1", "/");
                format!("/{}", path.trim_start_matches('/'))
            }),
            throttle,
        });
    }
    Ok(throttles)
}

fn plan<'a>(
    document: Document<'a, '_>,
    plan: Option<&'a Yaml<'_>>,
) -> Result<UsagePlan, TemplateError> {
    let Some(plan) = plan else {
        return Ok(UsagePlan::default());
    };
    let part = |key| document.get(plan, key);
    let throttle = match part("Throttle") {
        Some(limits) => throttle(document, limits, ["RateLimit", "BurstLimit"])?,
        None => None,
    };
    let quota = match part("Quota") {
        None => None,
        Some(quota) => number(document, quota, "Limit")?.map(|limit| {
            let period = get(quota, "Period").and_then(|period| document.text(period));
            Quota {
                limit: whole(limit),
                period: match period.as_deref() {
                    Some("WEEK") => QuotaPeriod::Week,
                    Some("MONTH") => QuotaPeriod::Month,
                    _ => QuotaPeriod::Day,
                },
                offset: number(document, quota, "Offset")
                    .ok()
                    .flatten()
                    .map_or(0, |days| u8::try_from(whole(days)).unwrap_or(0)),
            }
        }),
    };
    Ok(UsagePlan { throttle, quota })
}

fn throttle<'a>(
    document: Document<'a, '_>,
    node: &'a Yaml<'_>,
    [rate, burst]: [&'static str; 2],
) -> Result<Option<Throttle>, TemplateError> {
    let Some(per_second) = number(document, node, rate)? else {
        return Ok(None);
    };
    let burst = number(document, node, burst)?.unwrap_or(per_second);
    Ok(Some(Throttle {
        rate: per_second,
        burst: burst.max(1.0),
    }))
}

fn number<'a>(
    document: Document<'a, '_>,
    node: &'a Yaml<'_>,
    key: &'static str,
) -> Result<Option<f64>, TemplateError> {
    let Some(text) = get(node, key).and_then(|value| document.text(value)) else {
        return Ok(None);
    };
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && *number >= 0.0);
    number.map(Some).ok_or(TemplateError::Limit(key))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limits are finite and not negative, and the cast saturates"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn response<'a>(document: Document<'a, '_>, node: &'a Yaml<'_>) -> ResponseTemplate {
    let headers =
        get(node, "ResponseParameters").and_then(|parameters| document.get(parameters, "Headers"));
    ResponseTemplate {
        status: get(node, "StatusCode").and_then(|status| document.text(status)?.parse().ok()),
        headers: document
            .entries(headers)
            .filter_map(|(name, value)| {
                let value = document.text(value)?;
                // A fixed value is in single quotes; any other is mapped from a request.
                let fixed = value.strip_prefix('\'')?.strip_suffix('\'')?;
                Some((name.to_owned(), fixed.to_owned()))
            })
            .collect(),
        body: get(node, "ResponseTemplates")
            .and_then(|templates| get(templates, "application/json"))
            .and_then(|body| document.text(body))
            .map(Into::into),
    }
}

#[cfg(test)]
mod tests;
