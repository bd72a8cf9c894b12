import { expect, it } from 'vitest';
import { lastBefore, mediaEnd, stretches, toMedia, toPlaying } from './timeline';

const ZERO = 1_700_000_000_000;
/** Two parts, a gap of 3 s, two more parts; only the first of each epoch tells a date, as a playlist does. */
const all = stretches(
  [
    { start: 0, duration: 2, wallMs: ZERO },
    { start: 2, duration: 2.04, wallMs: null },
    { start: 4.04, duration: 2, wallMs: ZERO + 7_040 },
    { start: 6.04, duration: 1.5, wallMs: null },
  ],
  ZERO,
);

it('joins what has no gap', () => {
  expect(all).toEqual([
    { from: 0, to: 4.04, media: 0 },
    { from: 4.04, to: 7.54, media: 7.04 },
  ]);
  expect(mediaEnd(all)).toBeCloseTo(10.54);
});

it('takes rounding of the dates for no gap', () => {
  const even = Array.from({ length: 300 }, (_, i) => ({ start: i * 2.0004, duration: 2.0004, wallMs: ZERO + Math.round(i * 2000.4) }));
  expect(stretches(even, ZERO)).toHaveLength(1);
});

it('goes from one clock to the other and back', () => {
  for (const playing of [0, 1, 4.03, 4.04, 5, 7.5]) expect(toPlaying(all, toMedia(all, playing))).toBeCloseTo(playing);
  expect(toMedia(all, 5)).toBeCloseTo(8);
});

it('goes on after a gap, and stays inside at the ends', () => {
  expect(toPlaying(all, 5)).toBeCloseTo(4.04);
  expect(toPlaying(all, 99)).toBeCloseTo(7.54);
  expect(toPlaying(all, -1)).toBe(0);
  expect(toMedia(all, 99)).toBeCloseTo(10.54);
  expect(toMedia([], 3)).toBe(3);
  expect(toPlaying([], 3)).toBe(0);
});

it('begins where the kept media begins', () => {
  const late = stretches([{ start: 0, duration: 2, wallMs: ZERO + 60_000 }], ZERO);
  expect(toMedia(late, 1)).toBeCloseTo(61);
  expect(toPlaying(late, 0)).toBe(0);
});

it('finds the picture shown last', () => {
  const pictures = [0, 10, 20].map((at_s) => ({ at_s }));
  expect(lastBefore(pictures, 19.9)).toEqual({ at_s: 10 });
  expect(lastBefore(pictures, 10)).toEqual({ at_s: 10 });
  expect(lastBefore(pictures, -1)).toBeNull();
  expect(lastBefore([], 5)).toBeNull();
});
