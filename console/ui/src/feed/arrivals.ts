import { useEffect, useRef, useState } from 'react';
import type { ClipCard } from '../api/types';

/** How long a clip counts as new on the page, in milliseconds. */
const NEW_MS = 20_000;

/**
 * Which clips of `now` came since `known` was taken, newest first. Only those above the newest known clip count: the
 * ones below it are older pages being read in.
 */
export function arrivedSince(known: ReadonlySet<string>, now: readonly Pick<ClipCard, 'id'>[]): string[] {
  const fresh: string[] = [];
  for (const { id } of now) {
    if (known.has(id)) break;
    fresh.push(id);
  }
  return fresh;
}

/** The clips that arrived while the page was open, for as long as they count as new. */
export function useArrivals(clips: readonly ClipCard[], loaded: boolean): ReadonlySet<string> {
  const known = useRef<Set<string> | null>(null);
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());

  useEffect(() => {
    if (!loaded) return;
    if (known.current === null) {
      known.current = new Set(clips.map((c) => c.id));
      return;
    }
    const arrived = arrivedSince(known.current, clips);
    for (const { id } of clips) known.current.add(id);
    if (arrived.length === 0) return;
    setFresh((before) => new Set([...before, ...arrived]));
    setTimeout(() => setFresh((before) => new Set([...before].filter((id) => !arrived.includes(id)))), NEW_MS);
  }, [clips, loaded]);

  return fresh;
}
