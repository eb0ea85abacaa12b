//! Why a caller is refused, and API Gateway's response.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use fleet_jwt::{TokenRefusal, VerifyError};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::template::ResponseTemplate;

/// Why a caller is refused. The message is for the log: the client gets a gateway response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// A signed route without a signature.
    NoSignature,
    /// A signature that cannot be read, is too old, is for another region, or does not match.
    Signature(&'static str),
    /// A signature with unknown credentials.
    UnknownCaller(&'static str),
    /// A missing or invalid token.
    Token(TokenRefusal),
    /// A token that cannot be verified now.
    NoTokenKeys(String),
    /// A missing or unknown API key.
    ApiKey(&'static str),
    /// More requests than a throttle allows.
    Throttled(&'static str),
    /// More requests than a key's quota allows.
    Quota,
}

impl Denial {
    /// The cause, for the log.
    pub(crate) fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::NoSignature => "no SigV4 signature".into(),
            Self::Quota => "the key's quota is used up".into(),
            Self::Token(refusal) => refusal.to_string().into(),
            Self::NoTokenKeys(reason) => reason.clone().into(),
            Self::Signature(reason)
            | Self::UnknownCaller(reason)
            | Self::ApiKey(reason)
            | Self::Throttled(reason) => (*reason).into(),
        }
    }

    /// The gateway response's type, its status, API Gateway's name for the error, and its message.
    ///
    /// Types and statuses are those of
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>, names and
    /// messages those of <https://repost.aws/knowledge-center/api-gateway-troubleshoot-403-forbidden>. The message
    /// for an invalid signature is fixed: AWS's own shows the canonical request.
    fn facts(&self) -> (&'static str, StatusCode, &'static str, &'static str) {
        let forbidden = StatusCode::FORBIDDEN;
        match self {
            Self::NoSignature => (
                "MISSING_AUTHENTICATION_TOKEN",
                forbidden,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            Self::Signature(_) => (
                "INVALID_SIGNATURE",
                forbidden,
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
            ),
            Self::UnknownCaller(_) => (
                "ACCESS_DENIED",
                forbidden,
                "AccessDeniedException",
                "The security token included in the request is invalid.",
            ),
            Self::Token(_) => (
                "UNAUTHORIZED",
                StatusCode::UNAUTHORIZED,
                "UnauthorizedException",
                "Unauthorized",
            ),
            Self::NoTokenKeys(_) => (
                "AUTHORIZER_CONFIGURATION_ERROR",
                StatusCode::INTERNAL_SERVER_ERROR,
                "AuthorizerConfigurationException",
                "Internal server error",
            ),
            Self::ApiKey(_) => (
                "INVALID_API_KEY",
                forbidden,
                "ForbiddenException",
                "Forbidden",
            ),
            Self::Throttled(_) => (
                "THROTTLED",
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Too Many Requests",
            ),
            Self::Quota => (
                "QUOTA_EXCEEDED",
                StatusCode::TOO_MANY_REQUESTS,
                "LimitExceededException",
                "Limit Exceeded",
            ),
        }
    }
}

impl From<VerifyError> for Denial {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Refused(refusal) => Self::Token(refusal),
            VerifyError::Keys(error) => Self::NoTokenKeys(error.to_string()),
        }
    }
}

/// A refused caller and the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DenialResponse {
    denial: Denial,
    response: Arc<ResponseTemplate>,
}

impl DenialResponse {
    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        let (_, status, ..) = self.denial.facts();
        self.response
            .status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(status)
    }

    /// The value of `x-amzn-ErrorType`.
    pub(crate) fn kind(&self) -> &'static str {
        let (_, _, kind, _) = self.denial.facts();
        kind
    }

    /// The cause, for the log.
    pub(crate) fn reason(&self) -> Cow<'static, str> {
        self.denial.reason()
    }

    /// The headers that the template adds.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.response
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
    }

    /// The body, from the template's mapping template, or else API Gateway's own.
    pub(crate) fn body(&self, request_id: &str) -> String {
        let (kind, _, _, message) = self.denial.facts();
        let quoted = serde_json::Value::from(message).to_string();
        let template = self
            .response
            .body
            .as_deref()
            .unwrap_or(r#"{"message":$context.error.messageString}"#);
        // The longer name first, since the other one is its prefix.
        template
            .replace("$context.error.messageString", &quoted)
            .replace("$context.error.message", message)
            .replace("$context.error.responseType", kind)
            .replace("$context.requestId", request_id)
    }
}

