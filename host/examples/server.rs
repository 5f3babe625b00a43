//! A server that embeds Godwit. It serves nobody until its offline steps are applied, and everybody while the online ones go
//! on: each todo is read in the new shape, whether the run has come to it yet or not. Godwit's own routes, and its page, are
//! beside its own.
//!
//! `GODWIT_TOKEN=… cargo run -p godwit-host --example server -- DATA MIGRATIONS`

use std::error::Error;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use godwit::model::Phase;
use godwit::plan::Goal;
use godwit::server::{Settings, Tokens, router};
use godwit::{Collection, Host, HostError};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(data), Some(migrations)) = (arguments.next(), arguments.next()) else {
        return Err("say where the data and the migrations are".into());
    };
    let host = Host::builder()
        .store(data)
        .plugins(migrations)
        .open()
        .await?;
    let offline = Goal {
        phase: Some(Phase::Offline),
        ..Goal::default()
    };
    host.up(offline).await?;
    let readiness = host.readiness().await?;
    if !readiness.is_ready {
        return Err(readiness.reasons.join("; ").into());
    }
    // The online steps, while it serves. The migrations come with it: their newest version is its own.
    host.up(Goal::default()).detach();

    let todos = host.collection("todos".parse()?);
    let own = Router::new()
        .route("/todos/{id}", get(read).put(write))
        .with_state(todos);
    let tokens = Tokens::new(std::env::var("GODWIT_TOKEN")?, None)?;
    let routes = own.merge(router(host.clone(), Settings::new(tokens)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/", listener.local_addr()?);
    let enough = async move {
        // Where it cannot be waited for, nobody can ask for the end.
        let _ = tokio::signal::ctrl_c().await;
        host.shutdown().await;
    };
    axum::serve(listener, routes)
        .with_graceful_shutdown(enough)
        .await?;
    Ok(())
}

async fn read(State(todos): State<Collection>, Path(id): Path<String>) -> Result<Vec<u8>, Problem> {
    let todo = todos.get(id).await?;
    Ok(todo.ok_or(Problem::NotFound)?.body)
}

async fn write(
    State(todos): State<Collection>,
    Path(id): Path<String>,
    body: String,
) -> Result<StatusCode, Problem> {
    todos.put(id, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

enum Problem {
    NotFound,
    Host(HostError),
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl axum::response::IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Host(error) => (StatusCode::CONFLICT, error.to_string()).into_response(),
        }
    }
}
