// What the list of a transcript's versions says, apart from drawing it.
import type { Revision } from '../api/transcript';

/** Whether one is still to come: asked for, or being heard. */
export const underWay = (all: readonly Revision[]) => all.some((one) => one.state === 'asked' || one.state === 'running');

/** The number of the version that is shown; null before the list is there. */
export const shownOf = (all: readonly Revision[] | undefined) => all?.find((one) => one.shown)?.number ?? null;

/** Whether it may be shown instead of the one that is. */
export const canShow = (one: Revision) => one.state === 'ready' && !one.shown;

/** What recognised it or is to; empty for a live that nothing was heard of yet. */
export const heardBy = (one: Revision) => one.made_by ?? one.model ?? '';

/** The newest first. */
export const newestFirst = (all: readonly Revision[]) => [...all].sort((a, b) => b.number - a.number);

/** `all` with `one` in it, instead of what was known of it. Only one is shown at a time. */
export function withRevision(all: readonly Revision[], one: Revision): Revision[] {
  const others = all.filter((other) => other.number !== one.number).map((other) => (one.shown ? { ...other, shown: false } : other));
  return [...others, one].sort((a, b) => a.number - b.number);
}
