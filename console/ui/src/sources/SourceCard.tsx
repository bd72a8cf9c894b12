import { useState } from 'react';
import { Switch } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useEnableSource } from '../api/queries';
import type { Source, SourceCost } from '../api/recorder';
import type { RecordingView } from '../api/types';
import { ago, brief, bytes, langOf } from '../format';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { ErrorNotice } from '../parts/Notices';
import { RecordingRow } from '../recording/RecordingRow';
import { useHours } from './Windows';
import { EditSource } from './EditSource';
import { useRecordNow } from './queries';
import { State } from './State';
import { PushAddresses } from './StreamKey';

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

/** What is asked of the source and what it cost so far, in one line. */
function Facts({ source, cost }: { source: Source; cost: SourceCost | undefined }) {
  const { t, i18n } = useTranslation();
  const hours = useHours();
  const s = source.settings;
  const facts = [
    s.brand,
    s.mode && s.mode !== 'always' && t(`manage.mode_${s.mode}`),
    s.mode === 'scheduled' && hours(s),
    s.priority ? t('manage.priority', { value: s.priority }) : null,
    s.keep_days ? t('manage.keep', { days: s.keep_days }) : null,
    cost && cost.hours > 0 && t('manage.cost', { length: brief(cost.hours * 3600, i18n.language), size: bytes(cost.bytes) }),
    cost?.gigabytes_per_hour && t('manage.cost_rate', { size: bytes(cost.gigabytes_per_hour * 1e9) }),
  ].filter(Boolean);
  return facts.length > 0 ? <p className="numbers text-sm text-muted">{facts.join(' · ')}</p> : null;
}

/** On demand: starts and stops. */
function RecordNow({ source }: { source: Source }) {
  const { t } = useTranslation();
  const record = useRecordNow(source.id);
  const on = source.requested;
  return (
    <>
      <Button look={on ? 'plain' : 'primary'} isDisabled={record.isPending || !source.enabled} onPress={() => record.mutate(!on)}>
        {t(on ? 'manage.stop' : 'manage.record')}
      </Button>
      {record.isError && <ErrorNotice error={record.error} />}
    </>
  );
}

/** One source: what it is, how it is doing, and its recordings with their gaps. */
export function SourceCard({ source, recordings, cost }: { source: Source; recordings: RecordingView[]; cost?: SourceCost }) {
  const { t, i18n } = useTranslation();
  const [editing, setEditing] = useState(false);
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
          <Facts source={source} cost={cost} />
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
          {source.settings.mode === 'on_demand' && <RecordNow source={source} />}
          <Button onPress={() => setEditing(true)} aria-label={t('manage.edit_named', { name: source.name })}>
            <Icon name="edit" className="size-4" />
            {t('manage.edit')}
          </Button>
        </div>
      </div>
      {enable.isError && <ErrorNotice error={enable.error} />}
      {source.problem && (
        <p role="status" className={`flex gap-2.5 rounded-xl p-3 text-sm ${source.problem.is_over ? 'bg-sunken text-muted' : 'bg-warn-soft text-warn'}`}>
          <Icon name={source.problem.is_over ? 'check' : 'alert'} className="mt-0.5 size-5" />
          <span className="min-w-0">
            <b className="font-semibold">{t(source.problem.is_over ? 'manage.problem_over' : 'manage.problem')}</b> {ago(source.problem.at, i18n.language)}
            <br />
            <span lang="en" className="text-ink">
              {source.problem.what}
            </span>
          </span>
        </p>
      )}
      {source.kind === 'push' && <PushAddresses source={source} />}
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
      {editing && <EditSource source={source} onClose={() => setEditing(false)} />}
    </article>
  );
}
