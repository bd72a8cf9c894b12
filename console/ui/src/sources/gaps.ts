import type { Gap } from '../api/types';

/** A gap as a stretch of a bar: both in percent of its width. */
export interface GapBar {
  gap: Gap;
  left: number;
  width: number;
}

/** Lays the gaps of a recording of `duration` seconds over a bar; what lies outside it is cut off. */
export function gapBars(duration: number, gaps: readonly Gap[]): GapBar[] {
  if (!(duration > 0)) return [];
  return gaps.flatMap((gap) => {
    const from = Math.min(duration, Math.max(0, gap.start_s));
    const to = Math.min(duration, Math.max(0, gap.end_s));
    return to > from ? [{ gap, left: (from / duration) * 100, width: ((to - from) / duration) * 100 }] : [];
  });
}

/** Seconds lost in all gaps. */
export const lost = (gaps: readonly Gap[]) => gaps.reduce((sum, gap) => sum + Math.max(0, gap.end_s - gap.start_s), 0);
