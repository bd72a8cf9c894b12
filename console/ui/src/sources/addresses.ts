import type { Source } from '../api/recorder';

/** Where an encoder may push, with the name of each way. */
export function pushAddresses(source: Pick<Source, 'push_url' | 'push_urls'>): { kind: string | null; url: string }[] {
  const listed = source.push_urls ?? [];
  if (listed.length > 0) return listed.map(({ kind, url }) => ({ kind: kind.toUpperCase(), url }));
  return source.push_url ? [{ kind: null, url: source.push_url }] : [];
}
