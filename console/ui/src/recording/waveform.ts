// The waveform as bars of a picture. Pure.

/** Peaks along a stretch of a recording, 0 to 255; null where there is no sound. Times are media time in seconds. */
export interface Peaks {
  start_s: number;
  step_s: number;
  peaks: readonly (number | null)[];
}

/** What a peak of 1, the quietest there is, is drawn as: the eye hears in decibels, and talk is far below full scale. */
const FLOOR_DB = -48;

/** How high a peak is drawn, 0 to 1. */
export function height(peak: number): number {
  if (!(peak > 0)) return 0;
  return Math.max(0, 1 - (20 * Math.log10(Math.min(peak, 255) / 255)) / FLOOR_DB);
}

/** One bar for each of `columns` columns over media time 0 to `end`: its height, or null where there is no sound. */
export function bars({ start_s, step_s, peaks }: Peaks, end: number, columns: number): (number | null)[] {
  const all: (number | null)[] = Array.from({ length: Math.max(0, Math.floor(columns)) }, () => null);
  if (!(end > 0) || !(step_s > 0)) return all;
  const column = end / all.length;
  for (let n = 0; n < all.length; n += 1) {
    // Every point that a column touches counts, so that no click is lost, and a coarse point fills all its columns.
    const first = Math.max(0, Math.floor((n * column - start_s) / step_s + 1e-6));
    const last = Math.ceil(((n + 1) * column - start_s) / step_s - 1e-6);
    let highest: number | null = null;
    for (let i = first; i < Math.min(last, peaks.length); i += 1) {
      const peak = peaks[i];
      if (peak != null && (highest === null || peak > highest)) highest = peak;
    }
    all[n] = highest === null ? null : height(highest);
  }
  return all;
}
