//! What callers send: paths, queries, bodies, preconditions. What cannot be read is a problem that says where.

use std::error::Error;
use std::num::NonZeroUsize;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::{IntoParams, ToSchema};

use super::guard;
use super::problem::Problem;

/// A body that is a JSON object.
pub(super) struct Input<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request).await?;
        let unreadable = |status, detail: &str| {
            Problem::new(status, format!("the body cannot be read: {detail}"))
                .with_hint("send a JSON object; `{}` leaves everything to its default")
        };
        if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
            return Err(unreadable(StatusCode::BAD_REQUEST, &error.to_string()));
        }
        // What is to be told by names is not taken in some order.
        if body.trim_ascii_start().first() != Some(&b'{') {
            let detail = "it is no object";
            return Err(unreadable(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        let parsed = serde_json::from_slice(&body);
        parsed
            .map(Self)
            .map_err(|error| unreadable(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()))
    }
}

/// A body as it came.
pub(super) struct Bytes(pub bytes::Bytes);

impl<S: Sync> FromRequest<S> for Bytes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request).await.map(Self)
    }
}

/// A request whose body has come, and that.
pub(super) async fn whole(request: Request) -> Result<(Request, bytes::Bytes), Problem> {
    let (head, body) = request.into_parts();
    let body = collected(body).await?;
    Ok((Request::from_parts(head, body.clone().into()), body))
}

async fn read(request: Request) -> Result<bytes::Bytes, Problem> {
    collected(request.into_body()).await
}

async fn collected(body: Body) -> Result<bytes::Bytes, Problem> {
    match body.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if is_too_long(&error) => Err(guard::too_large()),
        Err(error) => Err(Problem::bad_request(format!(
            "the body cannot be read: {error}"
        ))),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Parts of the path.
pub(super) struct At<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        let path = path.map_err(|error| {
            Problem::not_found(format!("the path names nothing: {}", error.body_text()))
        })?;
        Ok(Self(path.0))
    }
}

/// The query.
pub(super) struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        let query = query.map_err(|error| {
            Problem::bad_request(format!("the query cannot be read: {}", error.body_text()))
        })?;
        Ok(Self(query.0))
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageOf {
    /// The `next` of the page before; the first page without it.
    pub after: Option<String>,
    /// How many entries at most.
    #[serde(default = "fifty")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    pub limit: u16,
}

/// How many entries a page has unless somebody says.
pub(super) fn fifty() -> u16 {
    50
}

/// How many entries a page may have.
pub(super) fn checked(limit: u16) -> Result<NonZeroUsize, Problem> {
    let limit = NonZeroUsize::new(limit.into()).filter(|limit| limit.get() <= 1_000);
    limit.ok_or_else(|| Problem::bad_request("`limit` is from 1 to 1000"))
}

impl PageOf {
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        Ok(checked(self.limit)?.get())
    }

    /// The number behind which the page begins, of a list by numbers.
    pub(super) fn number(&self) -> Result<Option<u64>, Problem> {
        let number = self.after.as_deref().map(str::parse).transpose();
        number.map_err(|_| Problem::bad_request("`after` is what `next` said"))
    }
}

/// An item by name.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemName {
    /// Its collection.
    #[schema(value_type = String)]
    pub collection: crate::model::Name,
    /// Its id.
    pub id: String,
}

/// What must be so for a request to be carried out: `If-Match` and `If-None-Match` (RFC 9110, 13.1).
pub(super) struct Condition {
    is: Option<String>,
    is_not: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Condition {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

impl Condition {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| {
            let lines = headers.get_all(name).iter();
            let lines: Vec<_> = lines
                .map(|line| String::from_utf8_lossy(line.as_bytes()))
                .collect();
            (!lines.is_empty()).then(|| lines.join(","))
        };
        Self {
            is: text(header::IF_MATCH),
            is_not: text(header::IF_NONE_MATCH),
        }
    }

    /// Checks what is there, named by its ETag; `None`: nothing. What is there is changed only by those who say what they
    /// think it is.
    pub(super) fn check(&self, there: Option<&str>) -> Result<(), Problem> {
        let names = |list: &str, tag: &str| {
            list.trim() == "*" || list.split(',').any(|one| one.trim() == tag)
        };
        let failed = |detail: &str| Problem::new(StatusCode::PRECONDITION_FAILED, detail);
        match (there, &self.is) {
            (Some(tag), Some(is)) if !names(is, tag) => {
                let now = format!("it is {tag} now");
                return Err(failed("it is not what it was any more").with_hint(now));
            }
            (None, Some(_)) => return Err(failed("it is not there")),
            _ => {}
        }
        if let Some((tag, is_not)) = there.zip(self.is_not.as_deref())
            && names(is_not, tag)
        {
            return Err(failed("it is there already"));
        }
        if there.is_some() && self.is.is_none() {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "this replaces or removes what is there",
            )
            .with_hint("send `If-Match` with the ETag of what you saw, or `*`"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(is: Option<&str>, is_not: Option<&str>, there: Option<&str>) -> u16 {
        let condition = Condition {
            is: is.map(str::to_owned),
            is_not: is_not.map(str::to_owned),
        };
        condition
            .check(there)
            .map_or_else(|problem| problem.status, |()| 200)
    }

    #[test]
    fn headers_in_several_lines_or_that_are_no_text_count() {
        let mut headers = HeaderMap::new();
        headers.append(header::IF_MATCH, "\"b\"".parse().unwrap());
        headers.append(header::IF_MATCH, "\"a\"".parse().unwrap());
        let condition = Condition::of(&headers);
        assert!(condition.check(Some("\"a\"")).is_ok());
        let odd = axum::http::HeaderValue::from_bytes(b"\"\xff\"").unwrap();
        headers.insert(header::IF_MATCH, odd);
        let condition = Condition::of(&headers);
        assert_eq!(condition.check(Some("\"a\"")).unwrap_err().status, 412);
        assert_eq!(condition.check(None).unwrap_err().status, 412);
    }

    #[test]
    fn what_is_there_is_changed_by_those_who_say_what_it_is() {
        let (this, other) = (Some("\"a\""), Some("\"b\""));
        assert_eq!(checked(None, None, None), 200);
        assert_eq!(checked(None, None, this), 428);
        assert_eq!(checked(this, None, this), 200);
        assert_eq!(checked(Some("\"b\", \"a\""), None, this), 200);
        assert_eq!(checked(Some("*"), None, this), 200);
        assert_eq!(checked(other, None, this), 412);
        assert_eq!(checked(this, None, None), 412);
        assert_eq!(checked(None, Some("*"), this), 412);
        assert_eq!(checked(Some("*"), Some("*"), this), 412);
        assert_eq!(checked(None, other, this), 428);
        assert_eq!(checked(this, other, this), 200);
        assert_eq!(checked(None, Some("*"), None), 200);
    }
}
