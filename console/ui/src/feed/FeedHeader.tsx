import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useRecordings, useStats } from '../api/queries';
import type { RecordingView } from '../api/types';
import { brief, clock, latencyGrade } from '../format';
import { LABELS, labelFamily, labelName } from '../i18n/labels';
import { FAMILY_BAR, LiveDot } from '../parts/Badges';
import { useNow } from '../shell/clock';

/** Seconds since a live recording began, by this machine's clock. */
export const liveSeconds = (recording: RecordingView, now: number) => Math.max(0, (now - new Date(recording.started_at).getTime()) / 1000);

/** The recordings that are live now, each with its running time. */
export function LiveNow() {
  const { t } = useTranslation();
  const recordings = useRecordings();
  const live = recordings.data?.filter((r) => !r.ended_at) ?? [];
  const now = useNow(1_000, live.length > 0);
  if (!recordings.data) return null;
  if (live.length === 0) return <p className="text-sm text-muted">{t('live.none')}</p>;
  return (
    <ul className="flex flex-wrap gap-2">
      {live.map((recording) => (
        <li key={recording.id}>
          <Link to="/sources" className="inline-flex max-w-full items-center gap-2 rounded-full border border-line bg-surface py-1 pr-3.5 pl-3 text-sm">
            <LiveDot />
            <span className="font-medium text-live">{t('live.now')}</span>
            <span>{recording.source_name}</span>
            <span className="numbers text-muted">{clock(liveSeconds(recording, now))}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex flex-col-reverse">
      <dt className="text-xs text-muted sm:text-sm">{name}</dt>
      <dd className="numbers text-xl leading-tight font-semibold sm:text-3xl">{children}</dd>
    </div>
  );
}

/** What the clips are about, as one bar in the colours of the label families, in the taxonomy's order. */
function Topics({ counts }: { counts: Record<string, number> }) {
  const { t, i18n } = useTranslation();
  const order = Object.keys(LABELS);
  const place = (label: string) => (order.indexOf(label) + order.length + 1) % (order.length + 1); // unknown ones last
  const shown = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => place(a) - place(b));
  if (shown.length === 0) return null;
  return (
    <div className="min-w-0 flex-1 basis-72">
      <ul aria-label={t('stats.labels')} className="flex h-2.5 gap-0.5 overflow-hidden rounded-full">
        {shown.map(([label, count]) => (
          <li key={label} style={{ flexGrow: count }} className={`min-w-1 ${FAMILY_BAR[labelFamily(label)]}`} title={t('stats.label_count', { name: labelName(label, i18n.language), count })}>
            <span className="sr-only">{t('stats.label_count', { name: labelName(label, i18n.language), count })}</span>
          </li>
        ))}
      </ul>
      <p aria-hidden="true" className="numbers mt-1.5 line-clamp-1 text-xs text-muted sm:line-clamp-2">
        {shown
          .toSorted(([, a], [, b]) => b - a)
          .map(([label, count]) => `${labelName(label, i18n.language)} ${count}`)
          .join(' · ')}
      </p>
    </div>
  );
}

/** The feed's head: what has come of the lives so far, and what is live now. */
export function FeedHeader() {
  const { t, i18n } = useTranslation();
  const stats = useStats();
  const median = stats.data?.median_latency_s ?? null;
  const tint = median === null ? '' : { fast: 'text-good', good: '', slow: 'text-warn' }[latencyGrade(median)];
  return (
    <div className="mb-6 space-y-4 sm:mb-8">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="sr-only">{t('feed.title')}</h1>
        <LiveNow />
      </div>
      {stats.data && stats.data.clips > 0 && (
        <div className="flex flex-wrap items-center gap-x-12 gap-y-4">
          <dl className="flex gap-7 sm:gap-12">
            <Figure name={t('stats.clips')}>{stats.data.clips}</Figure>
            <Figure name={t('stats.published')}>{stats.data.published}</Figure>
            <Figure name={t('stats.latency')}>
              <span className={tint}>{median === null ? t('stats.latency_none') : brief(median, i18n.language)}</span>
            </Figure>
          </dl>
          <Topics counts={stats.data.by_label} />
        </div>
      )}
    </div>
  );
}
