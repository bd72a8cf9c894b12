// What is typed as a time, and what a correction or a rule may be. Pure.
import type { LexiconEntry, NewLexiconEntry, SuggestedRule } from '../api/transcript';

/** Seconds of `s`, `m:ss` or `h:mm:ss`, each with a fraction or not; null for what is no time. */
export function readClock(text: string): number | null {
  const parts = text.trim().replaceAll('：', ':').split(':');
  if (parts.length > 3 || !parts.every((p, n) => (n === parts.length - 1 ? /^\d+(\.\d+)?$/ : /^\d+$/).test(p))) return null;
  const values = parts.map(Number);
  if (values.slice(1).some((v) => v >= 60)) return null;
  return values.reduce((sum, v) => sum * 60 + v, 0);
}

/** What is wrong with the two ends of a range, as typed; an empty end is the recording's own. */
export function rangeFault(from: string, to: string): { from: boolean; to: boolean; order: boolean } {
  const [a, b] = [from.trim() === '' ? 0 : readClock(from), to.trim() === '' ? Number.POSITIVE_INFINITY : readClock(to)];
  return { from: a === null, to: b === null, order: a !== null && b !== null && a >= b };
}

/** The query of an export, as typed; empty for all of it. */
export function rangeQuery(from: string, to: string, zero: boolean): string {
  const query = new URLSearchParams();
  const [a, b] = [readClock(from), readClock(to)];
  if (a !== null && a > 0) query.set('from', String(a));
  if (b !== null) query.set('to', String(b));
  if (zero && a !== null && a > 0) query.set('zero', 'true');
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** The service takes no more characters in one sentence. */
export const TEXT_MAX = 1000;

/** Why `text` cannot be the text of a sentence; null where it can. */
export function textFault(text: string): 'empty' | 'long' | null {
  if (!/[\p{L}\p{N}]/u.test(text)) return 'empty';
  return [...text.trim()].length > TEXT_MAX ? 'long' : null;
}

/** The entry that a rule makes for `source`: what is known of its term stays. */
export function entryWith(rule: SuggestedRule, source: string, known: readonly LexiconEntry[]): NewLexiconEntry {
  const same = known.find((e) => e.term === rule.term && e.source_id === source);
  return {
    source_id: source,
    language: same?.language ?? null,
    term: rule.term,
    aliases: same?.aliases ?? [],
    misheard: [...new Set([...(same?.misheard ?? []), rule.heard])],
  };
}
