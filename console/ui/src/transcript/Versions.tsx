import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Revision } from '../api/transcript';
import { wall } from '../format';
import { Button } from '../parts/Button';
import { ErrorNotice, Loading, Panel } from '../parts/Notices';
import { HearAgain } from './HearAgain';
import { useShowRevision, useVersions } from './queries';
import { canShow, heardBy, newestFirst, shownOf } from './versions';

const BADGE = 'inline-flex items-center rounded-md px-1.5 py-0.5 text-xs leading-5 font-medium';
const TINT = { asked: 'bg-sunken text-ink', running: 'bg-sunken text-ink', ready: 'bg-good-soft text-good', failed: 'bg-live-soft text-live' } as const;

/** The name of a version: the live's own, or its number. */
function useName() {
  const { t } = useTranslation();
  return (number: number) => (number === 0 ? t('version.own') : t('version.number', { n: number }));
}

function Version({ recording, one }: { recording: string; one: Revision }) {
  const { t, i18n } = useTranslation();
  const name = useName()(one.number);
  const row = useRef<HTMLLIElement>(null);
  const show = useShowRevision(recording);
  const state = one.state === 'running' ? t('version.running', { percent: Math.floor(one.percent ?? 0) }) : t(`version.${one.state === 'asked' ? 'waiting' : one.state}`);
  const facts = [
    one.utterances > 0 && t('version.sentences', { count: one.utterances }),
    one.edited > 0 && t('version.edited', { count: one.edited }),
    one.asked_by && one.asked_at && t('version.asked', { by: one.asked_by, at: wall(one.asked_at, i18n.language) }),
  ].filter(Boolean);
  return (
    <li ref={row} tabIndex={-1} data-version={one.number} className="space-y-2 py-3 outline-none first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-start justify-between gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-56">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <b className="font-medium">{name}</b>
            {one.shown && <span className={`${BADGE} bg-accent-soft text-accent`}>{t('version.shown')}</span>}
            <span className={`${BADGE} numbers ${TINT[one.state]}`}>{state}</span>
          </p>
          {heardBy(one) !== '' && <p className="font-mono text-xs break-words text-muted">{heardBy(one)}</p>}
          {facts.length > 0 && <p className="numbers text-sm text-muted">{facts.join(' · ')}</p>}
          {one.failed && <p className="text-sm break-words text-live">{one.failed}</p>}
        </div>
        {canShow(one) && (
          // The button goes once it has done its work; the keyboard stays in the row.
          <Button onPress={() => !show.isPending && show.mutate(one.number, { onSuccess: () => row.current?.focus() })} aria-label={t('version.show_named', { name })}>
            {t('version.show')}
          </Button>
        )}
      </div>
      {one.state === 'running' && (
        <div aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-sunken">
          <div className="h-full rounded-full bg-accent" style={{ width: `${Math.min(100, one.percent ?? 0)}%` }} />
        </div>
      )}
      {show.isError && <ErrorNotice error={show.error} />}
    </li>
  );
}

/** The transcripts of a finished recording: the live's own, and those of hearing it again; which of them is shown. */
export function Versions({ recording }: { recording: string }) {
  const { t } = useTranslation();
  const versions = useVersions(recording);
  const name = useName();
  const [asking, setAsking] = useState(false);
  const shown = shownOf(versions.data);
  return (
    <Panel title={t('version.title')} className="lg:col-span-2" aside={<Button onPress={() => setAsking(true)}>{t('version.again')}</Button>}>
      <p role="status" className="sr-only">
        {shown !== null && t('version.shown_named', { name: name(shown) })}
      </p>
      {versions.isPending && <Loading>…</Loading>}
      {versions.isError && !versions.data && <ErrorNotice error={versions.error} onRetry={() => void versions.refetch()} />}
      {versions.data && (
        <ul className="divide-y divide-line">
          {newestFirst(versions.data).map((one) => (
            <Version key={one.number} recording={recording} one={one} />
          ))}
        </ul>
      )}
      {asking && <HearAgain recording={recording} onClose={() => setAsking(false)} />}
    </Panel>
  );
}
