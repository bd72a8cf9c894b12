import { useCallback, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams, useSearchParams } from 'react-router';
import { ApiError } from '../api/client';
import { useSources } from '../api/queries';
import { bytes, clock, langOf, wall } from '../format';
import { linkButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Loading, Panel } from '../parts/Notices';
import { useReason } from '../sources/GapMap';
import { State } from '../sources/State';
import { newMoment } from '../transcript/moment';
import { TranscriptPanel } from '../transcript/TranscriptPanel';
import { Versions } from '../transcript/Versions';
import { Gaps } from './Gaps';
import { HoldPanel } from './HoldPanel';
import { type Controls, LivePlayer } from './LivePlayer';
import { useRecording, useScrub } from './queries';

/** What a live does is asked for again this often, in milliseconds. */
const STATE_MS = 5_000;

/** One recording: played anywhere in it, with what is missing. `?t=` is the media time to begin at, in seconds. */
export function RecordingPage() {
  const { id = '' } = useParams();
  return <Recording key={id} id={id} />;
}

function Recording({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const [query] = useSearchParams();
  const reason = useReason();
  const recording = useRecording(id);
  const data = recording.data;
  const live = data !== undefined && !data.ended_at;
  const source = useSources(live ? STATE_MS : false).data?.find((s) => s.id === data?.source_id);
  const pictures = useScrub(id, live);
  const controls = useRef<Controls | null>(null);
  const [moment] = useState(newMoment);
  const play = useCallback((at: number) => controls.current?.go(at), []);
  const wanted = Number(query.get('t') ?? Number.NaN);

  if (recording.isPending) return <Loading>…</Loading>;
  if (!data) {
    const gone = recording.error instanceof ApiError && recording.error.status === 404;
    return (
      <div className="mx-auto max-w-5xl space-y-4">
        <h1 className="text-2xl font-semibold">{t(gone ? 'dvr.gone' : 'error.title')}</h1>
        {!gone && <ErrorNotice error={recording.error} onRetry={() => void recording.refetch()} />}
        <Link to="/recordings" className={linkButton()}>
          {t('dvr.all')}
        </Link>
      </div>
    );
  }
  const facts = [
    [t('sources.duration'), clock(data.duration_s)],
    [t('sources.size'), bytes(data.bytes)],
    [t('dvr.files'), String(data.parts)],
  ];
  const from = Number.isFinite(wanted) ? wanted : null;
  return (
    <div className="mx-auto max-w-5xl space-y-4 sm:space-y-5 xl:max-w-none">
      <title>{`${data.source_name} · ${wall(data.started_at, i18n.language)} · clipmill`}</title>
      <div>
        <Link to="/recordings" className="inline-flex items-center gap-1 rounded-md text-sm text-muted hover:text-ink">
          <Icon name="back" className="size-4" />
          {t('dvr.all')}
        </Link>
        <div className="mt-1 flex flex-wrap items-center gap-x-4 gap-y-1">
          <h1 lang={langOf(data.source_name)} className="text-2xl font-semibold">
            {data.source_name}
          </h1>
          {data.ended_at ? (
            <span className="text-sm text-muted">{reason(data.end_reason)}</span>
          ) : (
            source && <State source={source} />
          )}
        </div>
        <p className="numbers text-muted">{t('dvr.from', { at: wall(data.started_at, i18n.language) })}</p>
      </div>
      <div className="grid gap-4 sm:gap-5 xl:grid-cols-[minmax(0,1fr)_minmax(26rem,34rem)] xl:items-start">
        <section aria-label={t('dvr.video')} className="panel min-w-0 p-3 sm:p-5">
          <LivePlayer recording={data} pictures={pictures.data ?? []} from={from} controls={controls} moment={moment} />
          <dl className="numbers mt-3 flex flex-wrap gap-x-6 gap-y-1 border-t border-line pt-3 text-sm text-muted">
            {facts.map(([name, value]) => (
              <div key={name} className="flex gap-1.5">
                <dt>{name}</dt>
                <dd className="text-ink">{value}</dd>
              </div>
            ))}
          </dl>
        </section>
        <div className="min-w-0 xl:col-start-2 xl:row-span-2 xl:row-start-1 xl:h-full">
          <TranscriptPanel recording={data} start={from ?? (data.ended_at ? 0 : data.duration_s)} moment={moment} onPlay={play} />
        </div>
        <div className="grid min-w-0 gap-4 sm:gap-5 lg:grid-cols-2">
          <Gaps
            recording={data}
            onGo={(at) => {
              controls.current?.go(at);
              window.scrollTo({ top: 0 });
            }}
          />
          <Panel title={t('dvr.connections')}>
            <ol className="divide-y divide-line">
              {data.epochs.map((epoch) => (
                <li key={epoch.seq} className="py-2 text-sm first:pt-0 last:pb-0">
                  <p className="numbers flex flex-wrap gap-x-3">
                    <b className="font-medium">{clock(epoch.start_s)}</b>
                    <span className="text-muted">{wall(epoch.started_at, i18n.language)}</span>
                    <span>{epoch.end_reason ? reason(epoch.end_reason) : t('dvr.open')}</span>
                  </p>
                  <p className="numbers text-muted">
                    {[epoch.width > 0 && `${epoch.video_codec} ${epoch.width}×${epoch.height}`, epoch.audio_codec && `${epoch.audio_codec} ${epoch.sample_rate ?? ''} Hz`].filter(Boolean).join(' · ')}
                  </p>
                </li>
              ))}
            </ol>
          </Panel>
          {data.ended_at && <Versions recording={data.id} />}
          <HoldPanel recording={data} />
        </div>
      </div>
    </div>
  );
}
