import { describe, expect, it } from 'vitest';
import type { TranscriptWord } from '../api/transcript';
import { cutAt, markedRuns, marksOf, wordAt } from './marks';

const word = (text: string, more: Partial<TranscriptWord> = {}): TranscriptWord => ({ text, start_s: 0, end_s: 1, p: 0.9, heard: null, mended_by: null, ...more });

describe('marks', () => {
  it('the runs are the sentence, letter for letter', () => {
    const text = '下面这个 Lumora 面霜，好用。';
    const runs = markedRuns(text, [word('下面'), word('这个'), word('Lumora', { heard: '路莫拉', mended_by: 'rule' }), word('面霜'), word('好用')]);
    expect(runs.map((r) => r.text).join('')).toBe(text);
    expect(marksOf(runs)).toEqual([{ kind: 'mended', text: 'Lumora', heard: '路莫拉', by: 'rule' }]);
  });

  it('a repair of several words is one mark; two repairs side by side are two', () => {
    const runs = markedRuns('针织开衫马齿苋', [
      word('针织', { heard: '正织开山', mended_by: 'sound' }),
      word('开衫', { heard: '', mended_by: 'sound' }),
      word('马齿', { heard: '马赤线', mended_by: 'sound' }),
      word('苋', { heard: '', mended_by: 'sound' }),
    ]);
    expect(marksOf(runs)).toEqual([
      { kind: 'mended', text: '针织开衫', heard: '正织开山', by: 'sound' },
      { kind: 'mended', text: '马齿苋', heard: '马赤线', by: 'sound' },
    ]);
  });

  it('an unsure word is marked, but not one that was put right', () => {
    const runs = markedRuns('你好吗', [word('你', { p: 0.2 }), word('好', { p: 0.2, heard: '号', mended_by: 'operator' }), word('吗')]);
    expect(marksOf(runs).map((m) => m.kind)).toEqual(['unsure', 'mended']);
  });

  it('a word in between two repairs ends the first', () => {
    const runs = markedRuns('甲乙丙', [word('甲', { heard: '家', mended_by: 'rule' }), word('乙'), word('丙', { heard: '', mended_by: 'rule' })]);
    expect(marksOf(runs)).toHaveLength(2);
  });

  it('knows the word being said', () => {
    const words = [word('a', { start_s: 1, end_s: 2 }), word('b', { start_s: 2.5, end_s: 3 })];
    expect([0.5, 1, 2, 2.5, 3].map((at) => wordAt(words, at))).toEqual([null, 0, null, 1, null]);
  });

  it('cuts at what is looked for, and loses nothing', () => {
    expect(cutAt('OLED 屏, oled!', 'oled')).toEqual(['', 'OLED', ' 屏, ', 'oled', '!']);
    expect(cutAt('abc', 'x')).toEqual(['abc']);
    for (const [text, find] of [['aaa', 'aa'], ['İstanbul', 'i'], ['', 'x'], ['开衫', '']] as const) expect(cutAt(text, find).join('')).toBe(text);
  });
});
