//! What can be asked for.

#![expect(
    unused_qualifications,
    reason = "the macro that describes a route names the parameters' types in full"
)]

mod backups;
mod collections;
mod events;
mod health;
pub(super) mod openslides;
mod overview;
mod q;
mod quarantine;
mod runs;

use axum::Json;
use axum::Router;
use axum::routing::get;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Shared, page};

/// What the OpenAPI document says of the whole.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Godwit",
        description = "Brings stored documents from one version of an application to the next. Every answer that is an error \
                       is a problem (RFC 9457). Lists come in pages: `next` is the `after` of the next one."
    ),
    modifiers(&Bearer),
    security(("token" = [])),
    tags(
        (name = "overview", description = "What there is, and what would be done."),
        (name = "runs", description = "Runs, and what directs them."),
        (name = "quarantine", description = "Items that failed."),
        (name = "backups", description = "Backups of the store."),
        (name = "collections", description = "Items."),
        (name = "clients", description = "The routes of other systems, for their clients."),
        (name = "health", description = "For those who watch.")
    )
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// All routes, and the document that describes them.
pub(super) fn all(shared: &Shared) -> Router<Shared> {
    let api = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(overview::session))
        .routes(routes!(overview::status))
        .routes(routes!(overview::migrations))
        .routes(routes!(overview::plan))
        .routes(routes!(overview::history))
        .routes(routes!(overview::audit))
        .routes(routes!(runs::activity))
        .routes(routes!(runs::numbered_activity))
        .routes(routes!(runs::list, runs::begin))
        .routes(routes!(runs::one))
        .routes(routes!(runs::pause))
        .routes(routes!(runs::resume))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::throttle))
        .routes(routes!(runs::undo))
        .routes(routes!(runs::shadow))
        .routes(routes!(events::stream))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::one))
        .routes(routes!(quarantine::retry))
        .routes(routes!(quarantine::accept))
        .routes(routes!(backups::list, backups::create))
        .routes(routes!(backups::one, backups::delete))
        .routes(routes!(backups::verify))
        .routes(routes!(collections::list))
        .routes(routes!(collections::items))
        .routes(routes!(
            collections::get,
            collections::put,
            collections::delete
        ))
        .routes(routes!(q::all, q::all_by_get))
        .routes(routes!(q::one, q::one_by_get))
        .routes(routes!(openslides::command));
    let api = match shared.settings.probes {
        true => api
            .routes(routes!(health::lives))
            .routes(routes!(health::is_ready))
            .routes(routes!(health::metrics)),
        false => api,
    };
    let (router, document) = api.split_for_parts();
    let document = std::sync::Arc::new(told(&named(document)));
    let router = router.route(
        "/openapi.json",
        get(move || {
            let document = document.clone();
            async move { Json(document.as_ref().clone()) }
        }),
    );
    match shared.settings.page {
        true => router.merge(page::routes()),
        false => router,
    }
}

/// What every request may be answered by the guards around all routes.
const GUARDED: [(&str, &str); 5] = [
    (
        "403",
        "A page elsewhere sent it, or the token is for looking.",
    ),
    ("408", "It was not complete, or not answered, in time."),
    ("413", "Its body is too long."),
    ("421", "It names the server by a name that is not its own."),
    ("503", "As many as are answered at once are being answered."),
];

/// Gives each operation a name of its own, by its method and path, and says of every error that it is a problem.
fn named(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let methods = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else {
                continue;
            };
            let words = path.split(|c: char| !c.is_alphanumeric());
            let words = words.filter(|word| !word.is_empty() && !matches!(*word, "api" | "v1"));
            let words: Vec<_> = std::iter::once(method).chain(words).collect();
            operation.operation_id = Some(words.join("_"));
            let responses = &mut operation.responses.responses;
            for (status, description) in GUARDED {
                let problem = || RefOr::T(problem(description));
                responses.entry(status.to_owned()).or_insert_with(problem);
            }
            for response in responses.values_mut() {
                if let RefOr::T(response) = response {
                    tell_problem(response);
                }
            }
        }
    }
    document
}

/// The document as it is told: descriptions are made of doc comments, whose examples are for those who write Rust.
fn told(document: &OpenApi) -> Value {
    let mut told = serde_json::to_value(document).expect("all keys are texts");
    drop_examples(&mut told);
    told
}

fn drop_examples(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(drop_examples),
        Value::Array(elements) => elements.iter_mut().for_each(drop_examples),
        Value::String(text) => {
            if let Some(start) = text.find("\n\n```") {
                text.truncate(start);
            }
        }
        _ => {}
    }
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let built = ResponseBuilder::new().description(description);
    built.content("application/json", content).build()
}

/// Gives the content of a problem its media type.
fn tell_problem(response: &mut Response) {
    let is_problem = |content: &RefOr<Content>| match content {
        RefOr::T(Content {
            schema: Some(RefOr::Ref(schema)),
            ..
        }) => schema.ref_location.ends_with("/Problem"),
        _ => false,
    };
    if response
        .content
        .get("application/json")
        .is_some_and(is_problem)
        && let Some(content) = response.content.shift_remove("application/json")
    {
        let kind = "application/problem+json".to_owned();
        response.content.insert(kind, content);
    }
}
