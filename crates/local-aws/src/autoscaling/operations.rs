//! The operations of Application Auto Scaling, for custom resources.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    definitions::{bounds, scheduled, watches},
    error::ScalingError,
    fields::{capacity, text},
    registry::{TargetDefinitions, TargetRegistry},
    runner,
};

const NAMESPACE: &str = "custom-resource";
const DIMENSION: &str = "custom-resource:ResourceType:Property";

/// Performs an operation; returns its response, or a refusal.
pub(super) async fn answer(
    registry: &TargetRegistry,
    operation: &str,
    request: &Value,
) -> Result<Value, ScalingError> {
    match operation {
        "RegisterScalableTarget" => register(registry, request).await,
        "DeregisterScalableTarget" => {
            let (id, _) = target(registry, request)?;
            registry.remove(&id);
            Ok(json!({}))
        }
        "DescribeScalableTargets" => {
            let wanted = strings(request, "ResourceIds");
            Ok(
                json!({"ScalableTargets": describe_targets(registry, request, |id, defined| {
                let is_wanted = wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one == id));
                is_wanted.then(|| defined.target.clone()).into_iter().collect()
            })?}),
            )
        }
        "PutScalingPolicy" => put_policy(registry, request),
        "DeleteScalingPolicy" => {
            let name = text(request, "PolicyName")?;
            let (id, defined) = target(registry, request)?;
            if !defined.policies.contains_key(name) {
                return Err(ScalingError::unknown(format!(
                    "No scaling policy found: {name}"
                )));
            }
            registry.change(&id, |defined| {
                defined.policies.remove(name);
            });
            Ok(json!({}))
        }
        "DescribeScalingPolicies" => {
            let wanted = strings(request, "PolicyNames");
            let alarms = registry.metrics.alarms();
            Ok(
                json!({"ScalingPolicies": describe_targets(registry, request, |_, defined| {
                select_named(&defined.policies, wanted.as_deref())
                    .map(|mut policy| {
                        policy["Alarms"] = alarms_of(&policy, &alarms);
                        policy
                    })
                    .collect()
            })?}),
            )
        }
        "PutScheduledAction" => put_action(registry, request),
        "DeleteScheduledAction" => {
            let name = text(request, "ScheduledActionName")?;
            let (id, defined) = target(registry, request)?;
            if !defined.actions.contains_key(name) {
                return Err(ScalingError::unknown(format!(
                    "No scheduled action found: {name}"
                )));
            }
            registry.change(&id, |defined| {
                defined.actions.remove(name);
            });
            Ok(json!({}))
        }
        "DescribeScheduledActions" => {
            let wanted = strings(request, "ScheduledActionNames");
            Ok(
                json!({"ScheduledActions": describe_targets(registry, request, |_, defined| {
                select_named(&defined.actions, wanted.as_deref()).collect()
            })?}),
            )
        }
        "DescribeScalingActivities" => {
            let with_not_scaled = request.get("IncludeNotScaledActivities");
            let with_not_scaled = with_not_scaled.and_then(Value::as_bool).unwrap_or_default();
            Ok(
                json!({"ScalingActivities": describe_targets(registry, request, |id, _| {
                let activities = registry.activities(id).into_iter();
                activities
                    .filter(|one| with_not_scaled || one.get("NotScaledReasons").is_none())
                    .collect()
            })?}),
            )
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            tags(registry, operation, request)
        }
        _ => Err(ScalingError(
            "UnknownOperationException",
            format!("The local Application Auto Scaling does not answer {operation}."),
        )),
    }
}

fn is_custom(request: &Value) -> Result<(), ScalingError> {
    let namespace = text(request, "ServiceNamespace")?;
    if namespace != NAMESPACE {
        return Err(ScalingError::invalid(format!(
            "The local Application Auto Scaling scales only {NAMESPACE}, not {namespace}."
        )));
    }
    match request.get("ScalableDimension").and_then(Value::as_str) {
        None | Some(DIMENSION) => Ok(()),
        Some(other) => Err(ScalingError::invalid(format!(
            "The scalable dimension of a custom resource is {DIMENSION}, not {other}."
        ))),
    }
}

