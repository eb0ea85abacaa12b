//! Books and authors.

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{HttpMethod, ObjectBuilder, RefOr, Schema, Type},
};

use crate::{
    errors::{Errors, Shape},
    operation::{Part, answer, in_path, operation, with_answers},
};

pub(crate) const TAG: &str = "books and authors";

/// A book.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct Book {
    id: EntryId,
    #[schema(minimum = 0)]
    isbn: u64,
    title: String,
    publisher: String,
    /// Month, day and year.
    #[schema(pattern = "^[0-9]{2}/[0-9]{2}/[0-9]{4}$")]
    date: String,
}

/// An author.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct Author {
    id: EntryId,
    name: String,
    /// The title of a book of theirs.
    book: String,
}

/// All books.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct BookList(Vec<Book>);

/// All authors.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct AuthorList(Vec<Author>);

/// The id of a book or an author.
struct EntryId;

impl PartialSchema for EntryId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(u32::MAX as usize))
            .examples([Value::from(1)])
            .into()
    }
}

impl ToSchema for EntryId {}

/// That a service answers.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct ServiceHealth {
    #[schema(schema_with = ok)]
    status: String,
    service: Service,
}

/// The name of a service.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "a shape to describe, never made")]
enum Service {
    Books,
    Authors,
}

fn ok() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["ok"]))
        .into()
}

const ERRORS: Errors<'static> = Errors {
    shape: Shape::Standard,
    bad_request: &[],
    not_found: None,
    takes_body: false,
    asks_store: false,
    guarded: false,
};

/// Adds the routes and schemas of both lists.
pub(crate) fn describe(part: &mut Part) {
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
    list::<Book, BookList>(part, ("book", "books"), ("Book", "Books"), &book);
    list::<Author, AuthorList>(part, ("author", "authors"), ("Author", "Authors"), &author);
}

fn list<One: ToSchema, All: ToSchema>(
    part: &mut Part,
    (one, all): (&str, &str),
    (one_id, all_id): (&str, &str),
    example: &Value,
) {
    part.schema::<One>();
    part.schema::<All>();
    let route = |part: &mut Part, path: &str, operation, errors: Errors<'_>| {
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
        answer::<All>("All of them.", &[("", json!([example]))]).build(),
    );
    route(part, &format!("/api/{all}"), whole, ERRORS);

    let entry = operation(
        &format!("get{one_id}"),
        TAG,
        &format!("Get one of the {all}"),
        "An id that is not a whole number is a 404 too.",
    )
    .parameter(in_path::<EntryId>("id", "Which one.", 1.into()))
    .response(
        "200",
        answer::<One>("The one.", &[("", example.clone())]).build(),
    );
    let missing = format!("There is no {one} with this id.");
    route(
        part,
        &format!("/api/{all}/{{id}}"),
        entry,
        Errors {
            not_found: Some(&missing),
            ..ERRORS
        },
    );

    let health = operation(
        &format!("get{all_id}Health"),
        TAG,
        &format!("Whether {all} answer"),
        "For the check of a load balancer.",
    )
    .response(
        "200",
        answer::<ServiceHealth>(
            "They do.",
            &[("", json!({ "status": "ok", "service": all }))],
        )
        .build(),
    );
    route(part, &format!("/api/{all}/health"), health, ERRORS);
}
