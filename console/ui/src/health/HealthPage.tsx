import { useTranslation } from 'react-i18next';
import { useHealth, useSources } from '../api/queries';
import { ago, bytes, langOf, plain } from '../format';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Loading, Panel } from '../parts/Notices';
import { useNow } from '../shell/clock';
import { State } from '../sources/State';
import { Late } from './Late';

/** States are asked for again this often, in milliseconds. */
const STATES_MS = 5_000;
const ROLES = ['run', 'record', 'work', 'serve', 'publish'] as const;

/** What the sources do, in the recorder's row. */
function Recorded() {
  const sources = useSources(STATES_MS);
  const on = sources.data?.filter((s) => s.enabled) ?? [];
  return (
    on.length > 0 && (
      <ul className="mt-2 space-y-1.5">
        {on.map((source) => (
          <li key={source.id} className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
            <span lang={langOf(source.name)} className="min-w-0 text-ink">
              {source.name}
            </span>
            <State source={source} />
          </li>
        ))}
      </ul>
    )
  );
}

type Hearing = NonNullable<ReturnType<typeof useHealth>['data']>['transcribing'][number];

/** What is transcribed and how late, in the worker's row. */
function Heard({ all }: { all: Hearing[] }) {
  return (
    all.length > 0 && (
      <ul className="mt-2 space-y-1.5">
        {all.map((one) => (
          <li key={one.recording_id} className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
            <span lang={langOf(one.source_name)} className="min-w-0 text-ink">
              {one.source_name}
            </span>
            <Late one={one} />
          </li>
        ))}
      </ul>
    )
  );
}

/** Whether every part of the service is at work, and what to do where it is not. */
export function HealthPage() {
  const { t, i18n } = useTranslation();
  const health = useHealth();
  const now = useNow(1_000);
  const data = health.data;
  /** What a process says of itself; the recorder's sources are shown by name instead. */
  const about = (detail: unknown): string[] => {
    if (typeof detail !== 'object' || detail === null) return detail == null ? [] : [plain(detail)];
    const { ready, sources, problems, transcribing, ...rest } = detail as Record<string, unknown>;
    return [...(typeof ready === 'boolean' ? [t(ready ? 'health.ready' : 'health.starting')] : []), plain(rest)].filter(Boolean);
  };
  const roleName = (role: string) => {
    const known = ROLES.find((r) => r === role);
    return known ? t(`role.${known}`) : role;
  };
  return (
    <div className="mx-auto max-w-5xl space-y-4 sm:space-y-5">
      <title>{`${t('health.title')} · clipmill`}</title>
      <h1 className="text-2xl font-semibold">{t('health.title')}</h1>
      {health.isPending && <Loading>…</Loading>}
      {health.isError && <ErrorNotice error={health.error} onRetry={() => void health.refetch()} />}
      {data && (
        <>
          {health.isError && <p className="text-sm text-muted">{t('health.stale', { ago: ago(new Date(health.dataUpdatedAt).toISOString(), i18n.language, now) })}</p>}
          <div
            className={`flex flex-wrap items-center gap-x-8 gap-y-3 rounded-2xl p-5 ${data.status === 'ok' ? 'bg-good-soft text-good' : 'bg-warn-soft text-warn'}`}
          >
            <p className="flex flex-1 basis-56 items-center gap-3 text-lg font-semibold">
              <Icon name={data.status === 'ok' ? 'check' : 'alert'} className="size-6" />
              {t(`health.${data.status}`)}
            </p>
            <dl className="numbers flex flex-wrap gap-x-8 gap-y-2 text-sm text-ink">
              <div>
                <dt className="sr-only">{t('health.disk')}</dt>
                <dd>
                  {t('health.disk')} <b className="font-semibold">{bytes(data.disk_free_bytes)}</b>
                </dd>
              </div>
              <div>
                <dt className="sr-only">clipmill</dt>
                <dd>{t('health.version', { version: data.version })}</dd>
              </div>
            </dl>
          </div>

          <Panel title={t('health.problems')}>
            {data.problems.length === 0 ? (
              <p className="text-muted">{t('health.no_problems')}</p>
            ) : (
              <ul className="space-y-2">
                {data.problems.map((problem, index) => (
                  <li key={index} className="flex gap-2.5">
                    <Icon name="alert" className="mt-0.5 size-5 text-warn" />
                    <span className="min-w-0">{problem}</span>
                  </li>
                ))}
              </ul>
            )}
          </Panel>

          <Panel title={t('health.processes')}>
            {data.processes.length === 0 ? (
              <p className="text-muted">{t('health.no_processes')}</p>
            ) : (
              <ul className="divide-y divide-line">
                {data.processes.map((process) => (
                  <li key={`${process.role}-${process.pid}`} className="grid gap-x-6 gap-y-1 py-3 first:pt-0 last:pb-0 sm:grid-cols-[11rem_7rem_9rem_1fr] sm:items-baseline">
                    <p className="font-medium">
                      {roleName(process.role)} <span className="font-normal text-muted">{process.role}</span>
                    </p>
                    <p className={`inline-flex items-center gap-2 text-sm font-medium ${process.alive ? 'text-good' : 'text-live'}`}>
                      <span aria-hidden="true" className={`size-2 rounded-full ${process.alive ? 'bg-good' : 'bg-live'}`} />
                      {process.alive ? t('health.alive') : t('health.dead')}
                    </p>
                    <p className="numbers text-sm text-muted">
                      <span className="sr-only">{t('health.beat')} </span>
                      {process.last_beat ? ago(process.last_beat, i18n.language, now) : '–'}
                    </p>
                    <div className="numbers min-w-0 text-sm text-muted">
                      <p>{[`${t('health.pid')} ${process.pid}`, ...about(process.detail)].join(' · ')}</p>
                      {process.role === 'record' && process.alive && <Recorded />}
                      {process.role === 'work' && process.alive && <Heard all={data.transcribing} />}
                    </div>
                  </li>
                ))}
              </ul>
            )}
          </Panel>
        </>
      )}
    </div>
  );
}
