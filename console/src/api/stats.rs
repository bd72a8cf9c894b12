//! A few numbers over everything.

use axum::{Json, extract::State};
use clipmill_domain::post::PostState;

use super::{
    App,
    error::ApiError,
    view::{ErrorBody, Stats},
};

/// The median is taken over this many newest clips.
const LATENCIES: u32 = 1000;

/// Counts and the median latency.
#[utoipa::path(get, path = "/api/stats", tag = "service", responses(
    (status = 200, body = Stats),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn stats(State(app): State<App>) -> Result<Json<Stats>, ApiError> {
    let counts = app.store.clip_counts().await?;
    let latencies = app.store.clip_latencies_ms(LATENCIES).await?;
    let published = app.store.post_count(PostState::Live).await?;
    Ok(Json(Stats {
        clips: counts.iter().map(|(_, n)| n.unsigned_abs()).sum(),
        published: published.unsigned_abs(),
        median_latency_s: median(latencies).map(|ms| ms / 1000.0),
        by_label: counts.into_iter().map(|(label, n)| (label.key().to_owned(), n.unsigned_abs())).collect(),
    }))
}

/// The middle value; the mean of the two middle ones of an even count.
fn median(mut values: Vec<i64>) -> Option<f64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let high = *values.get(middle)?;
    let low = if values.len().is_multiple_of(2) { *values.get(middle - 1)? } else { high };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds for display")]
    let mean = (low as f64 + high as f64) / 2.0;
    Some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![7]), Some(7.0));
        assert_eq!(median(vec![9, 1, 5]), Some(5.0));
        assert_eq!(median(vec![4, 1, 2, 100]), Some(3.0));
    }
}
