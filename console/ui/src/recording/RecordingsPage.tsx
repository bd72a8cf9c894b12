import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useRecordings, useSources } from '../api/queries';
import type { Recording } from '../api/recorder';
import { langOf } from '../format';
import { linkButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Loading } from '../parts/Notices';
import { RecordingRow } from './RecordingRow';

/** What lives do is asked for again this often, in milliseconds. */
const STATES_MS = 5_000;

/** The newest recordings of all sources, each with its gap map and the way to play it. */
export function RecordingsPage() {
  const { t } = useTranslation();
  const recordings = useRecordings();
  const live = recordings.data?.some((r) => !r.ended_at) ?? false;
  const sources = useSources(live ? STATES_MS : false);
  return (
    <div className="mx-auto max-w-5xl space-y-4 sm:space-y-6">
      <title>{`${t('recordings.title')} · clipmill`}</title>
      <div className="flex flex-wrap items-end justify-between gap-3">
        <div className="min-w-0 flex-1 basis-72">
          <h1 className="text-2xl font-semibold">{t('recordings.title')}</h1>
          <p className="text-muted">{t('recordings.lead')}</p>
        </div>
        <Link to="/retention" className={linkButton()}>
          <Icon name="clock" className="size-4" />
          {t('retention.title')}
        </Link>
      </div>
      {recordings.isPending && <Loading>…</Loading>}
      {recordings.isError && <ErrorNotice error={recordings.error} onRetry={() => void recordings.refetch()} />}
      {recordings.data?.length === 0 && <p className="panel p-8 text-center text-muted">{t('sources.no_recordings')}</p>}
      {recordings.data && recordings.data.length > 0 && (
        <ol className="space-y-3">
          {recordings.data.map((recording: Recording) => (
            <li key={recording.id} className="panel p-4 sm:p-5">
              <h2 lang={langOf(recording.source_name)} className="mb-1 font-semibold">
                {recording.source_name}
              </h2>
              <RecordingRow recording={recording} source={sources.data?.find((s) => s.id === recording.source_id)} />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
