//! Every answer that is not a success: `{"error":{"code","message","hint"}}`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use clipmill_store::StoreError;

use super::view::{ErrorBody, ErrorText};

/// A refusal or a failure, in words fit for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None }
    }

    /// What the person can do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} {id}"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }
}

impl From<StoreError> for ApiError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::NotFound { what, id } => Self::not_found(what, &id),
            StoreError::Duplicate { what } => {
                Self::new(StatusCode::CONFLICT, "already_there", format!("already there: {what}"))
            }
            removed @ StoreError::Removed { .. } => {
                Self::new(StatusCode::GONE, "removed", removed.to_string())
            }
            StoreError::Refused { why } => Self::new(StatusCode::CONFLICT, "refused", why),
            other => {
                // Handled here, so logged here; the person gets no statement text.
                tracing::error!(error = %other, "the store failed a request");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store_failed",
                    "the database did not answer as it should",
                )
                .hint("try again; the log of the serve process says what happened")
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, hint } = self;
        let body = ErrorBody { error: ErrorText { code: code.to_owned(), message, hint } };
        (status, Json(body)).into_response()
    }
}