/// The registered target that a request is for.
fn target(
    registry: &TargetRegistry,
    request: &Value,
) -> Result<(String, TargetDefinitions), ScalingError> {
    is_custom(request)?;
    text(request, "ScalableDimension")?;
    let id = text(request, "ResourceId")?;
    let defined = registry.find(id).ok_or_else(|| {
        ScalingError::unknown(format!(
            "No scalable target registered for service namespace: {NAMESPACE}, resource ID: {id}, scalable dimension: {DIMENSION}"
        ))
    })?;
    Ok((id.to_owned(), defined))
}

/// The results of `of` for the targets that a request is for, all on one page.
fn describe_targets(
    registry: &TargetRegistry,
    request: &Value,
    of: impl Fn(&str, &TargetDefinitions) -> Vec<Value>,
) -> Result<Vec<Value>, ScalingError> {
    is_custom(request)?;
    let wanted = request.get("ResourceId").and_then(Value::as_str);
    let all = registry.all();
    let chosen = all
        .iter()
        .filter(|(id, _)| wanted.is_none_or(|wanted| wanted == id));
    Ok(chosen.flat_map(|(id, defined)| of(id, defined)).collect())
}

fn strings(request: &Value, name: &str) -> Option<Vec<String>> {
    let given = request.get(name)?.as_array()?;
    let given = given.iter().filter_map(Value::as_str).map(str::to_owned);
    Some(given.collect())
}

fn select_named<'a>(
    defined: &'a std::collections::BTreeMap<String, Value>,
    wanted: Option<&'a [String]>,
) -> impl Iterator<Item = Value> + 'a {
    defined
        .iter()
        .filter(move |(name, _)| wanted.is_none_or(|wanted| wanted.contains(name)))
        .map(|(_, value)| value.clone())
}

/// The request merged with what the service adds; its keys replace those of `before`.
fn merge(before: Option<&Value>, request: &Value, added: Value) -> Value {
    let mut fields = match before {
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
    };
    for source in [request.clone(), added] {
        if let Value::Object(source) = source {
            fields.extend(source.into_iter().filter(|(_, value)| !value.is_null()));
        }
    }
    Value::Object(fields)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this era fit")]
fn time() -> Value {
    json!(Timestamp::now().as_millisecond() as f64 / 1000.0)
}

fn arn(registry: &TargetRegistry, what: &str) -> String {
    format!("arn:aws:application-autoscaling:{}:{what}", registry.place)
}

/// The part of an ARN that stands for a target: 24 digits, the last 16 from its resource id.
fn target_hash(resource_id: &str) -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
        + &format!("{:016x}", fnv(resource_id))
}

/// A hash that is the same in every run.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

async fn register(registry: &TargetRegistry, request: &Value) -> Result<Value, ScalingError> {
    is_custom(request)?;
    text(request, "ScalableDimension")?;
    let id = text(request, "ResourceId")?.to_owned();
    let url = registry.endpoint(&id);
    let host = url
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let host = host.map(|host| host.rsplit_once(':').map_or(host, |(host, _)| host));
    // Otherwise any caller could make the server send requests to any address.
    if !matches!(host, Some("localhost" | "127.0.0.1" | "[::1]")) {
        return Err(ScalingError::invalid(format!(
            "The resource ID {id} must be a dimension of this machine, http://localhost:3000/scalableTargetDimensions/1 say, or of an API of Amazon API Gateway, which the local API stands for."
        )));
    }
    let before = registry.find(&id);
    for name in ["MinCapacity", "MaxCapacity"] {
        capacity(request, name)?;
    }
    let known = before.as_ref().map(|defined| &defined.target);
    let mut target = merge(known, request, json!({"ScalableDimension": DIMENSION}));
    bounds(&target)?;
    if before.is_none() {
        runner::registered_state(registry, &id)
            .await
            .map_err(ScalingError::invalid)?;
        target["CreationTime"] = time();
        target["ScalableTargetARN"] = json!(arn(
            registry,
            &format!("scalable-target/{}", target_hash(&id))
        ));
        target["RoleARN"] = json!(
            "arn:aws:iam::000000000000:role/aws-service-role/custom-resource.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_CustomResource"
        );
    }
    let tags = target
        .as_object_mut()
        .and_then(|fields| fields.remove("Tags"));
    let found = target["ScalableTargetARN"].clone();
    registry.change(&id, |defined| {
        defined.target = target;
        if let Some(Value::Object(tags)) = tags {
            let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
            defined.tags.extend(tags.into_iter().filter_map(text));
        }
    });
    Ok(json!({"ScalableTargetARN": found}))
}

