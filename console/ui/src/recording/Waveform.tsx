import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useWaveform } from './queries';
import { bars } from './waveform';

/** A bar and the room to the next, in CSS pixels. */
const BAR_PX = 2;
const STEP_PX = 3;

/** The sound of the whole recording under its timeline; `at` and `end` are media time in seconds. The place is kept while there is none. */
export function Waveform({ id, at, end, live }: { id: string; at: number; end: number; live: boolean }) {
  const { t } = useTranslation();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { data } = useWaveform(id, end, live);
  const [width, setWidth] = useState(0);
  const [dark, setDark] = useState(false);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    watch.observe(element);
    const scheme = window.matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setDark(scheme.matches);
    changed();
    scheme.addEventListener('change', changed);
    return () => {
      watch.disconnect();
      scheme.removeEventListener('change', changed);
    };
  }, []);

  const columns = Math.floor(width / STEP_PX);
  const played = end > 0 ? Math.round((at / end) * columns) : 0;
  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext('2d');
    if (!element || !pen) return;
    const scale = window.devicePixelRatio || 1;
    const tall = element.clientHeight;
    element.width = Math.round(width * scale);
    element.height = Math.round(tall * scale);
    pen.scale(scale, scale);
    const colours = getComputedStyle(element);
    const [before, after] = [colours.getPropertyValue('--accent'), colours.getPropertyValue('--muted')];
    if (!data) return;
    bars(data, end, columns).forEach((height, n) => {
      // Silence is a thin line; where there is no sound, nothing is drawn.
      if (height === null) return;
      const high = Math.max(1, height * tall);
      pen.fillStyle = n < played ? before : after;
      pen.fillRect(n * STEP_PX, (tall - high) / 2, BAR_PX, high);
    });
  }, [data, end, width, columns, played, dark]);

  return <canvas ref={canvas} role="img" aria-label={t(data?.peaks.some((p) => p !== null) ? 'dvr.waveform' : 'dvr.waveform_none')} data-waveform className="block h-10 w-full" />;
}
