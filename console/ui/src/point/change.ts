import type { Point, PointSentence, SayOfPoint } from '../api/points';

/** A sentence in pieces: what is evidence in it, and what is not. */
export function pieces(text: string, marks: string[]): { text: string; mark: boolean }[] {
  const known = marks.filter((m) => m.trim() !== '').sort((a, b) => b.length - a.length);
  const out: { text: string; mark: boolean }[] = [];
  let from = 0;
  let at = 0;
  const flush = (to: number) => {
    if (to > from) out.push({ text: text.slice(from, to), mark: false });
  };
  while (at < text.length) {
    const mark = known.find((m) => text.startsWith(m, at));
    if (!mark) {
      at += 1;
      continue;
    }
    flush(at);
    out.push({ text: mark, mark: true });
    at += mark.length;
    from = at;
  }
  flush(text.length);
  return out;
}

/** What is being changed: bounds are numbers of sentences, the product is empty where there is none. */
export interface Draft {
  label: string;
  also: string[];
  sku: string;
  first: number;
  last: number;
  note: string;
}

export function draftOf(point: Point): Draft {
  const inside = point.sentences.filter((s) => s.inside);
  return { label: point.label, also: point.also.map((a) => a.label), sku: point.product_sku ?? '', first: inside[0]?.seq ?? 0, last: inside.at(-1)?.seq ?? 0, note: '' };
}

/** The sentence `by` before or after number `seq`; null where there is none. */
export function beside(sentences: PointSentence[], seq: number, by: -1 | 1): PointSentence | null {
  const here = sentences.findIndex((s) => s.seq === seq);
  return here < 0 ? null : (sentences[here + by] ?? null);
}

/** Whether the bounds may be `first` and `last`: in order, and at least one of the sentences of before stays. */
export function boundsFit(point: Point, first: number, last: number): boolean {
  const before = draftOf(point);
  return first <= last && first <= before.last && before.first <= last;
}

/** What to send: what differs and nothing else; null where nothing does. */
export function said(point: Point, draft: Draft): SayOfPoint | null {
  const was = draftOf(point);
  const also = draft.also.filter((label) => label !== draft.label);
  const same = (a: string[], b: string[]) => a.length === b.length && a.every((x) => b.includes(x));
  const change: Partial<SayOfPoint> = {};
  if (draft.label !== was.label) change.label = draft.label;
  if (!same(also, was.also)) change.also = also;
  if (draft.sku !== was.sku) change.product = { sku: draft.sku === '' ? null : draft.sku };
  if (draft.first !== was.first) change.first = draft.first;
  if (draft.last !== was.last) change.last = draft.last;
  if (Object.keys(change).length === 0) return null;
  const note = draft.note.trim();
  return { version: point.version, action: 'correct', ...change, ...(note === '' ? {} : { note }) };
}
