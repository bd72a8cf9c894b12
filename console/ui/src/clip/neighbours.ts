/** Where a clip stands in the feed (newest first), and who stands beside it. `index` is -1 for one the feed does not hold. */
export function neighbours(ids: readonly string[], id: string): { index: number; newer: string | null; older: string | null } {
  const index = ids.indexOf(id);
  if (index < 0) return { index, newer: null, older: null };
  return { index, newer: ids[index - 1] ?? null, older: ids[index + 1] ?? null };
}
