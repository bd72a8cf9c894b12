import { QueryClient, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ApiError, api } from './client';
import type { ClipCard, SourceView } from './types';

/** Clips fetched at a time. */
const PAGE = 50;

/** The cache of what the service said. Events make it stale; nothing is polled while they flow. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (failures, error) => failures < 2 && error instanceof ApiError && error.passing,
        retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 4_000),
      },
    },
  });
}

export const keys = {
  clips: ['clips'] as const,
  clip: (id: string) => ['clip', id] as const,
  older: (id: string) => ['clips-older', id] as const,
  stats: ['stats'] as const,
  sources: ['sources'] as const,
  recordings: ['recordings'] as const,
  health: ['health'] as const,
};

/** The feed, newest first, page by page; `clips` is all pages loaded, each clip once. */
export function useFeed() {
  const query = useInfiniteQuery({
    queryKey: keys.clips,
    queryFn: ({ pageParam, signal }) => api.clips(pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const clips = useMemo(() => {
    const seen = new Map<string, ClipCard>();
    for (const page of query.data?.pages ?? []) for (const clip of page.clips) if (!seen.has(clip.id)) seen.set(clip.id, clip);
    return [...seen.values()];
  }, [query.data]);
  return { ...query, clips };
}

export const useClip = (id: string) => useQuery({ queryKey: keys.clip(id), queryFn: ({ signal }) => api.clip(id, signal) });

/** The clip just older than `id`, for one opened by its address that the loaded feed does not hold. */
export const useOlder = (id: string, enabled: boolean) =>
  useQuery({
    queryKey: keys.older(id),
    queryFn: async ({ signal }) => (await api.clips(id, 1, signal)).clips[0]?.id ?? null,
    enabled,
  });

export const useStats = () => useQuery({ queryKey: keys.stats, queryFn: ({ signal }) => api.stats(signal) });

/** `everyMs`: what the recorder says of a source is no change in the store, so nothing tells of it; ask again. */
export const useSources = (everyMs: number | false = false) => useQuery({ queryKey: keys.sources, queryFn: ({ signal }) => api.sources(signal), refetchInterval: everyMs });

export const useRecordings = () =>
  useQuery({
    queryKey: keys.recordings,
    queryFn: ({ signal }) => api.recordings(signal),
    // A live recording grows all the time; its bar should too.
    refetchInterval: (query) => (query.state.data?.some((r) => !r.ended_at) ? 10_000 : false),
  });

export const useHealth = () =>
  useQuery({ queryKey: keys.health, queryFn: ({ signal }) => api.health(signal), refetchInterval: 5_000 });

export function useEnableSource() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, enabled }: { id: string; enabled: boolean }) => api.enableSource(id, enabled),
    onMutate: async ({ id, enabled }) => {
      await client.cancelQueries({ queryKey: keys.sources });
      const before = client.getQueryData<SourceView[]>(keys.sources);
      client.setQueryData<SourceView[]>(keys.sources, (list) => list?.map((s) => (s.id === id ? { ...s, enabled } : s)));
      return { before };
    },
    onError: (_error, _change, kept) => client.setQueryData(keys.sources, kept?.before),
    onSettled: () => client.invalidateQueries({ queryKey: keys.sources }),
  });
}
