import { type RefObject, useEffect, useRef, useState } from 'react';
import { Slider, SliderThumb, SliderTrack, ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { ClipDetail, Stage } from '../api/types';
import { clock, langOf } from '../format';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import type { Playback } from './playback';
import { lineAt } from './words';

const ON_VIDEO = 'grid size-10 place-items-center rounded-full text-white hover:bg-white/15';

/** The time line under the picture. */
function TimeLine({ playback }: { playback: Playback }) {
  const { t } = useTranslation();
  const { time, duration } = playback;
  const shown = t('player.length', { at: clock(time), length: clock(duration) });
  return (
    <Slider value={Math.min(time, duration)} minValue={0} maxValue={duration || 1} step={0.1} onChange={playback.seek} aria-label={t('player.seek')} isDisabled={duration === 0}>
      <SliderTrack className="group relative flex h-6 cursor-pointer items-center">
        {({ state }) => (
          <>
            <span className="h-1 w-full rounded-full bg-white/35 transition-[height] group-hover:h-1.5" />
            <span className="absolute left-0 h-1 rounded-full bg-white transition-[height] group-hover:h-1.5" style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
            <SliderThumb
              aria-valuetext={shown}
              className="top-1/2 size-3.5 rounded-full bg-white data-focus-visible:outline-2 data-focus-visible:outline-offset-2 data-focus-visible:outline-white"
            />
          </>
        )}
      </SliderTrack>
    </Slider>
  );
}

/** Which version plays: those that exist can be chosen. */
function Versions({ all, chosen, onChoose }: { all: { stage: Stage }[]; chosen: Stage; onChoose: (stage: Stage) => void }) {
  const { t } = useTranslation();
  return (
    <ToggleButtonGroup
      aria-label={t('clip.version')}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[chosen]}
      onSelectionChange={(keys) => {
        for (const key of keys) onChoose(key as Stage);
      }}
      className="flex gap-1 rounded-xl bg-sunken p-1"
    >
      {(['draft', 'exact', 'captioned'] as const).map((stage) => (
        <ToggleButton
          key={stage}
          id={stage}
          isDisabled={!all.some((v) => v.stage === stage)}
          className="min-h-9 flex-1 rounded-lg px-2 text-sm font-medium text-muted disabled:cursor-not-allowed disabled:opacity-50 data-selected:bg-raised data-selected:text-ink data-selected:shadow-card"
        >
          {t(`stage.${stage}`)}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

/** The video with its controls. Changing the version keeps the place and goes on playing. */
export function Player({
  clip,
  all,
  chosen,
  onChoose,
  video,
  playback,
  autoPlay,
}: {
  clip: ClipDetail;
  all: { stage: Stage; url: string }[];
  chosen: { stage: Stage; url: string };
  onChoose: (stage: Stage) => void;
  video: RefObject<HTMLVideoElement | null>;
  playback: Playback;
  autoPlay: boolean;
}) {
  const { t } = useTranslation();
  const [subtitles, setSubtitles] = useState(true);
  const frame = useRef<HTMLDivElement>(null);
  const burnt = chosen.stage === 'captioned';
  const said = subtitles && !burnt ? lineAt(clip.transcript, clip.start_s + playback.time) : null;

  // Another file for the same clip: take the place and the motion along.
  const kept = useRef({ url: chosen.url, time: 0, playing: false });
  useEffect(() => {
    const element = video.current;
    if (!element || kept.current.url === chosen.url) return;
    const { time, playing } = kept.current;
    kept.current.url = chosen.url;
    const go = () => {
      element.currentTime = Math.min(time, Math.max(0, element.duration - 0.05));
      if (playing) void element.play().catch(() => undefined);
    };
    if (element.readyState >= HTMLMediaElement.HAVE_METADATA) return go();
    element.addEventListener('loadedmetadata', go, { once: true });
    return () => element.removeEventListener('loadedmetadata', go);
  }, [chosen.url, video]);
  const choose = (stage: Stage) => {
    const element = video.current; // what it does now, not what was last drawn
    if (element) kept.current = { url: kept.current.url, time: element.currentTime, playing: !element.paused };
    onChoose(stage);
  };

  const best = all.at(-1);
  return (
    <div className="mx-auto w-full max-w-[calc(min(76dvh,46rem)*9/16)] space-y-2.5">
      <div ref={frame} className="group/player relative aspect-9/16 overflow-hidden rounded-2xl bg-black shadow-card">
        <video
          ref={video}
          src={chosen.url}
          poster={clip.thumbnail_url}
          preload="auto"
          playsInline
          loop
          autoPlay={autoPlay}
          aria-label={t('clip.video')}
          onClick={playback.toggle}
          className="size-full cursor-pointer object-contain"
        />
        {said && (
          // the transcript beside says the same to those who listen to the page
          <p aria-hidden="true" lang={langOf(said.text)} className="pointer-events-none absolute inset-x-4 bottom-24 text-center text-pretty">
            <span className="rounded-md bg-black/75 box-decoration-clone px-2 py-0.5 leading-relaxed text-white">{said.text}</span>
          </p>
        )}
        {!playback.playing && !playback.failed && (
          <span aria-hidden="true" className="pointer-events-none absolute inset-0 grid place-items-center">
            <span className="grid size-16 place-items-center rounded-full bg-black/55 text-white">
              <Icon name="play" fill className="size-8 translate-x-0.5" />
            </span>
          </span>
        )}
        {playback.failed && (
          <div role="alert" className="absolute inset-0 grid place-content-center gap-4 bg-black/85 p-6 text-center text-white">
            <p>{t('player.failed')}</p>
            <Button onPress={() => video.current?.load()} className="mx-auto">
              {t('player.retry')}
            </Button>
          </div>
        )}
        <div className="absolute inset-x-0 bottom-0 bg-linear-to-t from-black/85 via-black/55 to-transparent px-3 pt-8 pb-1.5">
          <TimeLine playback={playback} />
          <div className="flex items-center text-white">
            <button type="button" onClick={playback.toggle} className={ON_VIDEO} aria-label={playback.playing ? t('player.pause') : t('player.play')}>
              <Icon name={playback.playing ? 'pause' : 'play'} fill={!playback.playing} />
            </button>
            <span className="numbers mr-auto px-1.5 text-sm">
              {clock(playback.time)} / {clock(playback.duration)}
            </span>
            {!burnt && (
              <button type="button" onClick={() => setSubtitles(!subtitles)} aria-pressed={subtitles} aria-label={t('player.subtitles')} className={`${ON_VIDEO} ${subtitles ? '' : 'opacity-60'}`}>
                <Icon name="captions" />
              </button>
            )}
            <button type="button" onClick={() => playback.setMuted(!playback.muted)} className={ON_VIDEO} aria-label={playback.muted ? t('player.unmute') : t('player.mute')}>
              <Icon name={playback.muted ? 'silent' : 'sound'} />
            </button>
            <button type="button" onClick={() => void (document.fullscreenElement ? document.exitFullscreen() : frame.current?.requestFullscreen?.())?.catch(() => undefined)} className={ON_VIDEO} aria-label={t('player.fullscreen')}>
              <Icon name="full" />
            </button>
          </div>
        </div>
      </div>
      <Versions all={all} chosen={chosen.stage} onChoose={choose} />
      <div role="status">
        {best && best.stage !== chosen.stage && (
          <Button look="bare" onPress={() => choose(best.stage)} className="w-full text-accent">
            {t('clip.better', { name: t(`stage.${best.stage}`) })}
          </Button>
        )}
      </div>
    </div>
  );
}
