// What the console asks of the recorder: playing recordings, settings of sources, keys, cost, holds, retention.
import { call } from './client';
import type { components } from './schema';
import type { NewSource, SourceCreated } from './types';

type Schemas = components['schemas'];

export type ChangeSource = Schemas['ChangeSource'];
export type Cost = Schemas['CostView'];
export type Disk = Schemas['DiskView'];
export type Gap = Schemas['Gap'];
export type Header = Schemas['RequestHeader'];
export type Hold = Schemas['HoldView'];
export type HoldState = Schemas['HoldState'];
export type Recording = Schemas['RecordingView'];
export type RecordingDetail = Schemas['RecordingDetail'];
export type RecordMode = Schemas['RecordMode'];
export type RetentionPlan = Schemas['RetentionPlan'];
export type ScrubPicture = Schemas['ScrubPictureView'];
export type Script = Schemas['Script'];
export type Settings = Schemas['Settings'];
export type SourceCost = Schemas['SourceCostView'];
export type Waveform = Schemas['WaveformView'];
export type Window = Schemas['Window'];

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export type Source = Schemas['SourceView'];

const at = (id: string) => encodeURIComponent(id);

export const recorder = {
  recording: (id: string, signal?: AbortSignal) => call<RecordingDetail>(`/api/recordings/${at(id)}`, { signal }),
  playlistUrl: (id: string) => `/api/recordings/${at(id)}/index.m3u8`,
  scrub: (id: string, after: number, signal?: AbortSignal) => call<ScrubPicture[]>(`/api/recordings/${at(id)}/scrub?after=${after}`, { signal }),
  waveform: (id: string, points: number, signal?: AbortSignal) => call<Waveform>(`/api/recordings/${at(id)}/waveform?points=${points}`, { signal }),
  hold: (id: string, why: string) => call<HoldState>(`/api/recordings/${at(id)}/hold`, { method: 'POST', body: { why } }),
  release: (id: string) => call<HoldState>(`/api/recordings/${at(id)}/release`, { method: 'POST', body: {} }),
  add: (source: NewSource) => call<SourceCreated>('/api/sources', { method: 'POST', body: source }),
  change: (id: string, change: ChangeSource) => call<Source>(`/api/sources/${at(id)}`, { method: 'PATCH', body: change }),
  record: (id: string, start: boolean) => call<Source>(`/api/sources/${at(id)}/record`, { method: 'POST', body: { action: start ? 'start' : 'stop' } }),
  newKey: (id: string) => call<SourceCreated>(`/api/sources/${at(id)}/key`, { method: 'POST', body: {} }),
  revokeKey: (id: string) => call<Source>(`/api/sources/${at(id)}/key`, { method: 'DELETE' }),
  cost: (signal?: AbortSignal) => call<Cost>('/api/sources/cost', { signal }),
  plan: (signal?: AbortSignal) => call<RetentionPlan>('/api/retention/plan', { signal }),
};
