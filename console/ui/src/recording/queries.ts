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

/** More points than any window has bars. */
const WAVE_POINTS = 2_000;
/** A live waveform is fetched again when it has grown by about this share of its width, but not more often than every so many milliseconds. */
const WAVE_SHARE = 1 / 200;
const WAVE_MS = { least: 5_000, most: 120_000 } as const;

/** The waveform of the whole recording, `end` seconds long now. */
export const useWaveform = (id: string, end: number, live: boolean) =>
  useQuery({
    queryKey: ['waveform', id] as const,
    queryFn: ({ signal }) => recorder.waveform(id, WAVE_POINTS, signal),
    // After the end, what is still to be heard comes within seconds of it.
    refetchInterval: (query) => {
      const { data } = query.state;
      const behind = data ? end - data.start_s - data.step_s * data.peaks.length : 0;
      if (!live && (behind < 5 || query.state.dataUpdateCount > 20)) return false;
      return Math.min(WAVE_MS.most, Math.max(WAVE_MS.least, end * WAVE_SHARE * 1000));
    },
  });

/** Puts a recording under a hold (`why` given) or takes the hold off. */
export function useHold(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (why: string | null) => (why === null ? recorder.release(id) : recorder.hold(id, why)),
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: detailKey(id) }), client.invalidateQueries({ queryKey: keys.recordings }), client.invalidateQueries({ queryKey: ['retention'] })]),
  });
}
