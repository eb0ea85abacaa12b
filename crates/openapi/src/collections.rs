//! Books and authors.

use std::{borrow::Cow, marker::PhantomData};

use authors::Author;
use books::Book;
use fleet_http::{EntryId, ServiceHealth};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{HttpMethod, RefOr, Schema, schema::ArrayBuilder},
};

use crate::{
    errors::{ErrorShape, OperationErrors},
    operation::{DocumentPart, answer, in_path, operation, refer, with_answers},
};

pub(crate) const TAG: &str = "books and authors";

/// All entries of a list.
struct ListSchema<T>(PhantomData<T>);

impl<T: ToSchema> PartialSchema for ListSchema<T> {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(refer::<T>()).into()
    }
}

impl<T: ToSchema> ToSchema for ListSchema<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

const ERRORS: OperationErrors<'static> = OperationErrors {
    shape: ErrorShape::Standard,
    bad_request: &[],
    not_found: None,
    takes_body: false,
    asks_store: false,
    guarded: false,
};

/// Adds the routes and schemas of both lists.
pub(crate) fn describe(part: &mut DocumentPart) {
    part.schema::<EntryId>();
    part.schema::<ServiceHealth>();
    let book = json!({
        "id": 1,
        "isbn": 9_781_119_490_708_u64,
        "title": "AWS Certified Cloud Practitioner Study",
        "publisher": "Wiley",
        "date": "07/02/2019",
    });
    let author =
        json!({ "id": 1, "name": "Mark Wilkins", "book": "Learning Amazon Web Services (AWS)" });
    list::<Book>(part, ("book", "books"), ("Book", "Books"), &book);
    list::<Author>(part, ("author", "authors"), ("Author", "Authors"), &author);
}

fn list<T: ToSchema>(
    part: &mut DocumentPart,
    (one, all): (&str, &str),
    (one_id, all_id): (&str, &str),
    example: &Value,
) {
    part.schema::<ListSchema<T>>();
    let route = |part: &mut DocumentPart, path: &str, operation, errors: OperationErrors<'_>| {
        part.route(
            HttpMethod::Get,
            path,
            with_answers(operation, errors.answers()),
        );
    };
    let whole = operation(
        &format!("list{all_id}"),
        TAG,
        &format!("List {all}"),
        "The whole list.",
    )
    .response(
        "200",
        answer::<ListSchema<T>>("The list.", &[("", json!([example]))]).build(),
    );
    route(part, &format!("/api/{all}"), whole, ERRORS);

    let entry = operation(
        &format!("get{one_id}"),
        TAG,
        &format!("Get one {one}"),
        "An id that is not a whole number is a 404 as well.",
    )
    .parameter(in_path::<EntryId>("id", "The entry's id.", 1.into()))
    .response(
        "200",
        answer::<T>("The entry.", &[("", example.clone())]).build(),
    );
    let missing = format!("There is no {one} with this id.");
    route(
        part,
        &format!("/api/{all}/{{id}}"),
        entry,
        OperationErrors {
            not_found: Some(&missing),
            ..ERRORS
        },
    );

    let health = operation(
        &format!("get{all_id}Health"),
        TAG,
        &format!("Check {all}"),
        "For a load balancer's health check.",
    )
    .response(
        "200",
        answer::<ServiceHealth>(
            "The service responds.",
            &[("", json!({ "status": "ok", "service": all }))],
        )
        .build(),
    );
    route(part, &format!("/api/{all}/health"), health, ERRORS);
}
