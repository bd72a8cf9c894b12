import { expect, it } from 'vitest';
import { neighbours } from './neighbours';

it('knows who is beside a clip', () => {
  expect(neighbours(['c', 'b', 'a'], 'b')).toEqual({ index: 1, newer: 'c', older: 'a' });
  expect(neighbours(['c', 'b', 'a'], 'c')).toEqual({ index: 0, newer: null, older: 'b' });
  expect(neighbours(['c', 'b', 'a'], 'a')).toEqual({ index: 2, newer: 'b', older: null });
  expect(neighbours([], 'a')).toEqual({ index: -1, newer: null, older: null });
});
