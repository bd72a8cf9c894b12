// A transcript is fetched and kept in chunks of equal time, and only a few neighbours of them at once: ten hours cost no
// more than one. Pure.
import type { Utterance } from '../api/transcript';

/** The length of a chunk, in seconds. */
export const CHUNK_S = 300;
/** Chunks shown at once, at most. */
export const CHUNKS = 4;

/** The chunks that are shown: `first` to `last`, both included, counted from 0. */
export interface Shown {
  first: number;
  last: number;
}

/** The chunk that a media time lies in. */
export const chunkOf = (at: number): number => Math.max(0, Math.floor(at / CHUNK_S));

/** Where a chunk begins and ends, in seconds. */
export const chunkSpan = (chunk: number): { from: number; to: number } => ({ from: chunk * CHUNK_S, to: (chunk + 1) * CHUNK_S });

/** One chunk more at the end; what is too much goes at the beginning. */
export const later = ({ first, last }: Shown): Shown => ({ first: Math.max(first, last + 2 - CHUNKS), last: last + 1 });

/** One chunk more at the beginning; what is too much goes at the end. */
export const earlier = ({ first, last }: Shown): Shown => (first === 0 ? { first, last } : { first: first - 1, last: Math.min(last, first - 2 + CHUNKS) });

/** The chunks to show so that `chunk` is among them: as many of those shown now as can stay. */
export function including(shown: Shown, chunk: number): Shown {
  if (chunk >= shown.first && chunk <= shown.last) return shown;
  if (chunk === shown.last + 1) return later(shown);
  if (chunk === shown.first - 1) return earlier(shown);
  return { first: chunk, last: chunk };
}

/** What is known of a chunk, with what came since. A sentence belongs to the chunk that it begins in. */
export function merged(known: readonly Utterance[], more: readonly Utterance[], chunk: number): Utterance[] {
  const { from, to } = chunkSpan(chunk);
  const have = new Set(known.map((u) => u.id));
  return [...known, ...more.filter((u) => !have.has(u.id) && u.start_s >= from && u.start_s < to)];
}

/** The sentence that was begun last at `at` seconds, in sentences sorted by time; -1 before the first. */
export function begunAt(lines: readonly { start_s: number }[], at: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.start_s ?? 0) <= at + 0.05) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
