import { describe, expect, it } from 'vitest';
import type { Utterance } from '../api/transcript';
import { CHUNKS, CHUNK_S, begunAt, chunkOf, chunkSpan, earlier, including, later, merged } from './chunks';

const said = (id: string, start_s: number) => ({ id, start_s, end_s: start_s + 2 }) as Utterance;

describe('chunks', () => {
  it('every moment lies in the chunk that spans it', () => {
    for (const at of [0, 1, CHUNK_S - 0.001, CHUNK_S, 36_000.5]) {
      const { from, to } = chunkSpan(chunkOf(at));
      expect(from <= at && at < to).toBe(true);
    }
    expect(chunkOf(-3)).toBe(0);
  });

  it('never shows more than a few, whatever way one goes', () => {
    let shown = { first: 0, last: 0 };
    for (let n = 0; n < 70; n += 1) {
      const before = shown;
      shown = n % 7 === 3 ? earlier(shown) : later(shown);
      expect(shown.last - shown.first).toBeLessThan(CHUNKS);
      expect(shown.first).toBeGreaterThanOrEqual(0);
      // What was in sight at the edge stays.
      expect(shown.first <= before.last && before.first <= shown.last).toBe(true);
    }
    expect(earlier({ first: 0, last: 2 })).toEqual({ first: 0, last: 2 });
  });

  it('takes a neighbour in, and starts anew at a distance', () => {
    expect(including({ first: 3, last: 5 }, 4)).toEqual({ first: 3, last: 5 });
    expect(including({ first: 3, last: 6 }, 7)).toEqual({ first: 4, last: 7 });
    expect(including({ first: 3, last: 6 }, 2)).toEqual({ first: 2, last: 5 });
    expect(including({ first: 3, last: 6 }, 40)).toEqual({ first: 40, last: 40 });
  });

  it('adds what is new, each sentence in the one chunk that it begins in', () => {
    const over = said('over', CHUNK_S - 1); // ends in the next one
    const known = merged([], [said('a', 5), over, said('z', CHUNK_S)], 0);
    expect(known.map((u) => u.id)).toEqual(['a', 'over']);
    expect(merged(known, [over, said('z', CHUNK_S)], 0)).toHaveLength(2);
    expect(merged([], [over, said('z', CHUNK_S)], 1).map((u) => u.id)).toEqual(['z']);
  });

  it('finds the sentence begun last', () => {
    const lines = [said('a', 1), said('b', 4), said('c', 9)];
    expect([0, 1, 3.9, 4, 8, 100].map((at) => begunAt(lines, at))).toEqual([-1, 0, 0, 1, 1, 2]);
    expect(begunAt([], 5)).toBe(-1);
  });
});
