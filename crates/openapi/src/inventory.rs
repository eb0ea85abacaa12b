//! The EC2 inventory.

use fleet_core::inventory::Packages;
use fleet_http::ErrorCode;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        HttpMethod, ObjectBuilder, RefOr, Response, Schema, Type,
        link::{Link, LinkBuilder},
        path::Parameter,
        schema::ArrayBuilder,
    },
};

use crate::{
    errors::{Errors, Shape},
    operation::{
        Part, answer, body, in_path, in_query, in_query_as, needs_key, operation, refer,
        with_answers,
    },
    texts::{
        AccountId, CreationDate, InstanceId, Limit, NextToken, PackageName, PackageVersion, Region,
    },
};

pub(crate) const TAG: &str = "inventory";

/// A package in one version.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct Package {
    package_name: PackageName,
    package_version: PackageVersion,
}

/// Packages, as many as an instance may have.
struct PackageList;

impl PartialSchema for PackageList {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(refer::<Package>())
            .max_items(Some(Packages::MAX))
            .into()
    }
}

/// An instance to add.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct NewInstance {
    aws_region: Region,
    aws_account: AccountId,
    /// The packages on it; exact repeats count once. None where this is left out.
    #[schema(schema_with = sent_packages, required = false)]
    packages: (),
}

fn sent_packages() -> RefOr<Schema> {
    ArrayBuilder::new()
        .items(refer::<Package>())
        .max_items(Some(Packages::MAX))
        .default(Some(json!([])))
        .into()
}

/// The instance that was added.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct AddedInstance {
    new_record: AddedRecord,
}

/// What was added: packages in the order sent, without exact repeats.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct AddedRecord {
    aws_region: Region,
    aws_account: AccountId,
    #[schema(schema_with = PackageList::schema)]
    packages: (),
}

/// An instance with everything that is kept of it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct Instance {
    aws_instance_id: InstanceId,
    aws_region: Region,
    aws_account: AccountId,
    creation_date_utc: CreationDate,
    /// Sorted by name, then version.
    #[schema(schema_with = PackageList::schema)]
    packages: (),
}

/// An instance without its packages.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct InstanceSummary {
    aws_instance_id: InstanceId,
    aws_region: Region,
    aws_account: AccountId,
    creation_date_utc: CreationDate,
}

/// The instance, or that there is none.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a shape to describe, never made")]
enum InstanceLookup {
    Found(FoundInstance),
    NotFound(NoInstance),
}

/// The instance.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct FoundInstance {
    record: Instance,
    #[schema(schema_with = always_true)]
    record_found: bool,
}

/// There is none.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct NoInstance {
    #[schema(schema_with = empty)]
    record: (),
    #[schema(schema_with = always_false)]
    record_found: bool,
}

fn always_true() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .enum_values(Some([true]))
        .into()
}

fn always_false() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .enum_values(Some([false]))
        .into()
}

fn empty() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .max_properties(Some(0))
        .into()
}

/// A page of instances, ordered by id.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct InstancePage {
    #[schema(max_items = 100)]
    records: Vec<InstanceSummary>,
    /// Not there on the last page.
    #[schema(nullable = false)]
    next_token: Option<NextToken>,
}

/// Whether there was an instance to remove.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct RemovedInstance {
    record_deleted: bool,
}

const BAD_ID: (&str, ErrorCode, &str) = (
    "id",
    ErrorCode::InvalidParameter,
    "aws_instance_id must be at most 255 characters long, but has 300.",
);

const ERRORS: Errors<'static> = Errors {
    shape: Shape::Inventory,
    bad_request: &[BAD_ID],
    not_found: None,
    takes_body: false,
    asks_store: true,
    guarded: true,
};

/// Adds the inventory's routes and schemas.
pub(crate) fn describe(part: &mut Part) {
    part.schema::<NewInstance>();
    part.schema::<Package>();
    part.schema::<AddedInstance>();
    part.schema::<InstanceLookup>();
    part.schema::<InstancePage>();
    part.schema::<RemovedInstance>();
    part.schema::<InstanceId>();
    add(part);
    get(part);
    list(part);
    remove(part);
}

fn id_parameter() -> Parameter {
    in_path::<InstanceId>("aws_instance_id", "Which instance.", "instance-002".into())
}

fn sent() -> Value {
    json!({
        "aws_region": "us-east-1",
        "aws_account": "123456789012",
        "packages": [
            {"package_name": "package-1", "package_version": "v1"},
            {"package_name": "package-1", "package_version": "v2"},
        ],
    })
}

fn stored() -> Value {
    let mut record = sent();
    record["aws_instance_id"] = "instance-002".into();
    record["creation_date_utc"] = "2019-03-06 02:45:32.0".into();
    record
}

/// The same instance, asked for otherwise.
fn same_instance(operation: &str, description: &str) -> Link {
    LinkBuilder::new()
        .operation_id(operation)
        .parameter("aws_instance_id", "$request.path.aws_instance_id")
        .description(description)
        .build()
}

