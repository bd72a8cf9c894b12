import { type QueryClient, useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { type LexiconEntry, type Revision, type SuggestedRule, type Utterance, transcripts } from '../api/transcript';
import { type Shown, chunkSpan, merged } from './chunks';
import { entryWith } from './range';
import { shownOf, underWay, withRevision } from './versions';

/** New sentences of a live are asked for this often; of a finished recording that is still being heard, more seldom. In milliseconds. */
const GROW_MS = { live: 2_500, ended: 10_000 } as const;
/** While a version is being made, how far it is is asked for this often, in milliseconds. */
const MAKING_MS = 2_500;
/** What is out of sight is forgotten after this time; what does not grow is not asked for again before. In milliseconds. */
const FORGET_MS = 60_000;
const STILL_MS = 300_000;

interface Chunk {
  lines: Utterance[];
  /** Up to here everything is heard, in seconds; 0 before the first step. */
  heard: number;
  /** Sentences that are here already may have changed. */
  stale?: boolean;
}

const ofRecording = (id: string) => ['transcript', id] as const;
const chunkKey = (id: string, chunk: number) => ['transcript', id, chunk] as const;
const versionsKey = (id: string) => ['transcript-versions', id] as const;
const lexiconKey = (source: string) => ['lexicon', source] as const;

/** Whether more sentences of `chunk` are to come. `end` is the length of the recording now, in seconds. */
const grows = (data: Chunk, chunk: number, end: number, live: boolean) => data.heard < chunkSpan(chunk).to && (live || data.heard < end - 0.5);

/** The sentences of the chunks `shown`. A chunk that grows is read from where its last sentence ended. */
export function useLines(id: string, shown: Shown, end: number, live: boolean) {
  const client = useQueryClient();
  const numbers = Array.from({ length: shown.last - shown.first + 1 }, (_, n) => shown.first + n);
  const chunks = useQueries({
    queries: numbers.map((chunk) => ({
      queryKey: chunkKey(id, chunk),
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Chunk> => {
        const known = client.getQueryData<Chunk>(chunkKey(id, chunk));
        const keep = known && !known.stale && grows(known, chunk, end, live) ? known.lines : [];
        const { from, to } = chunkSpan(chunk);
        const start = keep.at(-1)?.end_s ?? from;
        if (start >= to) return known ?? { lines: [], heard: 0 };
        const page = await transcripts.read(id, start, to, signal);
        return { lines: merged(keep, page.utterances, chunk), heard: page.heard_until_s ?? 0 };
      },
      gcTime: FORGET_MS,
      staleTime: STILL_MS,
      refetchInterval: (query: { state: { data?: Chunk } }) => (query.state.data && grows(query.state.data, chunk, end, live) ? GROW_MS[live ? 'live' : 'ended'] : (false as const)),
    })),
  });
  const stamp = chunks.map((c) => c.dataUpdatedAt).join();
  // The list of answers is new each time; `stamp` says when one of them really is.
  const lines = useMemo(() => chunks.flatMap((c) => c.data?.lines ?? []), [stamp, shown.first, shown.last]);
  const failed = chunks.find((c) => c.isError && !c.data);
  return {
    lines,
    loading: chunks.some((c) => c.isPending),
    /** Up to where everything is heard; null before that is known. */
    heard: chunks.at(-1)?.data?.heard ?? null,
    error: failed?.error ?? null,
    retry: () => void failed?.refetch(),
  };
}

/** The sentences with `words` in them, in the whole recording. */
export const useFind = (id: string, words: string) =>
  useQuery({
    queryKey: ['transcript-find', id, words] as const,
    queryFn: ({ signal }) => transcripts.find(id, words, signal),
    enabled: words !== '',
    gcTime: FORGET_MS,
  });

const change = (client: QueryClient, id: string, how: (chunk: Chunk) => Chunk) =>
  client.setQueriesData<Chunk>({ queryKey: ofRecording(id) }, (chunk) => chunk && how(chunk));

/** Sentences may have changed anywhere: what is shown is read anew. */
async function readAnew(client: QueryClient, id: string) {
  change(client, id, (chunk) => ({ ...chunk, stale: true }));
  await Promise.all([client.invalidateQueries({ queryKey: ofRecording(id) }), client.invalidateQueries({ queryKey: ['transcript-find', id] })]);
}

export function useCorrect(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ utterance, text }: { utterance: string; text: string }) => transcripts.correct(id, utterance, text),
    onSuccess: (now) => {
      const mended = (u: Utterance): Utterance => ({
        ...u,
        text: now.text,
        edited_at: now.edited_at,
        // Who put the words right that were mended before is known; a word new among them is a person's.
        words: now.words.map((w) => ({ ...w, mended_by: w.heard == null ? null : (u.words.find((o) => o.start_s === w.start_s && o.text === w.text)?.mended_by ?? 'operator') })),
      });
      change(client, id, (chunk) => (chunk.lines.some((u) => u.id === now.id) ? { ...chunk, lines: chunk.lines.map((u) => (u.id === now.id ? mended(u) : u)) } : chunk));
      void client.invalidateQueries({ queryKey: ['transcript-find', id] });
      void client.invalidateQueries({ queryKey: versionsKey(id) });
    },
  });
}

