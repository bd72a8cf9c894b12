// Playing time and media time. The player's clock leaves gaps out; the recording's does not. Pure.

/** A stretch without gaps, in seconds: where it lies for the player, and where it begins in the recording. */
export interface Stretch {
  from: number;
  to: number;
  media: number;
}

/** What is known of a piece of the playlist: playing time in seconds, and the wall time told for it in milliseconds. */
export interface Piece {
  start: number;
  duration: number;
  wallMs: number | null;
}

/** Neighbours whose clocks agree this well are one stretch, in seconds. */
const SAME = 0.05;

/** Joins the pieces of a playlist into stretches. `zeroMs` is the wall time of media time zero. */
export function stretches(pieces: readonly Piece[], zeroMs: number): Stretch[] {
  const all: Stretch[] = [];
  for (const { start, duration, wallMs } of pieces) {
    if (!(duration > 0)) continue;
    const last = all.at(-1);
    const expected = last ? last.media + (start - last.from) : start;
    const media = wallMs === null ? expected : (wallMs - zeroMs) / 1000;
    if (last && Math.abs(media - expected) <= SAME && Math.abs(start - last.to) <= SAME) last.to = start + duration;
    else all.push({ from: start, to: start + duration, media });
  }
  return all;
}

/** Media time of a playing time. */
export function toMedia(all: readonly Stretch[], playing: number): number {
  let found = all[0];
  for (const stretch of all) {
    if (stretch.from > playing) break;
    found = stretch;
  }
  if (!found) return playing;
  return found.media + Math.min(Math.max(playing, found.from), found.to) - found.from;
}

/** Playing time of a media time; inside a gap, that of what comes after it. */
export function toPlaying(all: readonly Stretch[], media: number): number {
  for (const stretch of all) {
    if (media < stretch.media) return stretch.from;
    if (media < stretch.media + (stretch.to - stretch.from)) return stretch.from + (media - stretch.media);
  }
  return all.at(-1)?.to ?? 0;
}

/** Where the media ends. */
export function mediaEnd(all: readonly Stretch[]): number {
  const last = all.at(-1);
  return last ? last.media + last.to - last.from : 0;
}

/** The last of `list` (sorted) that is not after `at`. */
export function lastBefore<T extends { at_s: number }>(list: readonly T[], at: number): T | null {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as T).at_s <= at) low = middle + 1;
    else high = middle;
  }
  return list[low - 1] ?? null;
}
