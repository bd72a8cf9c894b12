import { expect, it } from 'vitest';
import { arrivedSince } from './arrivals';

const ids = (text: string) => [...text].map((id) => ({ id }));

it('takes what is above the newest known clip as new', () => {
  expect(arrivedSince(new Set('cba'), ids('edcba'))).toEqual(['e', 'd']);
  expect(arrivedSince(new Set('cba'), ids('cba'))).toEqual([]);
});

it('takes older pages being read in as not new', () => {
  expect(arrivedSince(new Set('dc'), ids('dcba'))).toEqual([]);
});

it('takes the first clips after an empty feed as new', () => {
  expect(arrivedSince(new Set(), ids('ba'))).toEqual(['b', 'a']);
});
