// What the console asks about transcripts: sentences page by page, corrections, rules of the lexicon, files to take away.
import { call } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];

export type CorrectedUtterance = Schemas['CorrectedUtterance'];
export type LexiconEntry = Schemas['LexiconEntryView'];
export type NewLexiconEntry = Schemas['NewLexiconEntry'];
export type Revision = Schemas['RevisionView'];
export type RuleChange = Schemas['RuleChange'];
export type RulePreview = Schemas['RulePreview'];
export type SuggestedRule = Schemas['SuggestedRule'];
export type Transcript = Schemas['TranscriptView'];
export type TranscriptWord = Schemas['TranscriptWord'];
export type Utterance = Schemas['UtteranceView'];

/** The files that a transcript is written as. */
export const FORMATS = ['srt', 'vtt', 'txt', 'json'] as const;
export type Format = (typeof FORMATS)[number];

const at = (id: string) => encodeURIComponent(id);

export const transcripts = {
  /** `from` and `to` are seconds of the recording. */
  read: (id: string, from: number, to: number, signal?: AbortSignal) => call<Transcript>(`/api/recordings/${at(id)}/transcript?from=${from}&to=${to}`, { signal }),
  find: (id: string, words: string, signal?: AbortSignal) => call<Transcript>(`/api/recordings/${at(id)}/transcript?${new URLSearchParams({ find: words })}`, { signal }),
  correct: (id: string, utterance: string, text: string) => call<CorrectedUtterance>(`/api/recordings/${at(id)}/utterances/${at(utterance)}/correct`, { method: 'POST', body: { text } }),
  /** `query` begins with `?`, or is empty for all of it. */
  fileUrl: (id: string, format: Format, query: string) => `/api/recordings/${at(id)}/transcript.${format}${query}`,
  revisions: (id: string, signal?: AbortSignal) => call<Revision[]>(`/api/recordings/${at(id)}/transcript/revisions`, { signal }),
  /** Without a `model` it is the one that hears the lives. */
  again: (id: string, model: string) => call<Revision>(`/api/recordings/${at(id)}/transcript/revisions`, { method: 'POST', body: model === '' ? {} : { model } }),
  show: (id: string, revision: number) => call<Revision>(`/api/recordings/${at(id)}/transcript/revisions/${revision}/use`, { method: 'POST', body: {} }),
  tryRule: (source: string, rule: SuggestedRule, apply: boolean, signal?: AbortSignal) => call<RulePreview>('/api/lexicon/preview', { method: 'POST', body: { source_id: source, ...rule, apply }, signal }),
  lexicon: (source: string, signal?: AbortSignal) => call<LexiconEntry[]>(`/api/lexicon?source=${at(source)}`, { signal }),
  enterTerm: (entry: NewLexiconEntry) => call<LexiconEntry>('/api/lexicon', { method: 'PUT', body: entry }),
  removeTerm: (id: string) => call<null>(`/api/lexicon/${at(id)}`, { method: 'DELETE' }),
};
