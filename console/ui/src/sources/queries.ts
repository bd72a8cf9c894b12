import { useMutation, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { type ChangeSource, recorder } from '../api/recorder';
import type { NewSource } from '../api/types';

/** A change to sources; their list is fetched again whether it worked or not. */
function useChange<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => client.invalidateQueries({ queryKey: keys.sources }) });
}

export const useAddSource = () => useChange((source: NewSource) => recorder.add(source));
export const useChangeSource = (id: string) => useChange((change: ChangeSource) => recorder.change(id, change));
export const useRecordNow = (id: string) => useChange((start: boolean) => recorder.record(id, start));
export const useNewKey = (id: string) => useChange(() => recorder.newKey(id));
export const useRevokeKey = (id: string) => useChange(() => recorder.revokeKey(id));