fn add(part: &mut Part) {
    let errors = Errors {
        bad_request: &[
            (
                "duplicate",
                ErrorCode::DuplicateInstance,
                "The instance already exists: Duplicate entry 'instance-002' for key 'PRIMARY'.",
            ),
            (
                "field",
                ErrorCode::InvalidField,
                "packages[3].package_version must be a string, but is a number.",
            ),
        ],
        takes_body: true,
        ..ERRORS
    };
    let added: Response = answer::<AddedInstance>(
        "The instance is stored, all of it.",
        &[("", json!({ "new_record": sent() }))],
    )
    .link(
        "get",
        same_instance("getInstance", "The instance as it is stored."),
    )
    .link(
        "remove",
        same_instance("removeInstance", "Removes it again."),
    )
    .build();
    let operation = operation(
        "addInstance",
        TAG,
        "Add an instance",
        "Stores an instance with its packages, all of it or nothing. One that exists stays as it is, and the request is a 400 with \
         `Duplicate entry '…' for key 'PRIMARY'`.",
    )
    .parameter(id_parameter())
    .request_body(Some(body::<NewInstance>("The instance.", &[("", sent())])))
    .security(needs_key())
    .response("200", added);
    part.route(
        HttpMethod::Post,
        "/ec2/{aws_instance_id}",
        with_answers(operation, errors.answers()),
    );
}

fn get(part: &mut Part) {
    let examples = [
        ("found", json!({ "record": stored(), "record_found": true })),
        ("none", json!({ "record": {}, "record_found": false })),
    ];
    let found = answer::<InstanceLookup>("The instance, or `record_found: false`.", &examples)
        .link("remove", same_instance("removeInstance", "Removes it."))
        .build();
    let operation = operation(
        "getInstance",
        TAG,
        "Get an instance",
        "One instance with its packages. One that is not there is no error.",
    )
    .parameter(id_parameter())
    .security(needs_key())
    .response("200", found);
    part.route(
        HttpMethod::Get,
        "/ec2/{aws_instance_id}",
        with_answers(operation, ERRORS.answers()),
    );
}

fn list(part: &mut Part) {
    let errors = Errors {
        bad_request: &[
            (
                "parameter",
                ErrorCode::UnknownParameter,
                "Unknown query parameter `colour`; allowed are aws_region, aws_account, package_name, package_version, limit, next_token.",
            ),
            (
                "limit",
                ErrorCode::InvalidParameter,
                "limit must be a whole number from 1 to 100.",
            ),
            (
                "package",
                ErrorCode::InvalidParameter,
                "package_version is allowed only with package_name.",
            ),
        ],
        ..ERRORS
    };
    let mut summary = stored();
    if let Some(summary) = summary.as_object_mut() {
        summary.remove("packages");
    }
    let page = json!({ "records": [summary], "next_token": "eyJhZnRlciI6Imluc3RhbmNlLTAwMiJ9" });
    let next = LinkBuilder::new()
        .operation_id("listInstances")
        .parameter("next_token", "$response.body#/next_token")
        .description("The next page, with the same filters.")
        .build();
    let operation = operation(
        "listInstances",
        TAG,
        "List and search instances",
        "Instances ordered by id, a page at a time. Filters are exact, and all of them must hold; `package_version` only with \
         `package_name`. A page examines a bounded number of entries, so one with few matches may come back short, or \
         empty: the last page is the one without a `next_token`. A parameter that is not listed here, or sent twice, is a 400.",
    )
    .parameter(in_query_as::<Region>("aws_region", "Only those in this region."))
    .parameter(in_query_as::<AccountId>("aws_account", "Only those of this account."))
    .parameter(in_query_as::<PackageName>("package_name", "Only those with this package."))
    .parameter(in_query_as::<PackageVersion>("package_version", "Only those with this version of it."))
    .parameter(in_query::<Limit>("limit", "How many instances a page has at most."))
    .parameter(in_query_as::<NextToken>("next_token", "The `next_token` of the page before, unchanged."))
    .security(needs_key())
    .response("200", answer::<InstancePage>("A page.", &[("", page)]).link("next", next).build());
    part.route(
        HttpMethod::Get,
        "/ec2",
        with_answers(operation, errors.answers()),
    );
}

fn remove(part: &mut Part) {
    let removed = answer::<RemovedInstance>(
        "Whether there was one.",
        &[("", json!({ "record_deleted": true }))],
    )
    .link("get", same_instance("getInstance", "That it is gone."))
    .build();
    let operation = operation(
        "removeInstance",
        TAG,
        "Remove an instance",
        "Removes an instance with its packages.",
    )
    .parameter(id_parameter())
    .security(needs_key())
    .response("200", removed);
    part.route(
        HttpMethod::Delete,
        "/ec2/{aws_instance_id}",
        with_answers(operation, ERRORS.answers()),
    );
}
