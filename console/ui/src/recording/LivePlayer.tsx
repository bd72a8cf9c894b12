import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { type RecordingDetail, type ScrubPicture, recorder } from '../api/recorder';
import { usePlayback } from '../clip/playback';
import { clock, wall } from '../format';
import { LiveDot } from '../parts/Badges';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { useKeys } from '../shell/keys';
import type { Moment } from '../transcript/moment';
import { Bar } from './Bar';
import { mediaEnd, toMedia, toPlaying } from './timeline';
import { BEHIND_S, useHls } from './useHls';
import { Waveform } from './Waveform';

/** Keys and buttons step this far, in seconds. */
const STEP = { small: 5, large: 10 } as const;
/** Nearer to the newest part than this is "live", in seconds. */
const LIVE_WITHIN = BEHIND_S * 2.5;

const ROUND = 'grid size-11 shrink-0 place-items-center rounded-full hover:bg-sunken';

/** Hands the player's controls to those around it. */
export interface Controls {
  /** Plays from a media time. */
  go(at: number): void;
}

/** A recording, played anywhere in it while it grows. */
export function LivePlayer({
  recording,
  pictures,
  from,
  controls,
  moment,
}: {
  recording: RecordingDetail;
  pictures: readonly ScrubPicture[];
  /** Media time to begin at; the live edge (or the beginning) without one. */
  from: number | null;
  controls: { current: Controls | null };
  /** Told the media time that is played. */
  moment: Moment;
}) {
  const { t, i18n } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const zero = new Date(recording.started_at).getTime();
  const stream = useHls(video, recorder.playlistUrl(recording.id), zero, from);
  const playback = usePlayback(video, recording.id);

  const at = toMedia(stream.stretches, playback.time);
  const known = stream.stretches.length > 0;
  useEffect(() => {
    if (known) moment.set(at);
  }, [moment, known, at]);
  const end = Math.max(mediaEnd(stream.stretches), stream.growing ? 0 : recording.duration_s);
  const live = stream.growing;
  const atEdge = live && end - at < LIVE_WITHIN;
  const wallAt = (media: number) => wall(new Date(zero + media * 1000).toISOString(), i18n.language);

  const place = (playing: number) => {
    const element = video.current;
    if (element) element.currentTime = Math.max(0, playing);
  };
  const seek = (media: number) => place(live && media >= mediaEnd(stream.stretches) - BEHIND_S ? stream.edge() : toPlaying(stream.stretches, media));
  const step = (by: number) => {
    const now = video.current?.currentTime ?? 0;
    const last = (stream.stretches.at(-1)?.to ?? 0) - (live ? BEHIND_S : 0.1);
    place(Math.min(now + by, Math.max(last, now)));
  };
  const toEdge = () => {
    place(live ? stream.edge() : Math.max(0, (stream.stretches.at(-1)?.to ?? 0) - 0.1));
    if (live) playback.play();
  };
  controls.current = {
    go: (media) => {
      seek(media);
      playback.play();
    },
  };
  useKeys({
    ' ': playback.toggle,
    k: playback.toggle,
    K: playback.toggle,
    j: () => step(-STEP.large),
    J: () => step(-STEP.large),
    l: () => step(STEP.large),
    L: () => step(STEP.large),
    ArrowLeft: () => step(-STEP.small),
    ArrowRight: () => step(STEP.small),
    Home: () => place(0),
    End: toEdge,
  });

  const shape = recording.epochs.at(-1);
  const ratio = shape && shape.width > 0 && shape.height > 0 ? shape.width / shape.height : 16 / 9;
  const full = () => void (document.fullscreenElement ? document.exitFullscreen() : stage.current?.requestFullscreen?.())?.catch(() => undefined);
  return (
    <div className="space-y-1">
      <div ref={stage} className="relative mx-auto overflow-hidden rounded-2xl bg-black" style={{ aspectRatio: ratio, maxHeight: 'min(62dvh, 44rem)', maxWidth: '100%' }}>
        <video ref={video} playsInline aria-label={t('dvr.video')} onClick={playback.toggle} className="size-full cursor-pointer object-contain" />
        {!playback.playing && !stream.trouble && stream.stretches.length > 0 && (
          <span aria-hidden="true" className="pointer-events-none absolute inset-0 grid place-items-center">
            <span className="grid size-16 place-items-center rounded-full bg-black/55 text-white">
              <Icon name="play" fill className="size-8 translate-x-0.5" />
            </span>
          </span>
        )}
        {stream.stretches.length === 0 && !stream.trouble && (
          <p role="status" className="absolute inset-0 grid place-items-center p-4 text-center text-white">
            {t(recording.ended_at ? 'dvr.opening' : 'dvr.waiting')}
          </p>
        )}
        {stream.trouble && (
          <div role="alert" className="absolute inset-0 grid place-content-center gap-4 bg-black/85 p-4 text-center text-white">
            <p>{t(`dvr.trouble_${stream.trouble}`)}</p>
            {stream.trouble !== 'unsupported' && (
              <Button onPress={stream.again} className="mx-auto text-ink">
                {t('player.retry')}
              </Button>
            )}
          </div>
        )}
      </div>
      <Bar at={at} end={end} gaps={recording.gaps} pictures={pictures} live={live} wallAt={wallAt} onSeek={seek} />
      <Waveform id={recording.id} at={at} end={end} live={live} />
      <div className="flex flex-wrap items-center gap-x-1 gap-y-1">
        <button type="button" onClick={() => step(-STEP.large)} className={ROUND} aria-label={t('dvr.back', { by: STEP.large })}>
          <Icon name="rewind" />
        </button>
        <button type="button" onClick={playback.toggle} className={ROUND} aria-label={playback.playing ? t('player.pause') : t('player.play')}>
          <Icon name={playback.playing ? 'pause' : 'play'} fill={!playback.playing} />
        </button>
        <button type="button" onClick={() => step(STEP.large)} className={ROUND} aria-label={t('dvr.forward', { by: STEP.large })}>
          <Icon name="ahead" />
        </button>
        <p className="numbers min-w-0 px-2 text-sm">
          <b className="font-semibold" data-media-time>
            {clock(at)}
          </b>{' '}
          <span className="text-muted">/ {clock(end)}</span>
          <span className="ml-3 inline-block text-muted">
            <span className="sr-only">{t('dvr.wall')} </span>
            {end > 0 && wallAt(at)}
          </span>
        </p>
        <div className="ml-auto flex items-center gap-1">
          {live && (
            <Button look={atEdge ? 'bare' : 'plain'} onPress={toEdge} className={atEdge ? 'text-live' : ''}>
              <LiveDot />
              {t(atEdge ? 'dvr.at_edge' : 'dvr.to_edge')}
            </Button>
          )}
          <button type="button" onClick={() => playback.setMuted(!playback.muted)} className={ROUND} aria-label={playback.muted ? t('player.unmute') : t('player.mute')}>
            <Icon name={playback.muted ? 'silent' : 'sound'} />
          </button>
          <button type="button" onClick={full} className={ROUND} aria-label={t('player.fullscreen')}>
            <Icon name="full" />
          </button>
        </div>
      </div>
    </div>
  );
}
