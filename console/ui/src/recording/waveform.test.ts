import { expect, it } from 'vitest';
import { bars, height } from './waveform';

it('draws decibels: full scale is full, half is a little less, nothing is nothing', () => {
  expect(height(255)).toBe(1);
  expect(height(999)).toBe(1);
  expect(height(0)).toBe(0);
  expect(height(128)).toBeCloseTo(1 - 5.99 / 48, 2);
  expect(height(1)).toBe(0);
  for (let peak = 1; peak < 255; peak += 1) expect(height(peak + 1)).toBeGreaterThanOrEqual(height(peak));
});

it('lays points over columns: the highest of many, a coarse one over several, nothing in a gap', () => {
  const peaks = [255, 0, null, 128, 64, 255];
  expect(bars({ start_s: 0, step_s: 1, peaks }, 6, 6)).toEqual([1, 0, null, height(128), height(64), 1]);
  expect(bars({ start_s: 0, step_s: 1, peaks }, 6, 3)).toEqual([1, height(128), 1]);
  expect(bars({ start_s: 0, step_s: 1, peaks }, 6, 12).slice(2, 7)).toEqual([0, 0, null, null, height(128)]);
});

it('leaves empty what is not heard yet, and what lies before the first sound', () => {
  expect(bars({ start_s: 2, step_s: 1, peaks: [255, 255] }, 8, 8)).toEqual([null, null, 1, 1, null, null, null, null]);
  expect(bars({ start_s: 0, step_s: 1, peaks: [] }, 8, 2)).toEqual([null, null]);
  expect(bars({ start_s: 0, step_s: 1, peaks: [255] }, 0, 2)).toEqual([null, null]);
  expect(bars({ start_s: 0, step_s: 0, peaks: [255] }, 5, 2)).toEqual([null, null]);
  expect(bars({ start_s: 0, step_s: 1, peaks: [255] }, 5, 0)).toEqual([]);
});

it('loses no lone click, whatever the width', () => {
  const peaks = Array.from({ length: 500 }, (_, i) => (i === 333 ? 255 : 0));
  for (let columns = 1; columns < 800; columns += 7) expect(Math.max(...bars({ start_s: 0, step_s: 0.02, peaks }, 10, columns).map((b) => b ?? 0))).toBe(1);
});
