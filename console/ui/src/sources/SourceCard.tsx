import { useState } from 'react';
import { Switch } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useEnableSource } from '../api/queries';
import type { RecordingView, SourceView } from '../api/types';
import { langOf } from '../format';
import { LiveDot } from '../parts/Badges';
import { Button } from '../parts/Button';
import { CopyField } from '../parts/CopyField';
import { ErrorNotice } from '../parts/Notices';
import { RecordingRow } from '../recording/RecordingRow';

/** Recordings shown before one asks for more. */
const FEW = 3;
const CATEGORIES = ['apparel', 'beauty', '3c', 'food', 'household'] as const;

/** A category's name; the word itself for one of the brand's own. */
export function useCategory(): (category: string | null | undefined) => string {
  const { t } = useTranslation();
  return (category) => {
    if (!category) return t('category.none');
    const known = CATEGORIES.find((c) => c === category);
    return known ? t(`category.${known}`) : category;
  };
}

function State({ source }: { source: SourceView }) {
  const { t } = useTranslation();
  const look = 'inline-flex items-center gap-2 rounded-full px-2.5 py-0.5 text-sm font-medium';
  if (source.live_recording_id) {
    return (
      <span className={`${look} bg-live-soft text-live`}>
        <LiveDot />
        {t('sources.state_live')}
      </span>
    );
  }
  if (!source.enabled) return <span className={`${look} bg-chat-soft text-chat`}>{t('sources.state_off')}</span>;
  return <span className={`${look} bg-sunken text-ink`}>{t(source.kind === 'push' ? 'sources.state_waiting' : 'sources.state_pulling')}</span>;
}

/** One source: what it is, how it is doing, and its recordings with their gaps. */
export function SourceCard({ source, recordings }: { source: SourceView; recordings: RecordingView[] }) {
  const { t } = useTranslation();
  const category = useCategory();
  const enable = useEnableSource();
  const [all, setAll] = useState(false);
  const shown = all ? recordings : recordings.slice(0, FEW);
  return (
    <article className="panel space-y-5 p-4 sm:p-6">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 flex-1 basis-60">
          <h2 lang={langOf(source.name)} className="text-lg font-semibold">
            {source.name}
          </h2>
          <p className="text-sm text-muted">
            {[t(`sources.${source.kind}`), t(`lang.${source.language}`), category(source.category)].join(' · ')}
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-3">
          <State source={source} />
          <Switch
            isSelected={source.enabled}
            onChange={(enabled) => enable.mutate({ id: source.id, enabled })}
            aria-label={t('sources.enable_named', { name: source.name })}
            className="group flex cursor-pointer items-center gap-2 text-sm"
          >
            <span className="flex h-6 w-10 items-center rounded-full border border-line bg-sunken px-0.5 transition group-data-selected:border-accent group-data-selected:bg-accent group-data-focus-visible:outline-2 group-data-focus-visible:outline-offset-2 group-data-focus-visible:outline-accent">
              <span className="size-4.5 rounded-full bg-muted transition group-data-selected:translate-x-4 group-data-selected:bg-accent-ink" />
            </span>
            {t('sources.enabled')}
          </Switch>
        </div>
      </div>
      {enable.isError && <ErrorNotice error={enable.error} />}
      {source.kind === 'push' && source.push_url && <CopyField label={t('sources.push_url')} value={source.push_url} />}
      {source.kind === 'pull' && source.url_shown && (
        <div>
          <p className="text-sm text-muted">{t('sources.pull_url')}</p>
          <p className="font-mono text-sm">{source.url_shown}</p>
        </div>
      )}
      <div>
        <h3 className="mb-3 text-sm font-medium text-muted">{t('sources.recordings')}</h3>
        {recordings.length === 0 ? (
          <p className="text-sm text-muted">{t('sources.no_recordings')}</p>
        ) : (
          <ol className="divide-y divide-line">
            {shown.map((recording) => (
              <li key={recording.id} className="py-4 first:pt-0 last:pb-0">
                <RecordingRow recording={recording} />
              </li>
            ))}
          </ol>
        )}
        {recordings.length > shown.length && (
          <Button look="bare" onPress={() => setAll(true)} className="mt-2 text-accent">
            {t('sources.more_recordings', { count: recordings.length - shown.length })}
          </Button>
        )}
      </div>
    </article>
  );
}
