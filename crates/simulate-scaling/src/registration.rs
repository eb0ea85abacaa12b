//! Checks for what Application Auto Scaling refuses at the registration of a target or a policy.
//!
//! A custom resource's id is the URL of an Amazon API Gateway resource, which its service-linked role calls
//! (<https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-custom.html>).

use jiff::SignedDuration;
use reqwest::Url;

/// The only supported period of datapoints: a policy's metric specification has no period.
const PERIOD: SignedDuration = SignedDuration::from_secs(60);
/// The path segment before the dimension's id.
const COLLECTION: &str = "scalableTargetDimensions";

/// What would be refused about a target at `url` whose policy uses datapoints `period` apart: one sentence each.
#[must_use]
pub fn refusals(url: &Url, period: SignedDuration) -> Vec<String> {
    let mut refusals = Vec::new();
    if url.scheme() != "https" {
        refusals.push("A resource id must begin with https://.".to_owned());
    }
    let named = url.domain().is_some_and(|name| name.contains('.'));
    if !named {
        refusals.push(
            "A resource id must have a host with a public name, such as API_ID.execute-api.REGION.amazonaws.com."
                .to_owned(),
        );
    }
    let collection = url.path().rsplit('/').nth(1);
    if collection != Some(COLLECTION) {
        refusals.push(format!(
            "A resource id must end with /{COLLECTION}/ and the dimension's id."
        ));
    }
    if period != PERIOD {
        refusals.push(
            "A policy cannot choose its period: Application Auto Scaling looks at datapoints of 60s."
                .to_owned(),
        );
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, seconds: i64) -> Vec<String> {
        refusals(&url.parse().unwrap(), SignedDuration::from_secs(seconds))
    }

    #[test]
    fn an_address_of_api_gateway_passes() {
        let url = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/scalableTargetDimensions/1-23456789";
        assert_eq!(refused(url, 60), [] as [String; 0]);
    }

    #[test]
    fn each_rule_has_its_sentence() {
        for (url, seconds, words) in [
            (
                "http://api.example.com/scalableTargetDimensions/1",
                60,
                "https://",
            ),
            (
                "https://203.0.113.7/scalableTargetDimensions/1",
                60,
                "public name",
            ),
            (
                "https://localhost/scalableTargetDimensions/1",
                60,
                "public name",
            ),
            (
                "https://api.example.com/dimensions/1",
                60,
                "/scalableTargetDimensions/",
            ),
            (
                "https://api.example.com/1",
                60,
                "/scalableTargetDimensions/",
            ),
            (
                "https://api.example.com/scalableTargetDimensions/1",
                30,
                "60s",
            ),
        ] {
            let refused = refused(url, seconds);
            assert!(
                refused.len() == 1 && refused[0].contains(words),
                "{url}: {refused:?}"
            );
        }
        assert_eq!(refused("http://127.0.0.1:3000/1", 300).len(), 4);
    }
}
