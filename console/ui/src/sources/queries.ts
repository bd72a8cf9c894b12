import { useMutation, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { type SourceDraft, recorder } from '../api/recorder';

/** A change to sources; their list is fetched again whether it worked or not. */
function useChange<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => client.invalidateQueries({ queryKey: keys.sources }) });
}

export const useAddSource = () => useChange((draft: SourceDraft) => recorder.add(draft));
export const useChangeSource = (id: string) => useChange((draft: SourceDraft) => recorder.change(id, draft));
export const useRecordNow = (id: string) => useChange((start: boolean) => recorder.record(id, start));
export const useNewKey = (id: string) => useChange(() => recorder.newKey(id));
export const useRevokeKey = (id: string) => useChange(() => recorder.revokeKey(id));
