//! Items.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::host::{CollectionStatus, Host, HostError, Otherwise, Reading, Shape};
use crate::model::{Name, Version};
use crate::serve::Shared;
use crate::serve::answer::{self, Page, Tagged, etag};
use crate::serve::input::{Asked, At, Bytes, Condition, checked, fifty};
use crate::serve::problem::Problem;
use crate::serve::wire::Item;

/// The collections.
#[derive(Debug, Serialize, ToSchema)]
pub struct Collections {
    /// Each.
    items: Vec<CollectionStatus>,
}

/// The collections
#[utoipa::path(get, path = "/api/v1/collections", tag = "collections",
    responses((status = 200, body = Collections), (status = 401, body = Problem)))]
pub async fn list(State(shared): State<Shared>) -> Result<Json<Collections>, Problem> {
    let status = shared.host.status().await?;
    Ok(Json(Collections {
        items: status.collections,
    }))
}

/// Which items, and in whose shape.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items at most.
    #[serde(default = "fifty")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u16,
    /// Only those that have `value` at this JSON pointer, as they are stored.
    pointer: Option<String>,
    /// JSON; what is none is taken as a string.
    value: Option<String>,
    /// The version in whose shape they are wanted; without it they come as they are stored.
    #[param(value_type = Option<String>)]
    version: Option<Version>,
}

/// In whose shape an item is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct InShape {
    /// The version in whose shape it is wanted; without it, it comes as it is stored.
    #[param(value_type = Option<String>)]
    version: Option<Version>,
}

/// Whoever asks for no version gets what is stored.
fn reading(version: Option<Version>) -> Reading {
    Reading {
        shape: version.map_or(Shape::Stored, Shape::Of),
        otherwise: Otherwise::AsStored,
        write_back: false,
    }
}

/// Items of a collection, by id, or those that have a value
///
/// Without an index for `pointer` every item is looked at, so much in one call: a page may be empty and yet have a `next`.
#[utoipa::path(get, path = "/api/v1/collections/{collection}/items", tag = "collections",
    params(("collection" = String, Path), Which),
    responses((status = 200, body = Page<Item>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn items(
    State(shared): State<Shared>,
    At(collection): At<Name>,
    Asked(which): Asked<Which>,
) -> Result<Response, Problem> {
    let limit = checked(which.limit)?;
    let condition = match (which.pointer, which.value) {
        (Some(pointer), Some(value)) if pointer.is_empty() || pointer.starts_with('/') => {
            let value = serde_json::from_str(&value).unwrap_or(serde_json::Value::String(value));
            Some((pointer, value))
        }
        (None, None) => None,
        _ => {
            return Err(Problem::bad_request(
                "`pointer`, as in /a/b, and `value` belong together",
            ));
        }
    };
    let (after, shape) = (which.after, reading(which.version));
    let found = answer::made(&shared, move |host| {
        let after = after.as_deref();
        let page = match &condition {
            Some((pointer, value)) => {
                let wanted = (pointer.as_str(), value);
                host.read_where(&collection, wanted, after, limit, &shape)?
                    .0
            }
            None => host.read_page(&collection, after, limit, &shape)?,
        };
        let page = Page {
            items: page.documents.into_iter().map(Item::from).collect(),
            next: page.next,
        };
        Ok((page, ()))
    });
    Ok(found.await?.0)
}

/// An item
#[utoipa::path(get, path = "/api/v1/collections/{collection}/items/{id}", tag = "collections",
    params(("collection" = String, Path), ("id" = String, Path), InShape),
    responses((status = 200, body = Item, headers(("etag" = String))), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn get(
    State(shared): State<Shared>,
    At((collection, id)): At<(Name, String)>,
    Asked(shape): Asked<InShape>,
) -> Result<Response, Problem> {
    let found = answer::made(&shared, move |host| {
        let tag = tag_of(host, &collection, &id)?;
        let item = host.read(&collection, &id, &reading(shape.version))?;
        let missing = HostError::NoItem { collection, id };
        let (item, tag) = item.zip(tag).ok_or(missing)?;
        Ok((Item::from(item), tag))
    });
    let (item, tag) = found.await?;
    Ok(Tagged(item, tag).into_response())
}

fn tag_of(host: &Host, collection: &Name, id: &str) -> Result<Option<String>, HostError> {
    let record = host.store().item_record(collection, id)?;
    Ok(record.map(|record| etag(&record)))
}

/// The version that is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The version whose shape the body has; the newest that a migration leads to without it.
    #[param(value_type = Option<String>)]
    version: Option<Version>,
}

/// Put an item in the place of whatever has its id
#[utoipa::path(put, path = "/api/v1/collections/{collection}/items/{id}", tag = "collections",
    params(("collection" = String, Path), ("id" = String, Path), Written,
        ("if-match" = Option<String>, Header, description = "The ETag of what is replaced.")),
    request_body(content = serde_json::Value, description = "The body, which is kept as it comes."),
    responses((status = 204), (status = 201), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub async fn put(
    State(shared): State<Shared>,
    At((collection, id)): At<(Name, String)>,
    Asked(written): Asked<Written>,
    condition: Condition,
    Bytes(body): Bytes,
) -> Result<StatusCode, Problem> {
    let (name, item) = (collection.clone(), id.clone());
    let tag = shared
        .host
        .ask(move |host| tag_of(host, &name, &item))
        .await?;
    condition.check(tag.as_deref())?;
    let reading = Reading {
        shape: written.version.map_or(Shape::Newest, Shape::Of),
        ..Reading::default()
    };
    let put = move |host: &Host| {
        host.put_document_over(&collection, &id, &body, &reading, &|record| {
            record.map(etag) == tag
        })
    };
    let status = match shared.host.change(put).await? {
        Some(true) => StatusCode::NO_CONTENT,
        Some(false) => StatusCode::CREATED,
        None => return Err(changed()),
    };
    Ok(status)
}

fn changed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "somebody has written it meanwhile",
    )
}

/// Remove an item
#[utoipa::path(delete, path = "/api/v1/collections/{collection}/items/{id}", tag = "collections",
    params(("collection" = String, Path), ("id" = String, Path),
        ("if-match" = String, Header, description = "The ETag of what is removed.")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub async fn delete(
    State(shared): State<Shared>,
    At((collection, id)): At<(Name, String)>,
    condition: Condition,
) -> Result<StatusCode, Problem> {
    let (name, item) = (collection.clone(), id.clone());
    let tag = shared
        .host
        .ask(move |host| tag_of(host, &name, &item))
        .await?;
    let Some(tag) = tag else {
        return Err(HostError::NoItem { collection, id }.into());
    };
    condition.check(Some(&tag))?;
    let delete = move |host: &Host| {
        host.delete_document_over(&collection, &id, &Reading::default(), &|record| {
            record.map(etag).as_ref() == Some(&tag)
        })
    };
    match shared.host.change(delete).await? {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(changed()),
    }
}
