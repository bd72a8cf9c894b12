// What is worth knowing about the words of a sentence: what was heard instead, and what is unsure. Pure.
import type { TranscriptWord } from '../api/transcript';
import { placeWords } from '../clip/words';

/** Below this probability a word is marked as unsure. */
export const UNSURE = 0.5;

/** Who puts words right, as the service says it. */
export const MENDERS = ['sound', 'rule', 'likelihood', 'operator'] as const;
export type Mender = (typeof MENDERS)[number];

/** Why a stretch of text is marked. `heard` is empty where nothing was heard there. */
export type Mark = { kind: 'mended'; text: string; heard: string; by: Mender | null } | { kind: 'unsure'; text: string; p: number };

/** A run of a sentence's text; `word` is its number in the sentence, null for spaces and punctuation. */
export interface MarkedRun {
  text: string;
  word: number | null;
  mark: Mark | null;
}

const mender = (key: string | null | undefined): Mender | null => MENDERS.find((m) => m === key) ?? null;

/** The sentence as runs. All words of one repair share one mark: the first of them has all that was heard. */
export function markedRuns(text: string, words: readonly TranscriptWord[]): MarkedRun[] {
  const runs: MarkedRun[] = [];
  let mend: (Mark & { kind: 'mended' }) | null = null;
  for (const run of placeWords(text, words)) {
    if (!run.word) {
      runs.push({ text: run.text, word: null, mark: null });
      continue;
    }
    const { heard, mended_by, p } = run.word;
    const by = mender(mended_by);
    let mark: Mark | null = null;
    if (heard != null || mended_by != null) {
      const goes = mend !== null && !heard && mend.by === by && runs.at(-1)?.mark === mend;
      if (goes && mend) mend.text += run.text;
      else mend = { kind: 'mended', text: run.text, heard: heard ?? '', by };
      mark = mend;
    } else if (p < UNSURE) mark = { kind: 'unsure', text: run.text, p };
    runs.push({ text: run.text, word: words.indexOf(run.word), mark });
  }
  return runs;
}

/** The marks of a sentence, each once, in order. */
export const marksOf = (runs: readonly MarkedRun[]): Mark[] => [...new Set(runs.flatMap((run) => (run.mark ? [run.mark] : [])))];

/** Which word is said at `at` seconds; null between words. */
export function wordAt(words: readonly TranscriptWord[], at: number): number | null {
  const found = words.findIndex((w) => at >= w.start_s && at < w.end_s);
  return found < 0 ? null : found;
}

/** `text` cut at each place where `find` stands in it, whatever its case; every second piece is a find. */
export function cutAt(text: string, find: string): string[] {
  const wanted = find.trim().toLowerCase();
  const lower = text.toLowerCase();
  // A letter that grows when it is made small would shift all that follows.
  if (wanted === '' || lower.length !== text.length) return [text];
  const pieces: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    pieces.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...pieces, text.slice(from)];
}
