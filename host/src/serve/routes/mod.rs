//! What can be asked for.

#![expect(
    unused_qualifications,
    reason = "the macro that describes a route names the parameters' types in full"
)]

mod backups;
mod collections;
mod events;
mod health;
mod openslides;
mod overview;
mod q;
mod quarantine;
mod runs;

use axum::Json;
use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Shared, page};

/// What the OpenAPI document says of the whole.
#[derive(OpenApi)]
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
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
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
        .routes(routes!(openslides::command))
        .routes(routes!(health::lives))
        .routes(routes!(health::is_ready))
        .routes(routes!(health::metrics));
    let (router, document) = api.split_for_parts();
    let document = std::sync::Arc::new(named(document));
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

/// Gives each operation a name of its own, by its method and path.
fn named(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (path, item) in &mut document.paths.paths {
        let methods = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                let words = path.split(|c: char| !c.is_alphanumeric());
                let words = words.filter(|word| !word.is_empty() && !matches!(*word, "api" | "v1"));
                let words: Vec<_> = std::iter::once(method).chain(words).collect();
                operation.operation_id = Some(words.join("_"));
            }
        }
    }
    document
}
