import type { ClipDetail, Stage, TranscriptLine, Word } from '../api/types';

/** A run of a sentence's text: with the word it belongs to, or without (spaces, punctuation). */
export interface Run<W = Word> {
  text: string;
  word: W | null;
}

/**
 * Lays the recognised words over the sentence as it is written, so that spaces and punctuation stay. A word that is not
 * found in order is passed over: the text shown is always exactly the sentence.
 */
export function placeWords<W extends { text: string } = Word>(text: string, words: readonly W[]): Run<W>[] {
  const runs: Run<W>[] = [];
  let at = 0;
  for (const word of words) {
    const bare = word.text.trim();
    if (bare === '') continue;
    const found = text.indexOf(bare, at);
    if (found < 0) continue;
    if (found > at) runs.push({ text: text.slice(at, found), word: null });
    runs.push({ text: bare, word });
    at = found + bare.length;
  }
  if (at < text.length) runs.push({ text: text.slice(at), word: null });
  return runs;
}

/** The sentence being said at `at` seconds of the recording: the last one inside the clip that has begun and not long ended. */
export function lineAt(lines: readonly TranscriptLine[], at: number): TranscriptLine | null {
  let found: TranscriptLine | null = null;
  for (const line of lines) if (line.inside && line.start_s <= at + 0.05) found = line;
  return found && at <= found.end_s + 0.6 ? found : null;
}

/** The versions of a clip that exist, roughest first, each with its address. Never empty. */
export function versions(clip: Pick<ClipDetail, 'draft_url' | 'exact_url' | 'captioned_url' | 'stage' | 'video_url'>): { stage: Stage; url: string }[] {
  const found: { stage: Stage; url: string }[] = [];
  if (clip.draft_url) found.push({ stage: 'draft', url: clip.draft_url });
  if (clip.exact_url) found.push({ stage: 'exact', url: clip.exact_url });
  if (clip.captioned_url) found.push({ stage: 'captioned', url: clip.captioned_url });
  return found.length > 0 ? found : [{ stage: clip.stage, url: clip.video_url }];
}
