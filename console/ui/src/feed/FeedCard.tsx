import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { ClipCard } from '../api/types';
import { clock, langOf } from '../format';
import { LabelBadge, LatencyBadge, PostBadge, StageBadge } from '../parts/Badges';
import { Icon } from '../parts/Icon';

/** How long the pointer rests before the clip plays silently, in milliseconds. */
const HOVER_MS = 350;

/** A vertical picture of the clip, which plays without sound while a mouse rests on it. */
function Moving({ clip }: { clip: ClipCard }) {
  const [playing, setPlaying] = useState(false);
  const [broken, setBroken] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stop = () => {
    clearTimeout(timer.current);
    setPlaying(false);
  };
  return (
    <div
      className="relative aspect-9/16 overflow-hidden rounded-xl bg-sunken"
      onPointerEnter={(event) => {
        if (event.pointerType === 'mouse') timer.current = setTimeout(() => setPlaying(true), HOVER_MS);
      }}
      onPointerLeave={stop}
    >
      {broken ? (
        <span className="absolute inset-0 grid place-items-center text-muted">
          <Icon name="scissors" className="size-8" />
        </span>
      ) : (
        <img src={clip.thumbnail_url} alt="" loading="lazy" decoding="async" onError={() => setBroken(true)} className="size-full object-cover" />
      )}
      {playing && (
        <video src={clip.video_url} muted autoPlay loop playsInline tabIndex={-1} aria-hidden="true" onError={stop} className="absolute inset-0 size-full object-cover" />
      )}
      <span className="numbers absolute right-2 bottom-2 rounded-md bg-black/75 px-1.5 text-xs leading-5 font-medium text-white" aria-hidden="true">
        {clock(clip.duration_s)}
      </span>
      <span className="absolute top-2 left-2 flex">
        <StageBadge stage={clip.stage} />
      </span>
    </div>
  );
}

/** One clip of the feed. The whole card opens it. */
export function FeedCard({ clip, fresh }: { clip: ClipCard; fresh: boolean }) {
  const { t } = useTranslation();
  const from = clock(clip.start_s);
  const to = clock(clip.end_s);
  return (
    <li className={fresh ? 'animate-arrive' : ''} data-clip={clip.id}>
      <article className="group relative flex h-full flex-col gap-2.5 rounded-xl has-[a:focus-visible]:outline-2 has-[a:focus-visible]:outline-offset-2 has-[a:focus-visible]:outline-accent">
        <div className={`rounded-xl shadow-card transition group-hover:brightness-105 ${fresh ? 'ring-2 ring-accent' : ''}`}>
          <Moving clip={clip} />
        </div>
        <div className="flex flex-wrap items-center gap-1.5">
          {fresh && <span className="rounded-md bg-accent px-1.5 text-xs leading-6 font-semibold text-accent-ink">{t('feed.new')}</span>}
          <LabelBadge label={clip.label} name={clip.label_name} />
          {clip.post && <PostBadge post={clip.post} />}
        </div>
        <h2 lang={langOf(clip.title)} className="line-clamp-3 leading-snug font-medium text-wrap">
          <Link to={`/clips/${clip.id}`} className="outline-none after:absolute after:inset-0 after:z-10" title={clip.title}>
            {clip.title}
          </Link>
        </h2>
        <div className="mt-auto space-y-1 text-sm text-muted">
          <p lang={langOf(clip.product_name ?? '')} className="line-clamp-2">
            {clip.product_name ?? t('feed.no_product')}
          </p>
          <p className="numbers">
            <span aria-hidden="true">{t('feed.at', { from, to })}</span>
            <span className="sr-only">
              {t('feed.at_words', { from, to })}, {t('feed.length', { length: clock(clip.duration_s) })}
            </span>
          </p>
          <p>
            <LatencyBadge seconds={clip.latency_s} />
          </p>
        </div>
      </article>
    </li>
  );
}
