import { type PointerEvent, useState } from 'react';
import { Slider, SliderThumb, SliderTrack } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { Gap, ScrubPicture } from '../api/recorder';
import { clock } from '../format';
import { gapBars } from '../sources/gaps';
import { Preview } from './Preview';

/** The whole recording as a line: what is kept, what is missing, where one is. All times are media time in seconds. */
export function Bar({
  at,
  end,
  gaps,
  pictures,
  live,
  wallAt,
  onSeek,
}: {
  at: number;
  end: number;
  gaps: readonly Gap[];
  pictures: readonly ScrubPicture[];
  live: boolean;
  /** The wall time of a media time, as text. */
  wallAt: (at: number) => string;
  onSeek: (at: number) => void;
}) {
  const { t } = useTranslation();
  const [pointed, setPointed] = useState<number | null>(null);
  const point = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setPointed(box.width > 0 ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : null);
  };
  const over = pointed === null ? null : pointed * end;
  return (
    <Slider
      value={Math.min(Math.max(0, at), end)}
      minValue={0}
      maxValue={end || 1}
      step={0.1}
      isDisabled={end === 0}
      onChange={onSeek}
      aria-label={t('player.seek')}
      className="relative"
    >
      {over !== null && end > 0 && (
        <Preview at={over} share={pointed ?? 0} pictures={pictures} gap={gaps.find((g) => g.start_s <= over && over < g.end_s) ?? null} wall={wallAt(over)} />
      )}
      <div onPointerMove={point} onPointerLeave={() => setPointed(null)}>
        <SliderTrack className="relative flex h-11 cursor-pointer touch-none items-center">
          {({ state }) => (
            <>
              <span className="absolute inset-x-0 h-2.5 overflow-hidden rounded-full bg-good/30">
                <span className="absolute inset-y-0 left-0 bg-good" style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
                {gapBars(end, gaps).map(({ gap, left, width }) => (
                  <span key={gap.start_s} data-gap className="absolute inset-y-0 min-w-1 bg-live" style={{ left: `${left}%`, width: `${width}%` }} />
                ))}
              </span>
              {pointed !== null && <span aria-hidden="true" className="absolute h-5 w-px bg-ink" style={{ left: `${pointed * 100}%` }} />}
              <SliderThumb
                aria-valuetext={t(live ? 'dvr.value_live' : 'dvr.value', { at: clock(at), length: clock(end), wall: wallAt(at) })}
                className="top-1/2 size-5 rounded-full border-2 border-surface bg-accent shadow-card data-focus-visible:outline-2 data-focus-visible:outline-offset-2 data-focus-visible:outline-accent"
              />
            </>
          )}
        </SliderTrack>
      </div>
    </Slider>
  );
}
