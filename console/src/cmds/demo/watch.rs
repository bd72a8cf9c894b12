//! Reads the store while the demo plays: news for the person, and whether everything is done.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::Result;
use camino::Utf8Path;
use clipmill_domain::{
    ClipId, SourceId,
    gap::gap_map,
    post::{Post, PostState},
    recording::Recording,
    remix::Remix,
};
use clipmill_store::{Store, jobs::JobState};

use super::report::{ClipLine, GapLine, Report, StageLine, Stages, median};

/// The last follower of the road.
const LAST_FOLLOWER: &str = clipmill_clipper::classify::NAME;

/// With no job left, this long without a new row means that nothing more will come (posts wait for their slots).
const IDLE: Duration = Duration::from_secs(15);

/// What there is so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Parts recorded.
    pub parts: usize,
    /// Utterances heard.
    pub utterances: usize,
    /// Segments closed.
    pub segments: usize,
    /// Selling points among them.
    pub points: usize,
    /// Clips that can be reviewed.
    pub clips: usize,
    /// Clips that are exact.
    pub exact: usize,
    /// Captioned videos.
    pub remixes: usize,
    /// Posts live.
    pub live: usize,
    /// Jobs waiting or running.
    pub pending: usize,
}

/// Watches one source.
pub(super) struct Watcher {
    store: Store,
    source: SourceId,
    recording: Option<Recording>,
    seen: BTreeSet<ClipId>,
    counts: Counts,
    heard_all: bool,
    moved_at: Instant,
}

impl Watcher {
    pub fn new(store: Store, source: SourceId) -> Self {
        let counts = Counts::default();
        Self {
            store,
            source,
            recording: None,
            seen: BTreeSet::new(),
            counts,
            heard_all: false,
            moved_at: Instant::now(),
        }
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Looks again; what is new, in words.
    pub async fn look(&mut self) -> Result<Vec<String>> {
        let all = self.store.recordings(10).await?;
        let Some(recording) = all.into_iter().find(|r| r.source_id == self.source) else { return Ok(vec![]) };
        let mut news = vec![];
        if self.recording.is_none() {
            news.push("recording".to_owned());
        }
        if recording.ended_at.is_some() && self.recording.as_ref().is_some_and(|r| r.ended_at.is_none()) {
            news.push("the live has ended".to_owned());
        }
        let id = recording.id;
        let clips = self.store.clips_of(id).await?;
        for clip in clips.iter().filter(|c| self.seen.insert(c.id)) {
            #[expect(clippy::cast_precision_loss, reason = "seconds for display")]
            let latency = clip.reviewable_at.millis_since(clip.talk_ended_at) as f64 / 1000.0;
            news.push(format!("clip {} {}  {latency:.1} s after the talk", clip.span, clip.title));
        }
        let videos = self.videos(&clips.iter().map(|c| c.id).collect::<Vec<_>>()).await?;
        let jobs = self.store.job_counts().await?;
        let counts = Counts {
            parts: self.store.parts(id).await?.len(),
            utterances: self.store.utterances(id).await?.len(),
            segments: self.store.segments(id).await?.len(),
            points: self.store.selling_points(id).await?.len(),
            clips: clips.len(),
            exact: clips.iter().filter(|c| c.exact_path.is_some()).count(),
            remixes: videos.iter().flatten().count(),
            live: videos
                .iter()
                .flatten()
                .filter(|(_, p)| p.as_ref().is_some_and(|p| p.state == PostState::Live))
                .count(),
            pending: jobs
                .iter()
                .filter(|j| matches!(j.state, JobState::Ready | JobState::Running))
                .map(|j| usize::try_from(j.count).unwrap_or(usize::MAX))
                .sum(),
        };
        if counts != self.counts {
            self.counts = counts;
            self.moved_at = Instant::now();
        }
        self.heard_all = self.store.follower_done(id, LAST_FOLLOWER).await?;
        self.recording = Some(recording);
        Ok(news)
    }

    async fn videos(&self, clips: &[ClipId]) -> Result<Vec<Option<(Remix, Option<Post>)>>> {
        let mut out = vec![];
        for clip in clips {
            out.push(match self.store.remix_of(*clip).await? {
                Some(remix) => {
                    let post = self.store.posts_of(remix.id).await?.into_iter().next();
                    Some((remix, post))
                }
                None => None,
            });
        }
        Ok(out)
    }

    /// The live is over and everything that became of it is published; or nothing has moved for a while and no job
    /// is left (some were given up, or their upstream was).
    pub fn finished(&self) -> bool {
        let c = &self.counts;
        let over = self.recording.as_ref().is_some_and(|r| r.ended_at.is_some()) && self.heard_all;
        let whole = c.clips == c.points && c.exact == c.clips && c.remixes == c.clips && c.live == c.clips;
        over && c.pending == 0 && (whole || self.moved_at.elapsed() > IDLE)
    }

    /// The outcome as it stands.
    pub async fn report(&self, published: &Utf8Path) -> Result<Report> {
        let Some(recording) = &self.recording else { anyhow::bail!("nothing was recorded; see the log") };
        let id = recording.id;
        let mut rows = self.store.clips_of(id).await?;
        rows.sort_by_key(|c| c.span.start());
        let videos = self.videos(&rows.iter().map(|c| c.id).collect::<Vec<_>>()).await?;
        let library = self.store.library();
        let clips: Vec<ClipLine> = rows
            .iter()
            .zip(&videos)
            .map(|(c, video)| {
                let best = c.exact_path.as_ref().unwrap_or(&c.draft_path);
                let file = match video {
                    Some((_, Some(post))) if post.state == PostState::Live => {
                        post.reference.clone().unwrap_or_else(|| published.to_string())
                    }
                    Some((remix, _)) => library.local_path(&remix.path)?.into_string(),
                    None => library.local_path(best)?.into_string(),
                };
                #[expect(clippy::cast_precision_loss, reason = "seconds for display")]
                let latency_s = c.reviewable_at.millis_since(c.talk_ended_at) as f64 / 1000.0;
                Ok(ClipLine {
                    id: c.id.to_string(),
                    start_s: c.span.start().as_seconds(),
                    end_s: c.span.end().as_seconds(),
                    label: c.label.key().to_owned(),
                    product: c.product_name.clone(),
                    latency_s,
                    file,
                })
            })
            .collect::<Result<_>>()?;
        let gaps = gap_map(&self.store.parts(id).await?, &self.store.epochs(id).await?);
        let n = &self.counts;
        let line = |made: usize, ok: bool| StageLine { made, ok };
        Ok(Report {
            median_latency_s: median(clips.iter().map(|c| c.latency_s).collect()),
            clips,
            gaps: gaps.iter().map(GapLine::from).collect(),
            stages: Stages {
                record: line(n.parts, n.parts > 0 && recording.ended_at.is_some()),
                transcribe: line(n.utterances, n.utterances > 0 && self.heard_all),
                classify: line(n.segments, n.segments > 0 && self.heard_all),
                cut: line(n.exact, n.clips > 0 && n.exact == n.points),
                render: line(n.remixes, n.remixes > 0 && n.remixes == n.points),
                publish: line(n.live, n.live > 0 && n.live == n.points),
            },
        })
    }
}
