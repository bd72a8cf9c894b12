import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useRecordings, useSources } from '../api/queries';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Loading } from '../parts/Notices';
import { useCost } from '../retention/queries';
import { AddSource } from './AddSource';
import { SourceCard } from './SourceCard';

/** States are asked for again this often, in milliseconds. */
const STATES_MS = 3_000;

/** Every source with its state and its recordings' gap maps; `?add` opens the form at once. */
export function SourcesPage() {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const [adding, setAdding] = useState(query.has('add'));
  const sources = useSources(STATES_MS);
  const recordings = useRecordings();
  const cost = useCost();
  const close = () => {
    setAdding(false);
    if (query.has('add')) setQuery({}, { replace: true });
  };
  const add = (
    <Button look="primary" onPress={() => setAdding(true)}>
      <Icon name="plus" className="size-4" />
      {t('sources.add')}
    </Button>
  );
  return (
    <div className="mx-auto max-w-5xl space-y-4 sm:space-y-6">
      <title>{`${t('sources.title')} · clipmill`}</title>
      <div className="flex flex-wrap items-end justify-between gap-3">
        <div>
          <h1 className="text-2xl font-semibold">{t('sources.title')}</h1>
          <p className="text-muted">{t('sources.lead')}</p>
        </div>
        {sources.data && sources.data.length > 0 && add}
      </div>
      {sources.isPending && <Loading>…</Loading>}
      {sources.isError && <ErrorNotice error={sources.error} onRetry={() => void sources.refetch()} />}
      {recordings.isError && !sources.isError && <ErrorNotice error={recordings.error} onRetry={() => void recordings.refetch()} />}
      {sources.data?.length === 0 && (
        <div className="panel space-y-4 p-8 text-center">
          <h2 className="text-xl font-semibold">{t('sources.none')}</h2>
          <p className="mx-auto max-w-md text-muted">{t('sources.none_body')}</p>
          {add}
        </div>
      )}
      {sources.data?.map((source) => (
        <SourceCard key={source.id} source={source} recordings={recordings.data?.filter((r) => r.source_id === source.id) ?? []} cost={cost.data?.sources.find((c) => c.source_id === source.id)} />
      ))}
      {adding && <AddSource onClose={close} />}
    </div>
  );
}