/// The gateway responses of a template.
#[derive(Debug)]
pub(super) struct Responses(BTreeMap<String, Arc<ResponseTemplate>>);

impl Responses {
    pub(super) fn new(templates: BTreeMap<String, ResponseTemplate>) -> Self {
        let shared = |(kind, template)| (kind, Arc::new(template));
        Self(templates.into_iter().map(shared).collect())
    }

    /// The response to a denial: by its type, or else by the type for its whole class.
    pub(super) fn answer(&self, denial: Denial) -> DenialResponse {
        let (kind, status, ..) = denial.facts();
        let own = self.0.get(kind);
        let class = if status.is_server_error() {
            "DEFAULT_5XX"
        } else {
            "DEFAULT_4XX"
        };
        let response = own.or_else(|| self.0.get(class));
        let response = response.cloned().unwrap_or_default();
        DenialResponse { denial, response }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(body: &str) -> ResponseTemplate {
        ResponseTemplate {
            body: Some(body.to_owned()),
            ..ResponseTemplate::default()
        }
    }

    #[test]
    fn an_answer_is_by_its_type_or_else_by_the_one_for_all() {
        let responses = Responses::new(BTreeMap::from([
            (
                "DEFAULT_4XX".to_owned(),
                template(
                    r#"{"message":$context.error.messageString,"request_id":"$context.requestId"}"#,
                ),
            ),
            (
                "INVALID_API_KEY".to_owned(),
                template(r#"{"message":"Send x-api-key.","type":"$context.error.responseType"}"#),
            ),
            (
                "QUOTA_EXCEEDED".to_owned(),
                ResponseTemplate {
                    status: Some(420),
                    headers: vec![("Retry-After".to_owned(), "60".to_owned())],
                    body: None,
                },
            ),
        ]));
        let answer = |denial| {
            let denied = responses.answer(denial);
            let headers: Vec<_> = denied
                .headers()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect();
            (denied.status().as_u16(), denied.body("r-1"), headers)
        };
        assert_eq!(
            answer(Denial::Throttled("")),
            (
                429,
                r#"{"message":"Too Many Requests","request_id":"r-1"}"#.to_owned(),
                vec![]
            )
        );
        assert_eq!(
            answer(Denial::ApiKey("")),
            (
                403,
                r#"{"message":"Send x-api-key.","type":"INVALID_API_KEY"}"#.to_owned(),
                vec![]
            )
        );
        assert_eq!(
            answer(Denial::Quota),
            (
                420,
                r#"{"message":"Limit Exceeded"}"#.to_owned(),
                vec!["retry-after: 60".to_owned()]
            )
        );
    }

    #[test]
    fn without_gateway_responses_the_words_are_api_gateways() {
        let responses = Responses::new(BTreeMap::new());
        for (denial, status, kind, body) in [
            (
                Denial::NoSignature,
                403,
                "MissingAuthenticationTokenException",
                r#"{"message":"Missing Authentication Token"}"#,
            ),
            (
                Denial::ApiKey(""),
                403,
                "ForbiddenException",
                r#"{"message":"Forbidden"}"#,
            ),
            (
                Denial::UnknownCaller(""),
                403,
                "AccessDeniedException",
                r#"{"message":"The security token included in the request is invalid."}"#,
            ),
            (
                Denial::Throttled(""),
                429,
                "TooManyRequestsException",
                r#"{"message":"Too Many Requests"}"#,
            ),
            (
                Denial::Quota,
                429,
                "LimitExceededException",
                r#"{"message":"Limit Exceeded"}"#,
            ),
            (
                Denial::Token(TokenRefusal::Expired),
                401,
                "UnauthorizedException",
                r#"{"message":"Unauthorized"}"#,
            ),
            (
                Denial::NoTokenKeys("the issuer is down".to_owned()),
                500,
                "AuthorizerConfigurationException",
                r#"{"message":"Internal server error"}"#,
            ),
        ] {
            let denied = responses.answer(denial);
            assert_eq!(
                (
                    denied.status().as_u16(),
                    denied.kind(),
                    denied.body("r").as_str()
                ),
                (status, kind, body)
            );
        }
    }
}
