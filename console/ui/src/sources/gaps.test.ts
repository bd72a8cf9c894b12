import { expect, it } from 'vitest';
import { gapBars, lost } from './gaps';

const gap = (start_s: number, end_s: number) => ({ start_s, end_s, reason: 'stalled' });

it('lays gaps over the bar in proportion', () => {
  expect(gapBars(200, [gap(50, 60), gap(190, 200)]).map(({ left, width }) => [left, width])).toEqual([
    [25, 5],
    [95, 5],
  ]);
});

it('cuts off what lies outside and drops what is empty', () => {
  expect(gapBars(100, [gap(-10, 10), gap(90, 130), gap(40, 40), gap(120, 130)]).map(({ left, width }) => [left, width])).toEqual([
    [0, 10],
    [90, 10],
  ]);
  expect(gapBars(0, [gap(0, 1)])).toEqual([]);
});

it('adds up what was lost', () => expect(lost([gap(1, 3.5), gap(10, 11)])).toBeCloseTo(3.5));
