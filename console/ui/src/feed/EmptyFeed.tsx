import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useRecordings, useSources } from '../api/queries';
import { clock } from '../format';
import { LiveDot } from '../parts/Badges';
import { linkButton } from '../parts/Button';
import { CopyField } from '../parts/CopyField';
import { Icon } from '../parts/Icon';
import { useNow } from '../shell/clock';
import { liveSeconds } from './FeedHeader';

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <li className="flex gap-4">
      <span aria-hidden="true" className="numbers grid size-8 shrink-0 place-items-center rounded-full bg-accent-soft font-semibold text-accent">
        {number}
      </span>
      <div className="min-w-0 flex-1 space-y-2 pt-0.5">
        <h3 className="font-semibold">{title}</h3>
        {children}
      </div>
    </li>
  );
}

/** A feed without clips: says what to do next, given what is set up and what is live. */
export function EmptyFeed() {
  const { t } = useTranslation();
  const sources = useSources();
  const recordings = useRecordings();
  const live = recordings.data?.find((r) => !r.ended_at);
  const now = useNow(1_000, live !== undefined);
  const push = sources.data?.find((s) => s.kind === 'push' && s.enabled && s.push_url);
  const none = sources.data?.length === 0;

  return (
    <div className="panel mx-auto mt-4 max-w-2xl p-6 sm:mt-10 sm:p-10">
      <Icon name={live ? 'sources' : 'scissors'} className="mb-4 size-10 text-accent" />
      <h2 className="mb-1 text-2xl font-semibold">{t('empty.title')}</h2>
      <p className="mb-7 text-muted">{t('empty.lead')}</p>
      {live ? (
        <div className="flex gap-3 rounded-2xl bg-sunken p-4">
          <span className="pt-1.5">
            <LiveDot />
          </span>
          <div>
            <p className="font-semibold">{t('empty.listening', { name: live.source_name })}</p>
            <p className="numbers text-muted">{t('empty.listening_body', { at: clock(liveSeconds(live, now)) })}</p>
          </div>
        </div>
      ) : (
        <ol className="space-y-6">
          {none && (
            <Step number={1} title={t('empty.no_source')}>
              <p className="text-muted">{t('empty.no_source_body')}</p>
              <Link to="/sources?add" className={linkButton('primary')}>
                <Icon name="plus" className="size-4" />
                {t('empty.add')}
              </Link>
            </Step>
          )}
          {(none || push) && (
            <Step number={none ? 2 : 1} title={t('empty.obs')}>
              <p className="text-muted">{t('empty.obs_body')}</p>
              {push?.push_url && <CopyField label={t('key.server')} value={push.push_url} />}
            </Step>
          )}
          <Step number={none ? 3 : push ? 2 : 1} title={t('empty.start')}>
            <p className="text-muted">{t('empty.start_body')}</p>
          </Step>
        </ol>
      )}
      {!none && (
        <p className="mt-7">
          <Link to="/sources" className="font-medium text-accent underline underline-offset-4">
            {t('empty.all_sources')}
          </Link>
        </p>
      )}
    </div>
  );
}
