//! For those who watch.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::host::Readiness;
use crate::serve::Shared;
use crate::serve::problem::Problem;

/// That the server lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lives {
    /// Always `ok`.
    status: String,
}

/// Whether the server lives
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, body = Lives)))]
pub async fn lives() -> Json<Lives> {
    Json(Lives {
        status: "ok".to_owned(),
    })
}

/// Whether the application may serve: no offline step is to come
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub async fn is_ready(State(shared): State<Shared>) -> Result<Response, Problem> {
    let readiness = shared.readiness.ask(&shared.host).await?;
    let status = match readiness.is_ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok((status, Json(readiness)).into_response())
}

/// Figures in the text format of Prometheus
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, content_type = "application/openmetrics-text", body = String), (status = 401, body = Problem)))]
pub async fn metrics(State(shared): State<Shared>) -> Result<Response, Problem> {
    let told = shared
        .host
        .ask(|host| Ok((host.status()?, host.progress()?)))
        .await?;
    let readiness = shared.readiness.ask(&shared.host).await?;
    let text = shared
        .metrics
        .text(&told.0, told.1.as_ref(), readiness.is_ready);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
