// What the console asks about selling points: how one stands, and what a person says about it.
import { call } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];

export type Point = Schemas['PointDetail'];
export type PointAnswer = Schemas['PointAnswerView'];
export type PointSentence = Schemas['PointSentence'];
export type PointWarning = Schemas['PointWarning'];
export type SayOfPoint = Schemas['SayOfPoint'];
export type Verdict = Schemas['Verdict'];

const at = (id: string) => `/api/points/${encodeURIComponent(id)}`;

export const points = {
  one: (id: string, signal?: AbortSignal) => call<Point>(at(id), { signal }),
  say: (id: string, what: SayOfPoint) => call<Point>(at(id), { method: 'POST', body: what }),
};
