import { describe, expect, it } from 'vitest';
import type { Revision } from '../api/transcript';
import { canShow, heardBy, newestFirst, shownOf, underWay, withRevision } from './versions';

const one = (number: number, more: Partial<Revision> = {}): Revision => ({ number, shown: false, state: 'ready', utterances: 0, edited: 0, ...more });
const own = one(0, { shown: true });

describe('versions of a transcript', () => {
  it('knows when one is to come', () => {
    expect(underWay([own, one(1, { state: 'failed' })])).toBe(false);
    expect(underWay([own, one(1, { state: 'asked' })])).toBe(true);
    expect(underWay([own, one(1, { state: 'running', percent: 3 })])).toBe(true);
  });

  it('knows the one that is shown, and which may be', () => {
    expect([shownOf(undefined), shownOf([]), shownOf([own, one(1)])]).toEqual([null, null, 0]);
    const states = (['asked', 'running', 'ready', 'failed'] as const).map((state) => canShow(one(1, { state })));
    expect(states).toEqual([false, false, true, false]);
    expect(canShow(own)).toBe(false);
  });

  it('says what hears it before anything was heard', () => {
    expect(heardBy(one(1, { made_by: 'a', model: 'b' }))).toBe('a');
    expect(heardBy(one(1, { made_by: null, model: 'b' }))).toBe('b');
    expect(heardBy(one(0, { made_by: null, model: null }))).toBe('');
  });

  it('puts a new one in, and shows only one', () => {
    const asked = withRevision([own], one(1, { state: 'asked' }));
    expect(asked.map((r) => [r.number, r.shown, r.state])).toEqual([[0, true, 'ready'], [1, false, 'asked']]);
    const done = withRevision(asked, one(1, { shown: true }));
    expect(done.map((r) => [r.number, r.shown, r.state])).toEqual([[0, false, 'ready'], [1, true, 'ready']]);
    expect(withRevision(done, one(0, { shown: true })).map((r) => r.shown)).toEqual([true, false]);
    expect(newestFirst(done).map((r) => r.number)).toEqual([1, 0]);
    expect(done[0]?.number).toBe(0);
  });
});
