import { expect, test } from 'vitest';
import type { Point } from '../api/points';
import { beside, boundsFit, draftOf, pieces, said } from './change';

const sentence = (seq: number, inside: boolean) => ({ seq, start_s: seq * 3, end_s: seq * 3 + 2, text: `第${seq}句`, inside, marks: [] });

const point = {
  label: 'fabric',
  also: [{ label: 'skin_feel', p: 0.3 }],
  product_sku: 'A',
  version: 4,
  sentences: [sentence(1, false), sentence(2, true), sentence(3, true), sentence(5, false)],
} as unknown as Point;

test('evidence is marked where it stands, the longest first', () => {
  expect(pieces('只要八十九块九，八十九', ['八十九', '八十九块九'])).toEqual([
    { text: '只要', mark: false },
    { text: '八十九块九', mark: true },
    { text: '，', mark: false },
    { text: '八十九', mark: true },
  ]);
  expect(pieces('abc', [])).toEqual([{ text: 'abc', mark: false }]);
  expect(pieces('', ['x'])).toEqual([]);
});

test('only what differs is sent, with the version that was seen', () => {
  const draft = draftOf(point);
  expect(draft).toEqual({ label: 'fabric', also: ['skin_feel'], sku: 'A', first: 2, last: 3, note: '' });
  expect(said(point, draft)).toBeNull();
  expect(said(point, { ...draft, note: 'x' })).toBeNull();
  expect(said(point, { ...draft, sku: '', note: ' why ' })).toEqual({ version: 4, action: 'correct', product: { sku: null }, note: 'why' });
  // What becomes the first label is no longer beside it.
  expect(said(point, { ...draft, label: 'skin_feel' })).toEqual({ version: 4, action: 'correct', label: 'skin_feel', also: [] });
  expect(said(point, { ...draft, last: 5 })).toEqual({ version: 4, action: 'correct', last: 5 });
});

test('bounds move by whole sentences and keep one of those of before', () => {
  expect(beside(point.sentences, 3, 1)?.seq).toBe(5);
  expect(beside(point.sentences, 1, -1)).toBeNull();
  expect([boundsFit(point, 2, 5), boundsFit(point, 3, 3), boundsFit(point, 3, 2), boundsFit(point, 5, 5)]).toEqual([true, true, false, false]);
});
