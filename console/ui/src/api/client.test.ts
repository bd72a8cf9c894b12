import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, api, call, onRefused } from './client';
import { readChange, staleKeys } from './events';

const answer = (status: number, body: string) => vi.stubGlobal('fetch', vi.fn(async () => new Response(body, { status })));
afterEach(() => vi.unstubAllGlobals());

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

describe('errors', () => {
  it('carries the service’s own words and its hint', async () => {
    answer(409, '{"error":{"code":"name_taken","message":"a source is called that already","hint":"choose another name"}}');
    const error = await failure(api.addSource({ name: 'a', kind: 'push', language: 'zh' }));
    expect([error.status, error.code, error.message, error.hint, error.passing]).toEqual([409, 'name_taken', 'a source is called that already', 'choose another name', false]);
  });

  it('says that nobody answers', async () => {
    vi.stubGlobal('fetch', vi.fn(async () => Promise.reject(new TypeError('Failed to fetch'))));
    const error = await failure(api.stats());
    expect([error.status, error.code, error.passing]).toEqual([0, 'unreachable', true]);
  });

  it('does not take a proxy’s error page for an answer', async () => {
    answer(502, '<html>Bad Gateway</html>');
    const bad = await failure(api.stats());
    expect([bad.status, bad.code, bad.passing]).toEqual([502, 'bad_answer', true]);
    answer(200, '<!doctype html>');
    expect((await failure(api.stats())).code).toBe('bad_answer');
  });

  it('passes the caller’s own cancelling on as it is', async () => {
    const cancel = new AbortController();
    vi.stubGlobal('fetch', vi.fn((_path: string, init: RequestInit) => new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError'))))));
    const asked = call('/api/stats', { signal: cancel.signal });
    cancel.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });
});

it('asks to sign in on 401, but not for a wrong token at the sign-in itself', async () => {
  const refused = vi.fn();
  const stop = onRefused(refused);
  answer(401, '{"error":{"code":"unauthorized","message":"sign in first"}}');
  await failure(api.login('wrong'));
  expect(refused).not.toHaveBeenCalled();
  await failure(api.stats());
  expect(refused).toHaveBeenCalledOnce();
  stop();
});

it('asks for pages with a limit and a cursor, and escapes ids', async () => {
  answer(200, '{"clips":[],"next":null}');
  await api.clips(null, 50);
  await api.clips('a&b', 20);
  await api.clip('../x');
  const paths = vi.mocked(fetch).mock.calls.map(([path]) => path);
  expect(paths).toEqual(['/api/clips?limit=50', '/api/clips?limit=20&before=a%26b', '/api/clips/..%2Fx']);
});

describe('events', () => {
  it('makes stale what a change touches, once', () => {
    expect(staleKeys(['posts', 'clips'])).toEqual([['clips'], ['clip'], ['point'], ['clips-older'], ['stats']]);
    expect(staleKeys(['sources'])).toEqual([['sources'], ['recordings']]);
  });
  it('makes everything stale when in doubt', () => {
    expect(staleKeys(['sources', 'rooms'])).toEqual([[]]);
    expect(staleKeys(readChange('{'))).toEqual([[]]);
    expect(readChange('{"kinds":["clips"]}')).toEqual(['clips']);
  });
});