fn put_policy(registry: &TargetRegistry, request: &Value) -> Result<Value, ScalingError> {
    let name = text(request, "PolicyName")?.to_owned();
    let (id, defined) = target(registry, request)?;
    let before = defined.policies.get(&name);
    let mut policy = merge(before, request, json!({}));
    watches(&policy, &[])?;
    if before.is_none() {
        policy["CreationTime"] = time();
        policy["PolicyARN"] = json!(format!(
            "arn:aws:autoscaling:{}:scalingPolicy:{}:resource/{NAMESPACE}/{id}:policyName/{name}",
            registry.place,
            uuid::Uuid::new_v4()
        ));
    }
    let answer = json!({"PolicyARN": policy["PolicyARN"], "Alarms": alarms_of(&policy, &[])});
    registry.change(&id, |defined| {
        defined.policies.insert(name, policy);
    });
    Ok(answer)
}

/// The alarms of a policy, as shown in its descriptions.
fn alarms_of(policy: &Value, alarms: &[(String, Value)]) -> Value {
    let alarm = |name: &str| json!({"AlarmName": name, "AlarmARN": format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}")});
    let watches = watches(policy, alarms).unwrap_or_default();
    let mut names: Vec<String> = watches
        .into_iter()
        .flat_map(|watch| [watch.names.high, watch.names.low])
        .collect();
    names.dedup();
    Value::Array(names.iter().map(|name| alarm(name)).collect())
}

fn put_action(registry: &TargetRegistry, request: &Value) -> Result<Value, ScalingError> {
    let name = text(request, "ScheduledActionName")?.to_owned();
    let (id, defined) = target(registry, request)?;
    let before = defined.actions.get(&name);
    let mut action = merge(before, request, json!({}));
    scheduled(&action)?;
    if before.is_none() {
        action["CreationTime"] = time();
        action["ScheduledActionARN"] = json!(format!(
            "arn:aws:autoscaling:{}:scheduledAction:{}:resource/{NAMESPACE}/{id}:scheduledActionName/{name}",
            registry.place,
            uuid::Uuid::new_v4()
        ));
    }
    registry.change(&id, |defined| {
        defined.actions.insert(name, action);
    });
    Ok(json!({}))
}

fn tags(
    registry: &TargetRegistry,
    operation: &str,
    request: &Value,
) -> Result<Value, ScalingError> {
    let arn = text(request, "ResourceARN")?;
    let found = registry
        .all()
        .into_iter()
        .find(|(_, defined)| defined.target["ScalableTargetARN"] == arn);
    let Some((id, defined)) = found else {
        return Err(ScalingError(
            "ResourceNotFoundException",
            format!("No scalable target has the ARN {arn}."),
        ));
    };
    match operation {
        "TagResource" => {
            let tags = request.get("Tags").and_then(Value::as_object);
            let tags = tags.ok_or_else(|| ScalingError::invalid("Tags is missing."))?;
            registry.change(&id, |defined| {
                let text = |(key, value): (&String, &Value)| {
                    Some((key.clone(), value.as_str()?.to_owned()))
                };
                defined.tags.extend(tags.iter().filter_map(text));
            });
            Ok(json!({}))
        }
        "UntagResource" => {
            let keys = strings(request, "TagKeys")
                .ok_or_else(|| ScalingError::invalid("TagKeys is missing."))?;
            registry.change(&id, |defined| {
                defined.tags.retain(|key, _| !keys.contains(key));
            });
            Ok(json!({}))
        }
        _ => Ok(json!({"Tags": defined.tags})),
    }
}
