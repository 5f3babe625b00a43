//! Errors as problem details (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::access::TurnedAway;
use crate::host::{ErrorKind, HostError, with_causes};

/// What is wrong with a request, or with what it asked for.
///
/// ```
/// use godwit::HostError;
/// use godwit::model::RunId;
/// use godwit::server::Problem;
///
/// let problem = Problem::from(HostError::NoRun(RunId(7)));
/// assert_eq!((problem.status, problem.title.as_str()), (404, "Not Found"));
/// assert_eq!(problem.detail, "there is no run 7");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is, for programs: `about:blank` where the status says all.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status.
    pub status: u16,
    /// What it says, in general.
    pub title: String,
    /// What it says here.
    pub detail: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Why nothing can be planned, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<super::wire::Finding>)]
    pub findings: Vec<Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("problem").to_owned(),
            detail: detail.into(),
            hint: None,
            findings: Vec::new(),
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<TurnedAway> for Problem {
    fn from(why: TurnedAway) -> Self {
        match why {
            TurnedAway::OtherHost => Self::new(
                StatusCode::MISDIRECTED_REQUEST,
                "the server does not go by the name in `Host`",
            )
            .with_hint("name it by an address of the machine, or allow the name: `--host NAME`"),
            TurnedAway::OtherOrigin => {
                Self::new(StatusCode::FORBIDDEN, "a page of another origin sent this")
            }
            TurnedAway::NoToken => Self::new(
                StatusCode::UNAUTHORIZED,
                "there is no token, or none that is known",
            )
            .with_hint("send `Authorization: Bearer TOKEN`"),
            TurnedAway::ReadOnly => Self::new(
                StatusCode::FORBIDDEN,
                "this token is for looking, not for changing",
            ),
        }
    }
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        let status = match &error {
            HostError::NoRun(_)
            | HostError::NoItem { .. }
            | HostError::NoCollection(_)
            | HostError::NotInQuarantine { .. } => StatusCode::NOT_FOUND,
            HostError::BadItem { .. } | HostError::TooNew { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            HostError::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            // What is wrong is the file, not the server.
            HostError::Backup(_) | HostError::BackupFirst(_) => StatusCode::CONFLICT,
            error => of_kind(error.kind()),
        };
        let mut problem = Self::new(status, with_causes(&error));
        if let HostError::Refused(findings) = &error {
            let findings = findings.iter().map(serde_json::to_value);
            problem.findings = findings.filter_map(Result::ok).collect();
            problem.kind = "urn:godwit:refused".to_owned();
        }
        problem.hint = hint(&error);
        problem
    }
}

fn of_kind(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Findings | ErrorKind::Busy | ErrorKind::Input | ErrorKind::Plugin => {
            StatusCode::CONFLICT
        }
        ErrorKind::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Store | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What to do next, in words that do not suppose a command line.
fn hint(error: &HostError) -> Option<String> {
    let hint = match error {
        HostError::Refused(_) => "each finding says its way out",
        HostError::ShadowUnderWay => "finalize the shadow run, or reset it",
        HostError::NoShadow => "begin a shadow run first",
        HostError::Unfinished(_) | HostError::RunInTheWay { .. } => "finish the run, or undo it",
        HostError::ApplicationBehind { .. } => "use a newer version of the application",
        HostError::Overloaded => "try again a little later",
        _ if error.kind() == ErrorKind::Busy => "try again once the other is done",
        _ => return None,
    };
    Some(hint.to_owned())
}
