import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type Point, type SayOfPoint, points } from '../api/points';
import { keys } from '../api/queries';

const pointKey = (id: string) => ['point', id] as const;

export const usePoint = (id: string) => useQuery({ queryKey: pointKey(id), queryFn: ({ signal }) => points.one(id, signal) });

/** Says something about a selling point; its clip's words and history follow. Where somebody was faster, it is read anew. */
export function useSay(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (what: SayOfPoint) => points.say(id, what),
    onSuccess: (now) => {
      client.setQueryData<Point>(pointKey(id), now);
      for (const queryKey of [['clip'], keys.clips]) void client.invalidateQueries({ queryKey });
    },
    onError: () => client.invalidateQueries({ queryKey: pointKey(id) }),
  });
}
