import { describe, expect, it } from 'vitest';
import type { TranscriptLine, Word } from '../api/types';
import { lineAt, placeWords, versions } from './words';

const word = (text: string, start_s = 0): Word => ({ text, start_s, end_s: start_s + 0.3, p: 0.9 });

describe('placeWords', () => {
  it('keeps Chinese punctuation between words', () => {
    const runs = placeWords('均码的，八十斤。', ['均码', '的', '八十', '斤'].map((w) => word(w)));
    expect(runs.map((r) => r.text)).toEqual(['均码', '的', '，', '八十', '斤', '。']);
    expect(runs[2]?.word).toBeNull();
  });
  it('keeps English spaces, with words that carry a leading one', () => {
    const runs = placeWords("It's 12 oz, rinsed.", [" It's", ' 12', ' oz', ' rinsed'].map((w) => word(w)));
    expect(runs.map((r) => r.text).join('')).toBe("It's 12 oz, rinsed.");
    expect(runs.filter((r) => r.word).map((r) => r.text)).toEqual(["It's", '12', 'oz', 'rinsed']);
  });
  it('takes a repeated word at its own place', () => {
    const runs = placeWords('三二三', [word('三', 1), word('二', 2), word('三', 3)]);
    expect(runs.map((r) => r.word?.start_s)).toEqual([1, 2, 3]);
  });
  it('shows the whole sentence whatever the words are', () => {
    for (const words of [[], [word('没有')], [word(''), word('价')], [word('价'), word('单')]]) {
      expect(placeWords('单价九块九', words).map((r) => r.text).join('')).toBe('单价九块九');
    }
  });
});

describe('lineAt', () => {
  const line = (seq: number, start_s: number, end_s: number, inside = true): TranscriptLine => ({ seq, start_s, end_s, inside, text: '', words: [] });
  const lines = [line(0, 0, 4, false), line(1, 5, 8), line(2, 8.4, 12), line(3, 20, 22), line(4, 22, 25, false)];
  it.each([
    [1, undefined],
    [4.9, undefined],
    [5, 1],
    [8.2, 1],
    [8.4, 2],
    [14, undefined],
    [21, 3],
    [24, undefined],
  ])('at %f s it is line %s', (at, seq) => expect(lineAt(lines, at)?.seq).toBe(seq));
});

describe('versions', () => {
  const base = { stage: 'draft', video_url: '/v', draft_url: '/d', exact_url: null, captioned_url: null } as const;
  it('lists what exists, roughest first', () => {
    expect(versions(base).map((v) => v.stage)).toEqual(['draft']);
    expect(versions({ ...base, captioned_url: '/c', exact_url: '/e' }).map((v) => v.url)).toEqual(['/d', '/e', '/c']);
  });
  it('falls back on the one video that a card always has', () => {
    expect(versions({ ...base, draft_url: '' })).toEqual([{ stage: 'draft', url: '/v' }]);
  });
});
