//! What stands around every route: who is turned away, and what no request may exceed.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use super::access::{Role, TurnedAway};
use super::problem::Problem;
use super::routes::openslides;
use super::{Shared, audit, input};
use crate::host::HostError;

/// The page needs these, and no API answer does harm by them.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Puts the guards around routes by one of axum's methods.
macro_rules! guarded {
    ($routes:expr, $shared:expr, $layer:ident) => {{
        let with = |shared: &Shared| shared.clone();
        $routes
            .$layer(middleware::from_fn_with_state(with($shared), admitted))
            .$layer(middleware::from_fn_with_state(with($shared), authorized))
            .$layer(RequestBodyLimitLayer::new($shared.settings.body_bytes))
            .$layer(middleware::from_fn_with_state(with($shared), bounded))
            .$layer(middleware::from_fn_with_state(with($shared), placed))
            .$layer(CatchPanicLayer::custom(panicked))
            .$layer(middleware::from_fn_with_state(with($shared), told))
    }};
}

/// Puts the guards around routes, and around nothing else: the routes of others may stand beside them.
pub(super) fn around(routes: Router<Shared>, shared: &Shared) -> Router<Shared> {
    let routes = routes.method_not_allowed_fallback(not_allowed);
    guarded!(routes, shared, route_layer)
}

/// Puts the guards around routes and everything else, which is not there.
pub(super) fn around_all(routes: Router<Shared>, shared: &Shared) -> Router<Shared> {
    let routes = routes.method_not_allowed_fallback(not_allowed);
    guarded!(routes.fallback(not_found), shared, layer)
}

/// What anybody may ask for who is on the machine: that it lives, and the page, which asks for a token itself.
fn is_public(path: &str) -> bool {
    let is_asset = !path.starts_with("/api/")
        && !path.starts_with("/admin/")
        && !path.starts_with("/system/")
        && !matches!(path, "/metrics" | "/openapi.json");
    is_asset || matches!(path, "/healthz" | "/readyz")
}

/// Gives every answer its headers, makes problems of what layers below refuse in words of their own, and counts.
async fn told(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let started = shared.host.blocking().surroundings().clock.now();
    let method = request.method().clone();
    let mut response = in_words(next.run(request).await);
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(no_store);
    let took = shared
        .host
        .blocking()
        .surroundings()
        .clock
        .now()
        .since(started);
    shared.metrics.answered(&method, response.status(), took);
    response
}

/// A refusal of a layer that knows nothing of problems.
fn in_words(response: Response) -> Response {
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE if !is_problem => too_large().into_response(),
        _ => response,
    }
}

pub(super) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the body is longer than what is read",
    )
}

/// Turns away who means another server, or was sent by a page of somebody else's.
async fn placed(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let access = &shared.settings.access;
    let origin = request.headers().get(header::ORIGIN).cloned();
    let origin = origin.filter(|origin| origin.to_str().is_ok_and(|origin| access.allows(origin)));
    let is_opened = is_navigation(&request);
    if let Err(why) = access.check_place(request.uri(), request.headers())
        && !(why == TurnedAway::OtherOrigin && is_opened)
    {
        return Problem::from(why).into_response();
    }
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = match &origin {
        Some(_) if is_preflight => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        let allowed = [
            (
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET, POST, PUT, DELETE",
            ),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, if-match, if-none-match, last-event-id",
            ),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "etag, location"),
        ];
        for (name, value) in allowed {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Whether somebody follows a link to the page from elsewhere, which is no harm.
fn is_navigation(request: &Request) -> bool {
    let says = |name: &str, what: &str| {
        let value = request.headers().get(name);
        value.is_some_and(|value| value.as_bytes() == what.as_bytes())
    };
    request.method() == Method::GET
        && is_public(request.uri().path())
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
}

/// Answers each request within so much time.
async fn bounded(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(shared.settings.request_time, next.run(request));
    answer.await.unwrap_or_else(|_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the request was not complete, or not answered, in time",
        )
        .into_response()
    })
}

/// Answers so many requests at once that are complete. That the server lives can be told at any time.
async fn admitted(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/healthz" {
        return next.run(request).await;
    }
    let Ok(_permit) = shared.requests.try_acquire() else {
        let busy = "as many requests as are answered at once are being answered";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, busy)
            .with_hint("try again in a moment")
            .into_response();
    };
    next.run(request).await
}

/// Lets those through who may do what they ask for, and writes down what they change.
async fn authorized(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if is_public(&path) {
        return next.run(request).await;
    }
    let mut method = request.method().clone();
    if path.starts_with("/admin/migration/") && method != Method::OPTIONS {
        // By whatever method it is reached, it changes something, as it did in Q: HEAD goes where GET does.
        method = Method::POST;
    }
    let role = match shared
        .settings
        .access
        .check_role(&method, request.headers())
    {
        Ok(role) => role,
        Err(why) => return Problem::from(why).into_response(),
    };
    if let Err(problem) = check_content(&request) {
        return problem.into_response();
    }
    request.extensions_mut().insert(role);
    if method.is_safe() {
        return next.run(request).await;
    }
    // It is all there before anything is begun: whoever sends slowly is given up as any other.
    let (request, body) = match input::whole(request).await {
        Ok(whole) => whole,
        Err(problem) => return problem.into_response(),
    };
    if path == openslides::PATH && openslides::only_asks(&body) {
        return next.run(request).await;
    }
    // What was begun is carried out and noted, also where whoever asked for it has gone.
    let carried_out = tokio::spawn(async move { noted(&shared, role, request, &body, next).await });
    match carried_out.await {
        Ok(response) => response,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Problem::from(HostError::ShutDown).into_response(),
    }
}

/// Carries out a change, and writes down that it does.
async fn noted(shared: &Shared, role: Role, request: Request, body: &[u8], next: Next) -> Response {
    let target = request.uri().path_and_query().map(ToString::to_string);
    let target = target.unwrap_or_default();
    let what = (&request.method().clone(), target.as_str(), body);
    let noted = match audit::begin(shared, role, what).await {
        Ok(noted) => noted,
        Err(problem) => return problem.into_response(),
    };
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = response.unwrap_or_else(panicked);
    if let Err(problem) = noted.end(shared, response.status()).await {
        tracing::error!(problem = %problem.detail, "how a change was answered could not be noted");
    }
    response
}

/// What is sent is JSON: forms and plain text can be sent by any page.
fn check_content(request: &Request) -> Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    let headers = request.headers();
    let is_json = |kind: &HeaderValue| {
        let kind = kind.to_str().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    };
    let is_empty = !headers.contains_key(header::TRANSFER_ENCODING)
        && headers
            .get(header::CONTENT_LENGTH)
            .is_none_or(|length| length.as_bytes() == b"0");
    match headers.get(header::CONTENT_TYPE) {
        Some(kind) if is_json(kind) => Ok(()),
        None if is_empty => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "what is sent is to be `application/json`",
        )),
    }
}

async fn not_found() -> Problem {
    Problem::not_found("there is nothing here").with_hint("`/openapi.json` lists what there is")
}

async fn not_allowed(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("this cannot be asked for by {method}"),
    )
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let detail = "this is a fault of Godwit: please report it";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}
