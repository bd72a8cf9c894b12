//! What talk can be about.

use axum::{Json, extract::State, http::StatusCode};

use super::{
    App,
    error::ApiError,
    view::{ErrorBody, TaxonomyView},
};

/// The base labels and the packs of finer ones: built-in ones and those that the configuration names.
#[utoipa::path(get, path = "/api/taxonomy", tag = "service", responses(
    (status = 200, body = TaxonomyView),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn taxonomy(State(app): State<App>) -> Result<Json<TaxonomyView>, ApiError> {
    let config = app.config.clone();
    let read = tokio::task::spawn_blocking(move || config.taxonomy()).await;
    match read {
        Ok(Ok(taxonomy)) => Ok(Json(TaxonomyView::from(&taxonomy))),
        Ok(Err(wrong)) => {
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "bad_pack", wrong.to_string())
                .hint("correct the file, or take it out of classify.packs"))
        }
        Err(_) => {
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the labels could not be read"))
        }
    }
}
