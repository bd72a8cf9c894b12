import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Recording, Source } from '../api/recorder';
import { bytes, clock, percent, wall } from '../format';
import { linkButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { GapMap, useReason } from '../sources/GapMap';
import { State } from '../sources/State';

/** A recording in a list: its facts, its gap map, and the way to play it. With its source, what a live does now, too. */
export function RecordingRow({ recording, source }: { recording: Recording; source?: Source }) {
  const { t, i18n } = useTranslation();
  const reason = useReason();
  const begun = wall(recording.started_at, i18n.language);
  return (
    <>
      <div className="mb-2 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="numbers flex min-w-0 flex-1 basis-60 flex-wrap items-center gap-x-4 gap-y-0.5 text-sm text-muted">
          <span className="font-medium text-ink">{begun}</span>
          <span>
            {t('sources.duration')} {clock(recording.duration_s)}
          </span>
          <span>
            {t('sources.kept')} <b className={`font-semibold ${recording.coverage >= 1 ? 'text-good' : 'text-live'}`}>{percent(recording.coverage)}</b>
          </span>
          <span>{bytes(recording.bytes)}</span>
          <span>{t('sources.parts', { count: recording.parts })}</span>
          {recording.ended_at ? <span>{reason(recording.end_reason)}</span> : source ? <State source={source} /> : <span>{t('recordings.open')}</span>}
          {recording.hold && (
            <span className="inline-flex items-center gap-1 text-warn">
              <Icon name="lock" className="size-4" />
              {t('hold.held')}
            </span>
          )}
        </div>
        <Link to={`/recordings/${recording.id}`} className={linkButton()} aria-label={t('recordings.watch_named', { name: recording.source_name, at: begun })}>
          <Icon name="play" className="size-4" />
          {t(recording.ended_at ? 'recordings.watch' : 'recordings.watch_live')}
        </Link>
      </div>
      <GapMap recording={recording} />
    </>
  );
}
