/** The media time that is played, for those who follow it without drawing everything anew. */
export interface Moment {
  /** Seconds of the recording; null until something plays. */
  now(): number | null;
  set(at: number): void;
  /** Calls `listener` after each change. Returns how to stop. */
  subscribe(listener: () => void): () => void;
}

export function newMoment(): Moment {
  let at: number | null = null;
  const listeners = new Set<() => void>();
  return {
    now: () => at,
    set: (to) => {
      if (to === at) return;
      at = to;
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