/** What a rule would change. */
export const useTryRule = (source: string, rule: SuggestedRule) =>
  useQuery({
    queryKey: ['rule', source, rule.heard, rule.term] as const,
    queryFn: ({ signal }) => transcripts.tryRule(source, rule, false, signal),
    staleTime: 0,
    gcTime: 0,
  });

/** Enters a rule for `source`; with `apply` it is carried out on what is stored, too. Answers how many sentences changed. */
export function useMakeRule(id: string, source: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ rule, apply }: { rule: SuggestedRule; apply: boolean }) => {
      const known = await transcripts.lexicon(source);
      await transcripts.enterTerm(entryWith(rule, source, known));
      return apply ? ((await transcripts.tryRule(source, rule, true)).applied ?? 0) : null;
    },
    onSuccess: (changed) => (changed ? readAnew(client, id) : undefined),
    onSettled: () => client.invalidateQueries({ queryKey: lexiconKey(source) }),
  });
}

export const useLexicon = (source: string) => useQuery({ queryKey: lexiconKey(source), queryFn: ({ signal }) => transcripts.lexicon(source, signal) });

/** `onRemoved` is called also where the one who asked is gone by then. */
export function useRemoveTerm(onRemoved: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (entry: LexiconEntry) => transcripts.removeTerm(entry.id),
    onSuccess: onRemoved,
    onSettled: () => client.invalidateQueries({ queryKey: ['lexicon'] }),
  });
}

/** The versions of a transcript. Where another one is shown than before, by whatever way, the sentences are read anew. */
export function useVersions(id: string) {
  const client = useQueryClient();
  const versions = useQuery({
    queryKey: versionsKey(id),
    queryFn: ({ signal }) => transcripts.revisions(id, signal),
    refetchInterval: (query) => (query.state.data && underWay(query.state.data) ? MAKING_MS : false),
  });
  const shown = shownOf(versions.data);
  const before = useRef(shown);
  useEffect(() => {
    if (before.current !== null && shown !== null && before.current !== shown) void readAnew(client, id);
    before.current = shown ?? before.current;
  }, [client, id, shown]);
  return versions;
}

/** What the service answers about one version stands in the list at once. */
function useRevisionChange<T>(id: string, ask: (given: T) => Promise<Revision>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (given: T) => {
      await client.cancelQueries({ queryKey: versionsKey(id) });
      return ask(given);
    },
    onSuccess: (now) => {
      client.setQueryData<Revision[]>(versionsKey(id), (all) => all && withRevision(all, now));
    },
    onSettled: () => client.invalidateQueries({ queryKey: versionsKey(id) }),
  });
}

/** Has the recording heard again, by the model given; empty: the one that hears the lives. */
export const useHearAgain = (id: string) => useRevisionChange(id, (model: string) => transcripts.again(id, model));

export const useShowRevision = (id: string) => useRevisionChange(id, (revision: number) => transcripts.show(id, revision));
