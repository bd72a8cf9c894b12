import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { ApiError, api } from '../api/client';
import { keys, useClip, useFeed, useOlder, useStats } from '../api/queries';
import type { ClipDetail, Stage } from '../api/types';
import { clock, langOf } from '../format';
import { LabelBadge, LatencyBadge, StageBadge } from '../parts/Badges';
import { linkButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Loading, Panel } from '../parts/Notices';
import { PointPanel } from '../point/PointPanel';
import { useKeys } from '../shell/keys';
import { Player } from './Player';
import { Transcript } from './Transcript';
import { History, Publishing, Why } from './Why';
import { neighbours } from './neighbours';
import { usePlayback } from './playback';
import { versions } from './words';

/** How far the arrow keys jump, in seconds. */
const JUMP_S = 2;

/** The clip itself: shown afresh for each clip, so that nothing of the last one lingers. */
function Review({ clip, autoPlay, onMotion }: { clip: ClipDetail; autoPlay: boolean; onMotion: (playing: boolean) => void }) {
  const { t } = useTranslation();
  const all = useMemo(() => versions(clip), [clip]);
  // The best at first sight stays, also when a better one comes while it is watched.
  const [stage, setStage] = useState<Stage>(() => all.at(-1)?.stage ?? clip.stage);
  const chosen = all.find((v) => v.stage === stage) ?? all.at(-1) ?? { stage: clip.stage, url: clip.video_url };

  const video = useRef<HTMLVideoElement>(null);
  const playback = usePlayback(video, chosen.url);
  useEffect(() => onMotion(playback.playing), [onMotion, playback.playing]);
  useKeys({
    ' ': playback.toggle,
    ArrowLeft: () => playback.seek(playback.time - JUMP_S),
    ArrowRight: () => playback.seek(playback.time + JUMP_S),
  });

  return (
    <div className="grid items-start gap-4 md:grid-cols-[minmax(15rem,calc(min(76dvh,46rem)*9/16))_minmax(0,1fr)] lg:gap-6 xl:grid-cols-[calc(min(76dvh,46rem)*9/16)_minmax(0,1fr)_minmax(19rem,24rem)]">
      <div className="md:sticky md:top-20">
        <Player clip={clip} all={all} chosen={chosen} onChoose={setStage} video={video} playback={playback} autoPlay={autoPlay} />
      </div>
      <div className="min-w-0 space-y-4 lg:space-y-6">
        <header className="space-y-3">
          <h1 lang={langOf(clip.title)} className="text-2xl leading-snug font-semibold sm:text-[1.75rem]">
            {clip.title}
          </h1>
          <div className="flex flex-wrap items-center gap-1.5">
            <LabelBadge label={clip.label} name={clip.label_name} />
            <StageBadge stage={clip.stage} />
            <LatencyBadge seconds={clip.latency_s} />
          </div>
          <p className="numbers flex flex-wrap gap-x-4 gap-y-1 text-sm text-muted">
            <span>{t('clip.source', { name: clip.source_name })}</span>
            <span>{t('feed.at', { from: clock(clip.start_s), to: clock(clip.end_s) })}</span>
            <span>{t('feed.length', { length: clock(clip.duration_s) })}</span>
            <span lang={langOf(clip.product_name ?? '')}>{clip.product_name ?? t('feed.no_product')}</span>
          </p>
        </header>
        <Panel title={t('clip.transcript')}>
          <Transcript
            lines={clip.transcript}
            at={clip.start_s + playback.time}
            onSeek={(line) => {
              playback.seek(line.start_s - clip.start_s);
              playback.play();
            }}
          />
        </Panel>
      </div>
      <div className="min-w-0 space-y-4 md:col-start-2 lg:space-y-6 xl:col-start-auto">
        <PointPanel id={clip.selling_point_id} />
        <Why clip={clip} />
        <Publishing clip={clip} />
        <History clip={clip} />
      </div>
    </div>
  );
}

