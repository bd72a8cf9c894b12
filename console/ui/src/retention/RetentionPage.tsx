import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Disk } from '../api/recorder';
import { bytes, langOf, wall } from '../format';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Loading, Panel } from '../parts/Notices';
import { useCost, usePlan } from './queries';

const WHYS = ['age', 'size', 'room', 'live', 'held', 'not_heard', 'uncut', 'unreviewed', 'clips', 'not_due'] as const;

/** A reason to go or to stay, in words; the service's own words where we do not know it. */
function useWhy(): (key: string, words?: string) => string {
  const { t } = useTranslation();
  return (key, words) => {
    const known = WHYS.find((w) => w === key);
    return known ? t(`why.${known}`) : (words ?? key);
  };
}

function Line({ id, name, endedAt, size, children }: { id: string; name: string; endedAt: string | null | undefined; size: number; children: ReactNode }) {
  const { t, i18n } = useTranslation();
  return (
    <li className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1 py-3 first:pt-0 last:pb-0">
      <div className="min-w-0 flex-1 basis-64">
        <Link to={`/recordings/${id}`} lang={langOf(name)} className="font-medium underline-offset-4 hover:underline">
          {name}
        </Link>{' '}
        <span className="numbers text-sm text-muted">{endedAt ? t('retention.ended', { at: wall(endedAt, i18n.language) }) : t('retention.live')}</span>
        <p className="numbers text-sm first-letter:uppercase">{children}</p>
      </div>
      <b className="numbers font-semibold">{bytes(size)}</b>
    </li>
  );
}

function DiskPanel({ disk }: { disk: Disk }) {
  const { t } = useTranslation();
  const share = (part: number) => `${disk.total_bytes > 0 ? Math.min(100, (part / disk.total_bytes) * 100) : 0}%`;
  const used = Math.max(0, disk.total_bytes - disk.free_bytes);
  return (
    <Panel title={t('retention.disk')}>
      <div aria-hidden="true" className="flex h-3 overflow-hidden rounded-full bg-sunken">
        <span className="bg-accent" style={{ width: share(disk.recordings_bytes) }} />
        <span className="bg-muted/50" style={{ width: share(Math.max(0, used - disk.recordings_bytes)) }} />
      </div>
      <ul className="numbers mt-2 flex flex-wrap gap-x-6 gap-y-1 text-sm text-muted">
        <li>
          {t('recordings.title')} <b className="font-semibold text-ink">{bytes(disk.recordings_bytes)}</b>
        </li>
        <li>{t('retention.free', { free: bytes(disk.free_bytes), total: bytes(disk.total_bytes) })}</li>
        {disk.bytes_per_day > 0 && <li>{t('retention.rate', { size: bytes(disk.bytes_per_day) })}</li>}
        {disk.days_left != null && (
          <li className={disk.days_left < 7 ? 'font-medium text-live' : ''}>{disk.days_left > 365 ? t('retention.years_left') : t('retention.days_left', { days: disk.days_left < 10 ? disk.days_left.toFixed(1) : Math.floor(disk.days_left) })}</li>
        )}
      </ul>
    </Panel>
  );
}

/** What the retention rules would remove now and what they spare, each with its reason. */
export function RetentionPage() {
  const { t } = useTranslation();
  const plan = usePlan();
  const cost = useCost();
  const why = useWhy();
  const data = plan.data;
  const short = (size: number, text: 'short_size' | 'short_room') =>
    size > 0 && (
      <p role="alert" className="flex gap-3 rounded-2xl bg-warn-soft p-4 text-warn">
        <Icon name="alert" className="mt-0.5 size-5" />
        <span className="min-w-0">{t(`retention.${text}`, { size: bytes(size) })}</span>
      </p>
    );
  return (
    <div className="mx-auto max-w-5xl space-y-4 sm:space-y-5">
      <title>{`${t('retention.title')} · clipmill`}</title>
      <div>
        <Link to="/recordings" className="inline-flex items-center gap-1 rounded-md text-sm text-muted hover:text-ink">
          <Icon name="back" className="size-4" />
          {t('dvr.all')}
        </Link>
        <h1 className="mt-1 text-2xl font-semibold">{t('retention.title')}</h1>
        <p className="text-muted">{t('retention.lead')}</p>
      </div>
      {plan.isPending && <Loading>…</Loading>}
      {plan.isError && <ErrorNotice error={plan.error} onRetry={() => void plan.refetch()} />}
      {cost.data && <DiskPanel disk={cost.data.disk} />}
      {data && (
        <>
          {short(data.size_short_bytes, 'short_size')}
          {short(data.room_short_bytes, 'short_room')}
          <Panel
            title={t('retention.goes')}
            aside={data.removals.length > 0 && <span className="numbers text-sm text-muted">{t('retention.total', { count: data.recordings_removed, size: bytes(data.bytes_removed) })}</span>}
          >
            {data.removals.length === 0 ? (
              <p className="text-muted">{t('retention.none')}</p>
            ) : (
              <ol className="divide-y divide-line">
                {data.removals.map((r) => (
                  <Line key={r.recording_id} id={r.recording_id} name={r.source_name} endedAt={r.ended_at} size={r.bytes}>
                    <span className="text-live">{why(r.rule, r.why)}</span> · {t('retention.parts', { count: r.parts })}
                    {r.parts_for_clips > 0 && ` · ${t('retention.for_clips', { count: r.parts_for_clips, size: bytes(r.bytes_for_clips) })}`}
                  </Line>
                ))}
              </ol>
            )}
          </Panel>
          {data.kept_recordings.length > 0 && (
            <Panel title={t('retention.spared')}>
              <ol className="divide-y divide-line">
                {data.kept_recordings.map((r) => (
                  <Line key={r.recording_id} id={r.recording_id} name={r.source_name} endedAt={r.ended_at} size={r.bytes}>
                    {why(r.reason, r.why)}
                  </Line>
                ))}
              </ol>
            </Panel>
          )}
          {data.kept.length > 0 && (
            <Panel title={t('retention.stays')}>
              <dl className="numbers divide-y divide-line">
                {data.kept.map((k) => (
                  <div key={k.reason} className="flex flex-wrap justify-between gap-x-6 py-2 first:pt-0 last:pb-0">
                    <dt className="first-letter:uppercase">{why(k.reason)}</dt>
                    <dd className="text-muted">{t('retention.kept', { count: k.recordings, size: bytes(k.bytes) })}</dd>
                  </div>
                ))}
              </dl>
            </Panel>
          )}
        </>
      )}
    </div>
  );
}
