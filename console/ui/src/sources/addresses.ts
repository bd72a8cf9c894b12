import type { PushUrl, Source } from '../api/recorder';

/** Where an encoder may push, with the name of each way; from whichever form the service tells it in. */
export function pushAddresses(source: Pick<Source, 'push_url' | 'push_urls'>): { kind: string | null; url: string }[] {
  const listed = (source.push_urls ?? []).map((entry: PushUrl | string) => (typeof entry === 'string' ? entry : entry.url));
  const all = listed.length > 0 ? listed : source.push_url ? [source.push_url] : [];
  return all.map((url) => ({ kind: /^(\w+):/.exec(url)?.[1]?.toUpperCase() ?? null, url }));
}
