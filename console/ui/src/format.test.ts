import { describe, expect, it } from 'vitest';
import { ago, brief, bytes, clock, langOf, latencyGrade, percent, plain, wall } from './format';

describe('clock', () => {
  it.each([
    [0, '0:00'],
    [9.99, '0:09'],
    [59.999, '0:59'],
    [60, '1:00'],
    [75.2, '1:15'],
    [3599.9, '59:59'],
    [3600, '1:00:00'],
    [6 * 3600 + 5 * 60 + 7, '6:05:07'],
    [-3, '0:00'],
    [Number.NaN, '0:00'],
  ])('%f s is %s', (seconds, text) => expect(clock(seconds)).toBe(text));

  it('does not lose a second to floating point', () => expect(clock(0.1 + 0.2 + 59.7)).toBe('1:00'));
});

describe('brief', () => {
  it.each([
    [0, '0.0 s'],
    [9.44, '9.4 s'],
    [9.96, '10 s'],
    [34.5, '35 s'],
    [119.4, '119 s'],
    [120, '2:00'],
    [Number.NaN, '–'],
    [-1, '–'],
  ])('%f is %s', (seconds, text) => expect(brief(seconds, 'en')).toBe(text));

  it('speaks Chinese', () => expect([brief(9.44, 'zh-CN'), brief(34, 'zh-CN')]).toEqual(['9.4 秒', '34 秒']));
});

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [147_951_465, '141 MiB'],
    [2 * 1024 ** 3, '2.0 GiB'],
    [99.97 * 1024 ** 2, '100 MiB'],
  ])('%d is %s', (count, text) => expect(bytes(count)).toBe(text));
});

describe('percent', () => {
  it('never calls a recording with a gap complete', () => {
    expect(percent(1)).toBe('100%');
    expect(percent(0.99999)).toBe('99.9%');
    expect(percent(0.9949)).toBe('99.4%');
  });
  it('rounds the rest', () => {
    expect(percent(0.876)).toBe('88%');
    expect(percent(0)).toBe('0%');
    expect(percent(-0.2)).toBe('0%');
  });
});

describe('wall time', () => {
  const now = new Date(2026, 4, 3, 12, 0, 0);
  it('leaves the date out today and shows it otherwise', () => {
    expect(wall(new Date(2026, 4, 3, 9, 5, 7).toISOString(), 'en', now)).toBe('09:05:07');
    expect(wall(new Date(2026, 4, 2, 9, 5, 7).toISOString(), 'en', now)).toMatch(/May 2.*09:05:07/);
    expect(wall('yesterday', 'en', now)).toBe('–');
  });
  it('tells the age', () => {
    const at = new Date(now.getTime() - 125_000).toISOString();
    expect(ago(at, 'en', now.getTime())).toBe('2 minutes ago');
    expect(ago(at, 'zh-CN', now.getTime())).toBe('2分钟前');
    expect(ago(new Date(now.getTime() + 5_000).toISOString(), 'en', now.getTime())).toMatch(/^(in )?0 seconds/);
  });
});

it('grades latency by the aim and the promise', () => {
  expect([15, 15.1, 60, 60.1].map(latencyGrade)).toEqual(['fast', 'good', 'good', 'slow']);
});

it('tells Chinese text from other text', () => {
  expect(langOf('AirPods 充电宝')).toBe('zh-CN');
  expect(langOf('Denim Jacket — 69.5')).toBe('en');
});

it('writes free detail on one line', () => {
  expect(plain(null)).toBe('');
  expect(plain('idle')).toBe('idle');
  expect(plain({ running: 2, queues: { cpu: 1 }, last_error: null, models: ['a', 'b'] })).toBe('running 2 · queues (cpu 1) · models a, b');
});
