import { expect, it } from 'vitest';
import { mayAct } from './keys';

const press = (key: string, more: object = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, defaultPrevented: false, ...more });
/** An element for which exactly the selectors that mention `kind` match. */
const on = (kind: string) => ({ closest: (selector: string) => (selector.split(', ').some((s) => s.startsWith(kind)) ? {} : null) });

it('acts on a bare key with nothing in particular focused', () => {
  expect(mayAct(press('j'), null)).toBe(true);
  expect(mayAct(press('j'), on('button'))).toBe(true);
});

it('leaves typing, composing and the browser’s own combinations alone', () => {
  expect(mayAct(press('j'), on('textarea'))).toBe(false);
  expect(mayAct(press('j'), on('[role="dialog"]'))).toBe(false);
  expect(mayAct(press('j', { isComposing: true }), null)).toBe(false);
  expect(mayAct(press('k', { ctrlKey: true }), null)).toBe(false);
  expect(mayAct(press('k', { metaKey: true }), null)).toBe(false);
});

it('leaves space to the button that has the focus, and arrows to the slider', () => {
  expect(mayAct(press(' '), on('button'))).toBe(false);
  expect(mayAct(press(' '), on('main'))).toBe(true);
  expect(mayAct(press('ArrowLeft'), on('[role="slider"]'))).toBe(false);
  expect(mayAct(press('ArrowLeft'), on('button'))).toBe(true);
});

it('acts while a time line has the focus, but leaves it its own keys', () => {
  const line = on('input[type="range"]');
  for (const key of ['j', 'k', ' ', '?']) expect(mayAct(press(key), line)).toBe(true);
  for (const key of ['ArrowRight', 'Home', 'End']) expect(mayAct(press(key), line)).toBe(false);
  expect(mayAct(press('Home'), on('button'))).toBe(true);
});
