import { describe, expect, it } from 'vitest';
import type { LexiconEntry } from '../api/transcript';
import { clock } from '../format';
import { entryWith, rangeFault, rangeQuery, readClock, textFault } from './range';

describe('ranges', () => {
  it('reads what the clock writes', () => {
    for (const s of [0, 9, 60, 754, 3600, 36_061]) expect(readClock(clock(s))).toBe(s);
    expect([' 90 ', '1:30.5', '1：30'].map(readClock)).toEqual([90, 90.5, 90]);
    expect(['', 'a', '1:60', '1:2:3:4', '-1', '1:', '1:61:00'].map(readClock)).toEqual(Array(7).fill(null));
  });

  it('says what is wrong with a range', () => {
    expect(rangeFault('', '')).toEqual({ from: false, to: false, order: false });
    expect(rangeFault('x', '1:00')).toEqual({ from: true, to: false, order: false });
    expect(rangeFault('1:00', '1:00').order).toBe(true);
  });

  it('asks for no more than was typed', () => {
    expect(rangeQuery('', '', true)).toBe('');
    expect(rangeQuery('10:00', '11:00', true)).toBe('?from=600&to=660&zero=true');
    expect(rangeQuery('', '90', false)).toBe('?to=90');
  });
});

describe('corrections and rules', () => {
  it('a sentence has at least a letter', () => {
    expect(['', ' ，。', '好', '9', 'a'.repeat(1000), 'a'.repeat(1001)].map(textFault)).toEqual(['empty', 'empty', null, null, null, 'long']);
  });

  it('a rule keeps what is known of its term, for the same source only', () => {
    const entry = (more: Partial<LexiconEntry>): LexiconEntry => ({ id: '1', source_id: 's', language: 'zh', term: '磁吸', aliases: ['吸磁'], misheard: ['词西'], entered_by: 'x', entered_at: '', ...more });
    const rule = { heard: '词细', term: '磁吸' };
    expect(entryWith(rule, 's', [entry({})])).toEqual({ source_id: 's', language: 'zh', term: '磁吸', aliases: ['吸磁'], misheard: ['词西', '词细'] });
    expect(entryWith(rule, 's', [entry({ source_id: null })])).toEqual({ source_id: 's', language: null, term: '磁吸', aliases: [], misheard: ['词细'] });
    expect(entryWith(rule, 's', [entry({ misheard: ['词细'] })]).misheard).toEqual(['词细']);
  });
});
