import { expect, it } from 'vitest';
import type { Settings } from '../api/recorder';
import { EMPTY_WINDOW, fromForm, readHeaders, toForm } from './settings';

const full: Settings = {
  brand: '小棠',
  mode: 'scheduled',
  zone: 'Asia/Shanghai',
  windows: [{ days: ['fri', 'sat'], from: '20:00', to: '01:30' }],
  stop_after_minutes: 240,
  quiet_minutes: null,
  stop_after_gigabytes: 20,
  stop_at_window_end: true,
  priority: -5,
  audio: 'zho',
  detect_language: true,
  script: 'traditional_tw',
  resolver: 'douyin',
  keep_days: 30,
  share_examples: 'pool',
};

it('gives back what the service told', () => {
  expect(fromForm(toForm(full, 'UTC'), 'pull')).toEqual({ settings: full });
  for (const audio of ['2', 'first']) expect(fromForm(toForm({ ...full, audio }, 'UTC'), 'pull')).toEqual({ settings: { ...full, audio } });
  const nothing = fromForm(toForm(undefined, 'Asia/Shanghai'), 'push');
  expect(nothing).toMatchObject({ settings: { mode: 'always', priority: 0, audio: 'first', detect_language: false, script: 'simplified', brand: null, keep_days: null, stop_after_minutes: null } });
  expect('headers' in nothing).toBe(false);
});

it('asks nothing of a push source that it cannot do', () => {
  const read = fromForm({ ...toForm(full, 'UTC'), cookie: 's=1', headers: 'nonsense' }, 'push');
  expect(read).toEqual({ settings: { ...full, resolver: null } });
});

it('says which field is wrong', () => {
  const wrong = (change: object) => {
    const read = fromForm({ ...toForm(undefined, 'Asia/Shanghai'), ...change }, 'pull');
    return 'problems' in read ? Object.keys(read.problems) : [];
  };
  expect(wrong({ mode: 'scheduled' })).toEqual(['windows']);
  expect(wrong({ mode: 'scheduled', windows: [EMPTY_WINDOW], zone: 'Asia/Nowhere' })).toEqual(['zone']);
  expect(wrong({ mode: 'scheduled', windows: [{ ...EMPTY_WINDOW, to: '' }] })).toEqual(['windows']);
  for (const bad of ['0', '-1', '1.5', 'x']) expect(wrong({ keepDays: bad, stopMinutes: bad })).toEqual(['stopMinutes', 'keepDays']);
  expect(wrong({ priority: '101' })).toEqual(['priority']);
  expect(wrong({ audio: 'number', audioValue: '0' })).toEqual(['audioValue']);
  expect(wrong({ audio: 'language', audioValue: '' })).toEqual(['audioValue']);
  expect(wrong({ headers: 'X-A: 1\nnonsense' })).toEqual(['headers']);
});

it('reads headers, with cookie and referrer among them', () => {
  expect(readHeaders('X-Token: a:b \n\n User-Agent:  OBS 30 ')).toEqual([
    { name: 'X-Token', value: 'a:b' },
    { name: 'User-Agent', value: 'OBS 30' },
  ]);
  expect(readHeaders('a: 1\n: 2')).toBe(2);
  expect(fromForm({ ...toForm(undefined, 'UTC'), cookie: 's=1', referrer: 'https://a.example/', headers: 'X-A: b' }, 'pull')).toMatchObject({
    headers: [
      { name: 'Cookie', value: 's=1' },
      { name: 'Referer', value: 'https://a.example/' },
      { name: 'X-A', value: 'b' },
    ],
  });
  expect(fromForm({ ...toForm(undefined, 'UTC'), noHeaders: true }, 'pull')).toMatchObject({ headers: [] });
});
