//! The EC2 inventory.

use ec2_inventory_add::{AddRequest, AddResponse};
use ec2_inventory_get::GetResponse;
use ec2_inventory_list::ListInstancesResponse;
use ec2_inventory_remove::RemoveResponse;
use fleet_core::inventory::{
    AccountId, InstanceId, PackageName, PackageVersion, PageLimit, Region,
};
use fleet_http::{ErrorCode, NextToken};
use serde_json::{Value, json};
use utoipa::openapi::{
    HttpMethod, Response,
    link::{Link, LinkBuilder},
    path::Parameter,
};

use crate::{
    errors::{ErrorShape, OperationErrors},
    operation::{
        DocumentPart, answer, body, in_path, in_query, in_query_as, needs_key, needs_token,
        operation, with_answers,
    },
};

pub(crate) const TAG: &str = "inventory";

const BAD_ID: (&str, ErrorCode, &str) = (
    "id",
    ErrorCode::InvalidParameter,
    "aws_instance_id must be at most 255 characters long, but has 300.",
);

const ERRORS: OperationErrors<'static> = OperationErrors {
    shape: ErrorShape::Inventory,
    bad_request: &[BAD_ID],
    not_found: None,
    takes_body: false,
    asks_store: true,
    guarded: true,
};

/// Adds the inventory's routes and schemas.
pub(crate) fn describe(part: &mut DocumentPart) {
    part.schema::<AddRequest>();
    part.schema::<AddResponse>();
    part.schema::<GetResponse>();
    part.schema::<ListInstancesResponse>();
    part.schema::<RemoveResponse>();
    add(part);
    get(part);
    list(part);
    remove(part);
}

fn id_parameter() -> Parameter {
    in_path::<InstanceId>(
        "aws_instance_id",
        "The instance's id.",
        "instance-002".into(),
    )
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

/// A link to another operation on the same instance.
fn same_instance(operation: &str, description: &str) -> Link {
    LinkBuilder::new()
        .operation_id(operation)
        .parameter("aws_instance_id", "$request.path.aws_instance_id")
        .description(description)
        .build()
}

fn add(part: &mut DocumentPart) {
    let errors = OperationErrors {
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
    let added: Response = answer::<AddResponse>(
        "The instance has been added.",
        &[("", json!({ "new_record": sent() }))],
    )
    .link(
        "get",
        same_instance("getInstance", "Gets the new instance."),
    )
    .link(
        "remove",
        same_instance("removeInstance", "Removes the new instance."),
    )
    .build();
    let operation = operation(
        "addInstance",
        TAG,
        "Add an instance",
        "Adds an instance with its packages, atomically. If the instance already exists, it stays unchanged, and the response \
         is a 400 with `Duplicate entry '…' for key 'PRIMARY'`.",
    )
    .parameter(id_parameter())
    .request_body(Some(body::<AddRequest>("The instance to add.", &[("", sent())])))
    .security(needs_key())
    .security(needs_token())
    .response("200", added);
    part.route(
        HttpMethod::Post,
        "/ec2/{aws_instance_id}",
        with_answers(operation, errors.answers()),
    );
}

fn get(part: &mut DocumentPart) {
    let examples = [
        ("found", json!({ "record": stored(), "record_found": true })),
        ("none", json!({ "record": {}, "record_found": false })),
    ];
    let found = answer::<GetResponse>("The instance, or `record_found: false`.", &examples)
        .link(
            "remove",
            same_instance("removeInstance", "Removes the instance."),
        )
        .build();
    let operation = operation(
        "getInstance",
        TAG,
        "Get an instance",
        "One instance with its packages. One that does not exist is not an error: `record_found` is false.",
    )
    .parameter(id_parameter())
    .security(needs_key())
    .security(needs_token())
    .response("200", found);
    part.route(
        HttpMethod::Get,
        "/ec2/{aws_instance_id}",
        with_answers(operation, ERRORS.answers()),
    );
}

fn list(part: &mut DocumentPart) {
    let errors = OperationErrors {
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
        "Instances ordered by id, in pages. Filters match exactly and are combined with AND; `package_version` requires \
         `package_name`. A page examines a bounded number of entries, so where few match it may be short or empty: only the \
         last page has no `next_token`. An unknown or repeated parameter is a 400.",
    )
    .parameter(in_query_as::<Region>("aws_region", "Only instances in this region."))
    .parameter(in_query_as::<AccountId>("aws_account", "Only instances of this account."))
    .parameter(in_query_as::<PackageName>("package_name", "Only instances with this package."))
    .parameter(in_query_as::<PackageVersion>("package_version", "Only instances with this version of the package."))
    .parameter(in_query::<PageLimit>("limit", "The maximum number of instances on a page."))
    .parameter(in_query_as::<NextToken>("next_token", "The `next_token` of the previous page, unchanged."))
    .security(needs_key())
    .security(needs_token())
    .response("200", answer::<ListInstancesResponse>("A page.", &[("", page)]).link("next", next).build());
    part.route(
        HttpMethod::Get,
        "/ec2",
        with_answers(operation, errors.answers()),
    );
}

fn remove(part: &mut DocumentPart) {
    let removed = answer::<RemoveResponse>(
        "Whether the instance existed.",
        &[("", json!({ "record_deleted": true }))],
    )
    .link(
        "get",
        same_instance("getInstance", "Shows that it is gone."),
    )
    .build();
    let operation = operation(
        "removeInstance",
        TAG,
        "Remove an instance",
        "Removes an instance with its packages.",
    )
    .parameter(id_parameter())
    .security(needs_key())
    .security(needs_token())
    .response("200", removed);
    part.route(
        HttpMethod::Delete,
        "/ec2/{aws_instance_id}",
        with_answers(operation, ERRORS.answers()),
    );
}
