import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { type ScrubPicture, recorder } from '../api/recorder';

/** A live recording is asked for again this often, in milliseconds. */
const LIVE_MS = 5_000;
/** New pictures come about every ten seconds. */
const PICTURES_MS = 12_000;

const detailKey = (id: string) => ['recording', id] as const;

export const useRecording = (id: string) =>
  useQuery({
    queryKey: detailKey(id),
    queryFn: ({ signal }) => recorder.recording(id, signal),
    refetchInterval: (query) => (query.state.data && !query.state.data.ended_at ? LIVE_MS : false),
  });

/** The scrub pictures; each time only the new ones are fetched. */
export function useScrub(id: string, live: boolean) {
  const client = useQueryClient();
  const queryKey = ['scrub', id] as const;
  return useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const known = client.getQueryData<ScrubPicture[]>(queryKey) ?? [];
      const more = await recorder.scrub(id, known.at(-1)?.seq ?? -1, signal);
      return more.length > 0 ? [...known, ...more] : known;
    },
    // After the end some may still be made, but nobody waits for them.
    refetchInterval: live ? PICTURES_MS : false,
  });
}

/** Puts a recording under a hold (`why` given) or takes the hold off. */
export function useHold(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (why: string | null) => (why === null ? recorder.release(id) : recorder.hold(id, why)),
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: detailKey(id) }), client.invalidateQueries({ queryKey: keys.recordings }), client.invalidateQueries({ queryKey: ['retention'] })]),
  });
}
