import { useTranslation } from 'react-i18next';
import type { Gap, RecordingView } from '../api/types';
import { brief, clock, wall } from '../format';
import { gapBars, lost } from './gaps';

const REASONS = ['finished', 'disconnected', 'stalled', 'format_changed', 'timestamp_jump', 'stopped', 'crashed', 'quiet', 'disk_full', 'time_limit', 'size_limit', 'window_end'] as const;

/** Why something ended, in words; the code itself where we do not know it. */
export function useReason(): (reason: string | null | undefined) => string {
  const { t } = useTranslation();
  return (reason) => {
    if (!reason) return t('reason.unknown');
    const known = REASONS.find((r) => r === reason);
    return known ? t(`reason.${known}`) : reason;
  };
}

/** One recording as a bar: kept stretches in green, gaps in red; each gap says when, how long and why. */
export function GapMap({ recording }: { recording: RecordingView }) {
  const { t, i18n } = useTranslation();
  const reason = useReason();
  const { gaps, duration_s } = recording;
  const words = (gap: Gap) =>
    t('sources.gap_title', { from: clock(gap.start_s), to: clock(gap.end_s), length: brief(gap.end_s - gap.start_s, i18n.language), reason: reason(gap.reason) });
  const summary = gaps.length === 0 ? t('sources.gap_none') : t('sources.gap', { count: gaps.length, lost: brief(lost(gaps), i18n.language) });
  return (
    <div>
      <div
        role="img"
        aria-label={t('sources.map', { from: wall(recording.started_at, i18n.language), length: clock(duration_s), gaps: [summary, ...gaps.map(words)].join('; ') })}
        className="relative h-4 overflow-hidden rounded-full bg-good/70"
      >
        {gapBars(duration_s, gaps).map(({ gap, left, width }) => (
          <span key={gap.start_s} title={words(gap)} className="absolute inset-y-0 min-w-1 bg-live outline-1 outline-surface" style={{ left: `${left}%`, width: `${width}%` }} />
        ))}
      </div>
      <div aria-hidden="true" className="numbers mt-0.5 flex justify-between text-xs text-muted">
        <span>0:00</span>
        <span>{clock(duration_s)}</span>
      </div>
      {gaps.length > 0 && (
        <details className="mt-1 text-sm">
          <summary className="cursor-pointer text-live">{summary}</summary>
          <ul className="numbers mt-1 space-y-0.5 pl-4 text-muted">
            {gaps.map((gap) => (
              <li key={gap.start_s}>{words(gap)}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
