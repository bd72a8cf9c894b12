//! Reading requests, with refusals in the API's own shape.

use std::str::FromStr;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A JSON body. Refuses any other content type, which also keeps other sites' plain forms out.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(req: Request, state: &S) -> Result<Self, ApiError> {
        match Json::<T>::from_request(req, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(e) => Err(match e.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the request body is too large")
                }
                status if matches!(e, JsonRejection::MissingJsonContentType(_)) => {
                    ApiError::new(status, "not_json", "the body must be JSON")
                        .hint("send the header content-type: application/json")
                }
                status => ApiError::new(status, "invalid", e.body_text()),
            }),
        }
    }
}

/// The query string.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(e) => Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid", e.body_text())),
        }
    }
}

/// The part of the path that names something.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(e) => Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid", e.body_text())),
        }
    }
}

/// The two parts of the path that name something inside something.
pub(crate) struct Inside(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Inside {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((outer, inner))) => Ok(Self(outer, inner)),
            Err(e) => Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid", e.body_text())),
        }
    }
}

/// An id in the path. One that cannot be an id names nothing, so it is "not found".
pub(crate) fn id<T: FromStr>(what: &str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(what, text))
}
