import { useTranslation } from 'react-i18next';
import type { RecordingDetail } from '../api/recorder';
import { brief, clock, percent, wall } from '../format';
import { Panel } from '../parts/Notices';
import { useReason } from '../sources/GapMap';
import { lost } from '../sources/gaps';

/** What is missing and why, in words, each with a way to look at it. */
export function Gaps({ recording, onGo }: { recording: RecordingDetail; onGo: (at: number) => void }) {
  const { t, i18n } = useTranslation();
  const reason = useReason();
  const zero = new Date(recording.started_at).getTime();
  const { gaps } = recording;
  return (
    <Panel
      title={t('dvr.gaps')}
      aside={
        <span className={`numbers text-sm font-medium ${gaps.length === 0 ? 'text-good' : 'text-live'}`}>
          {t('sources.kept')} {percent(recording.coverage)}
          {gaps.length > 0 && ` · ${t('sources.gap', { count: gaps.length, lost: brief(lost(gaps), i18n.language) })}`}
        </span>
      }
    >
      {gaps.length === 0 ? (
        <p className="text-muted">{t('sources.gap_none')}</p>
      ) : (
        <ol className="divide-y divide-line">
          {gaps.map((gap) => (
            <li key={gap.start_s} className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5 py-2 first:pt-0 last:pb-0">
              <button
                type="button"
                onClick={() => onGo(Math.max(0, gap.start_s - 3))}
                className="numbers rounded-md font-medium text-accent underline-offset-4 hover:underline"
                aria-label={t('dvr.play_gap', { at: clock(gap.start_s) })}
              >
                {clock(gap.start_s)}–{clock(gap.end_s)}
              </button>
              <span className="numbers text-sm text-muted">{wall(new Date(zero + gap.start_s * 1000).toISOString(), i18n.language)}</span>
              <span className="numbers text-sm">{brief(gap.end_s - gap.start_s, i18n.language)}</span>
              <span className="text-sm text-live">{reason(gap.reason)}</span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
