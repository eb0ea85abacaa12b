//! Shared by the descriptions of all routes: operations, responses, parameters.

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, ContentBuilder, HttpMethod, ObjectBuilder, PathItem, Ref, RefOr, Required,
        Response, ResponseBuilder, Schema, Type,
        example::ExampleBuilder,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        security::SecurityRequirement,
    },
};

/// The security scheme of the inventory.
pub(crate) const API_KEY: &str = "ApiKey";
/// The security scheme of the inventory if the stack names an issuer of tokens.
pub(crate) const TOKEN: &str = "BearerToken";
/// The security scheme of the scaling endpoint.
pub(crate) const SIGNATURE: &str = "AwsSignature";

const JSON: &str = "application/json";

/// The paths, schemas and shared responses collected so far.
#[derive(Default)]
pub(crate) struct DocumentPart {
    pub(crate) operations: Vec<(String, PathItem)>,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
    pub(crate) responses: Vec<(String, Response)>,
}

impl DocumentPart {
    /// Adds `operation` at `path`.
    pub(crate) fn route(
        &mut self,
        method: HttpMethod,
        path: &str,
        operation: impl Into<Operation>,
    ) {
        self.operations
            .push((path.to_owned(), PathItem::new(method, operation.into())));
    }

    /// Adds the schema of `T` and of everything that it contains.
    pub(crate) fn schema<T: ToSchema>(&mut self) {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
    }
}

/// An operation with its name, group, title and description.
pub(crate) fn operation(id: &str, tag: &str, summary: &str, description: &str) -> OperationBuilder {
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag(tag)
        .summary(Some(summary))
        .description(Some(description))
}

/// The requirement of the API key.
pub(crate) fn needs_key() -> SecurityRequirement {
    SecurityRequirement::new(API_KEY, [""; 0])
}

/// The requirement of a token, in a stack that names their issuer.
pub(crate) fn needs_token() -> SecurityRequirement {
    SecurityRequirement::new(TOKEN, [""; 0])
}

/// The requirement of a signature.
pub(crate) fn needs_signature() -> SecurityRequirement {
    SecurityRequirement::new(SIGNATURE, [""; 0])
}

/// A reference to the schema of `T`.
pub(crate) fn refer<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

/// A JSON body with the schema of `T`, and examples with their names.
pub(crate) fn json<T: ToSchema>(examples: &[(&str, Value)]) -> Content {
    let content = ContentBuilder::new().schema(Some(refer::<T>()));
    match examples {
        [(_, only)] => content.example(Some(only.clone())).build(),
        several => {
            let named = several.iter().map(|(name, value)| {
                (
                    *name,
                    ExampleBuilder::new()
                        .summary(*name)
                        .value(Some(value.clone()))
                        .build(),
                )
            });
            content.examples_from_iter(named).build()
        }
    }
}

/// A response with a body like `T`.
pub(crate) fn answer<T: ToSchema>(
    description: &str,
    examples: &[(&str, Value)],
) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(description)
        .content(JSON, json::<T>(examples))
}

/// A required body like `T`.
pub(crate) fn body<T: ToSchema>(description: &str, examples: &[(&str, Value)]) -> RequestBody {
    RequestBodyBuilder::new()
        .description(Some(description))
        .required(Some(Required::True))
        .content(JSON, json::<T>(examples))
        .build()
}

/// A parameter in the path.
pub(crate) fn in_path<T: ToSchema>(name: &str, description: &str, example: Value) -> Parameter {
    parameter(name, description)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(refer::<T>()))
        .example(Some(example))
        .build()
}

/// An optional parameter in the query.
pub(crate) fn in_query<T: PartialSchema>(name: &str, description: &str) -> Parameter {
    parameter(name, description)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .schema(Some(T::schema()))
        .build()
}

/// A parameter in the query with the named schema of `T`.
pub(crate) fn in_query_as<T: ToSchema>(name: &str, description: &str) -> Parameter {
    parameter(name, description)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .schema(Some(refer::<T>()))
        .build()
}

/// An optional request header.
pub(crate) fn in_header(name: &str, description: &str, pattern: &str, example: Value) -> Parameter {
    parameter(name, description)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(pattern)),
        ))
        .example(Some(example))
        .build()
}

fn parameter(name: &str, description: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .description(Some(description))
}

/// Adds responses to an operation.
pub(crate) fn with_answers(
    operation: OperationBuilder,
    answers: Vec<(&str, RefOr<Response>)>,
) -> OperationBuilder {
    answers
        .into_iter()
        .fold(operation, |operation, (status, response)| {
            operation.response(status, response)
        })
}
