import { useTranslation } from 'react-i18next';
import type { Gap, ScrubPicture } from '../api/recorder';
import { brief, clock } from '../format';
import { useReason } from '../sources/GapMap';
import { lastBefore } from './timeline';

/** A picture older than this says nothing about the moment pointed at, in seconds. */
const STALE_S = 30;

/** What lies under the pointer: its picture, its time, and why nothing is there where nothing is. */
export function Preview({ at, share, pictures, gap, wall }: { at: number; share: number; pictures: readonly ScrubPicture[]; gap: Gap | null; wall: string }) {
  const { t, i18n } = useTranslation();
  const reason = useReason();
  const picture = gap ? null : lastBefore(pictures, at + 0.5);
  const fresh = picture && at - picture.at_s < STALE_S ? picture : null;
  return (
    <div
      aria-hidden="true"
      data-preview
      className="pointer-events-none absolute bottom-full z-10 mb-2 w-max max-w-44 -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-surface text-center text-sm text-ink shadow-card"
      style={{ left: `clamp(5.5rem, ${share * 100}%, calc(100% - 5.5rem))` }}
    >
      {fresh && <img src={fresh.url} alt="" className="mx-auto max-h-40 max-w-full" />}
      <p className="numbers px-3 py-1">
        <b className="font-semibold">{clock(at)}</b> <span className="text-muted">{wall}</span>
      </p>
      {gap && <p className="px-3 pb-1.5 text-live">{t('dvr.gap_here', { length: brief(gap.end_s - gap.start_s, i18n.language), reason: reason(gap.reason) })}</p>}
    </div>
  );
}
