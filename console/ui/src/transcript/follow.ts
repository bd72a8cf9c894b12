import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Keys that move through the list by themselves. */
const MOVES = new Set(['PageUp', 'PageDown', 'ArrowUp', 'ArrowDown', 'Tab']);
/** Where the sentence being played is kept, as a share of the list's height. */
const PLACE = 0.3;

const lineIn = (box: HTMLElement, id: string) => box.querySelector<HTMLElement>(`[data-line="${CSS.escape(id)}"]`);
const topIn = (box: HTMLElement, line: HTMLElement) => line.getBoundingClientRect().top - box.getBoundingClientRect().top;

/** Keeps the sentence `id` in view inside `box`, until the operator moves the list; `on` says whether it does. */
export function useFollowing(box: RefObject<HTMLElement | null>, id: string | null, still: boolean) {
  const [on, setOn] = useState(true);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const stop = () => setOn(false);
    const key = (event: KeyboardEvent) => MOVES.has(event.key) && stop();
    // A press beside the text is one on the scroll bar.
    const press = (event: PointerEvent) => event.target === element && stop();
    element.addEventListener('wheel', stop, { passive: true });
    element.addEventListener('touchmove', stop, { passive: true });
    element.addEventListener('keydown', key);
    element.addEventListener('pointerdown', press);
    return () => {
      element.removeEventListener('wheel', stop);
      element.removeEventListener('touchmove', stop);
      element.removeEventListener('keydown', key);
      element.removeEventListener('pointerdown', press);
    };
  }, [box]);

  useEffect(() => {
    const element = box.current;
    if (!on || still || !element || !id) return;
    const line = lineIn(element, id);
    if (!line) return;
    const by = topIn(element, line) - element.clientHeight * PLACE;
    const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    element.scrollBy({ top: by, behavior: calm || Math.abs(by) > element.clientHeight ? 'instant' : 'smooth' });
  }, [box, id, on, still]);

  return [on, setOn] as const;
}

/** Keeps what is in sight where it is when sentences come or go before it. `lines`: what is in the list. */
export function useAnchor(box: RefObject<HTMLElement | null>, lines: readonly { id: string }[]): () => void {
  const anchor = useRef<{ id: string; top: number } | null>(null);

  const note = useCallback(() => {
    const element = box.current;
    if (!element) return;
    for (const line of element.querySelectorAll<HTMLElement>('[data-line]')) {
      const top = topIn(element, line);
      if (top + line.offsetHeight > 0) {
        anchor.current = { id: line.dataset.line ?? '', top };
        return;
      }
    }
  }, [box]);

  useLayoutEffect(() => {
    const element = box.current;
    const kept = anchor.current;
    const line = element && kept ? lineIn(element, kept.id) : null;
    if (element && kept && line) {
      const moved = topIn(element, line) - kept.top;
      if (Math.abs(moved) > 0.5) element.scrollTop += moved;
    }
    note();
  }, [box, lines, note]);

  return note;
}

/** Calls `reach` when `edge` comes into sight inside `box`. `again`: looks anew when it changes. */
export function useReached(box: RefObject<HTMLElement | null>, edge: RefObject<HTMLElement | null>, reach: () => void, again: string): void {
  const latest = useRef(reach);
  useEffect(() => {
    latest.current = reach;
  });
  useEffect(() => {
    if (!edge.current) return;
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), { root: box.current, rootMargin: '300px 0px' });
    watch.observe(edge.current);
    return () => watch.disconnect();
  }, [box, edge, again]);
}