/** One clip for review: video, words, reasons; `j` and `k` step through the feed. */
export function ClipPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const navigate = useNavigate();
  const client = useQueryClient();
  const detail = useClip(id);
  const feed = useFeed();
  const stats = useStats();
  const ids = useMemo(() => feed.clips.map((c) => c.id), [feed.clips]);
  const beside = neighbours(ids, id);
  const adrift = feed.isSuccess && beside.index < 0; // opened by its address, older than what is loaded
  const older = useOlder(id, adrift);
  const next = adrift ? (older.data ?? null) : beside.older;

  // Near the end of what is loaded: read on, so that `j` never stops before the feed does.
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = feed;
  const nearEnd = beside.index >= 0 && beside.index >= ids.length - 3;
  useEffect(() => {
    if (nearEnd && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [nearEnd, hasNextPage, isFetchingNextPage, fetchNextPage]);

  // The clips beside are fetched ahead, so that a step shows at once.
  useEffect(() => {
    for (const other of [next, beside.newer]) {
      if (other) void client.prefetchQuery({ queryKey: keys.clip(other), queryFn: ({ signal }) => api.clip(other, signal) });
    }
  }, [client, next, beside.newer]);

  const moving = useRef(false);
  const onMotion = useMemo(() => (playing: boolean) => void (moving.current = playing), []);
  const [carry, setCarry] = useState(false);
  const go = (to: string | null) => {
    if (!to) return;
    setCarry(moving.current); // who was watching goes on watching
    void navigate(`/clips/${to}`, { preventScrollReset: true });
  };
  // A key may come while the next page is still being drawn: the address knows already where we are.
  const press = (way: 'newer' | 'older') => {
    const here = decodeURIComponent(window.location.pathname.split('/').at(-1) ?? '');
    if (here === id) return go(way === 'older' ? next : beside.newer);
    go(neighbours(ids, here)[way]);
  };
  useKeys({ j: () => press('older'), k: () => press('newer'), u: () => void navigate('/') });

  const step = (to: string | null, name: string, icon: 'back' | 'forward', key: string) =>
    to ? (
      <Link to={`/clips/${to}`} onClick={() => setCarry(moving.current)} className={linkButton()} aria-keyshortcuts={key} title={`${name} (${key})`}>
        {icon === 'back' && <Icon name="back" className="size-4" />}
        {name}
        {icon === 'forward' && <Icon name="forward" className="size-4" />}
      </Link>
    ) : (
      <span role="link" aria-disabled="true" className={`${linkButton()} pointer-events-none opacity-45`}>
        {icon === 'back' && <Icon name="back" className="size-4" />}
        {name}
        {icon === 'forward' && <Icon name="forward" className="size-4" />}
      </span>
    );

  return (
    <>
      <title>{`${detail.data?.title ?? t('feed.title')} · clipmill`}</title>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-2 sm:mb-6">
        <Link to="/" className="inline-flex min-h-10 items-center gap-1.5 rounded-lg text-sm font-medium text-muted hover:text-ink">
          <Icon name="back" className="size-4" />
          {t('clip.back')}
        </Link>
        <div className="flex items-center gap-2">
          {beside.index >= 0 && <span className="numbers hidden text-sm text-muted sm:inline">{t('clip.position', { index: beside.index + 1, count: Math.max(ids.length, stats.data?.clips ?? 0) })}</span>}
          {step(beside.newer, t('clip.newer'), 'back', 'k')}
          {step(next, t('clip.older'), 'forward', 'j')}
        </div>
      </div>
      {detail.isPending && <Loading>{t('feed.loading')}</Loading>}
      {detail.isError && !detail.data && (
        <>
          {detail.error instanceof ApiError && detail.error.status === 404 && <h1 className="mb-4 text-2xl font-semibold">{t('clip.gone')}</h1>}
          <ErrorNotice error={detail.error} onRetry={() => void detail.refetch()} />
        </>
      )}
      {detail.data && <Review key={detail.data.id} clip={detail.data} autoPlay={carry} onMotion={onMotion} />}
    </>
  );
}
