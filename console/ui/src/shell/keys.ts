import { useEffect, useRef } from 'react';

/** What a pressed key does, by `KeyboardEvent.key`. */
export type Keys = Record<string, (event: KeyboardEvent) => void>;

const TYPING = 'input:not([type="range"]), textarea, select, [contenteditable="true"], [role="dialog"], [role="listbox"]';
/** Elements that use the space bar or the arrows themselves. */
const OWN_SPACE = 'button:not([data-space="page"]), a[href], summary, video[controls], [role="slider"]';
const OWN_ARROWS = '[role="radio"], [role="radiogroup"], [role="slider"], input[type="range"]';
const ARROWS = /^(Arrow|Home$|End$)/;

/** Whether a page shortcut may act, given what has the focus and which modifiers are down. */
export function mayAct(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'isComposing' | 'defaultPrevented'>, focused: { closest(selector: string): unknown } | null): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return false;
  if (!focused) return true;
  if (focused.closest(TYPING)) return false;
  if (event.key === ' ' && focused.closest(OWN_SPACE)) return false;
  return !(ARROWS.test(event.key) && focused.closest(OWN_ARROWS));
}

/** Page shortcuts, for as long as the component is shown. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const act = latest.current[event.key];
      if (!act || !mayAct(event, event.target instanceof Element ? event.target : null)) return;
      event.preventDefault();
      act(event);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}
