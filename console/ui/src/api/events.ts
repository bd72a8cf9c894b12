import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { keys } from './queries';
import type { Change } from './types';

/** Events close together are answered with one round of fetches. */
const SETTLE_MS = 250;
/** While the stream is down, look again this often. */
const POLL_MS = 10_000;
/** Waits between attempts when the browser has given up on its own. */
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

const CLIP_KEYS: QueryKey[] = [keys.clips, ['clip'], ['point'], ['clips-older'], keys.stats];
const STALE: Record<string, QueryKey[]> = {
  clips: CLIP_KEYS,
  remixes: CLIP_KEYS,
  posts: CLIP_KEYS,
  recordings: [keys.recordings, keys.sources, ['point']],
  sources: [keys.sources, keys.recordings],
};

/** Which queries a change makes stale: those of its kinds; all of them for a kind we do not know. */
export function staleKeys(kinds: readonly string[]): QueryKey[] {
  const found = new Map<string, QueryKey>();
  for (const kind of kinds) {
    const list = STALE[kind];
    if (!list) return [[]];
    for (const key of list) found.set(JSON.stringify(key), key);
  }
  return [...found.values()];
}

/** Reads the data of a `change` event; an unreadable one counts as "something changed". */
export function readChange(data: string): string[] {
  try {
    const kinds = (JSON.parse(data) as Change).kinds;
    if (Array.isArray(kinds) && kinds.every((k) => typeof k === 'string')) return kinds;
  } catch {
    // falls through
  }
  return ['?'];
}

/** Keeps the cache fresh from the event stream. Returns whether the stream is open now. */
export function useLiveUpdates(enabled: boolean): boolean {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);

  useEffect(() => {
    if (!enabled) return;
    let source: EventSource | null = null;
    let failures = 0;
    let missed = false;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let settle: ReturnType<typeof setTimeout> | undefined;
    const waiting = new Set<string>();

    const flush = () => {
      settle = undefined;
      for (const queryKey of staleKeys([...waiting])) void client.invalidateQueries({ queryKey });
      waiting.clear();
    };
    const note = (kinds: string[]) => {
      for (const kind of kinds) waiting.add(kind);
      settle ??= setTimeout(flush, SETTLE_MS);
    };
    const connect = () => {
      source = new EventSource('/api/events');
      source.addEventListener('open', () => {
        failures = 0;
        setOpen(true);
        if (missed) note(['?']); // whatever happened in between
        missed = false;
      });
      source.addEventListener('change', (event) => note(readChange((event as MessageEvent<string>).data)));
      source.addEventListener('error', () => {
        setOpen(false);
        missed = true;
        if (source?.readyState === EventSource.CLOSED) {
          retry = setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
          failures += 1;
        }
      });
    };
    connect();
    const poll = setInterval(() => source?.readyState !== EventSource.OPEN && note(['?']), POLL_MS);
    return () => {
      source?.close();
      clearTimeout(retry);
      clearTimeout(settle);
      clearInterval(poll);
    };
  }, [client, enabled]);

  return open && enabled;
}
