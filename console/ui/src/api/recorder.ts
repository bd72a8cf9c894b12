// What the console asks of the recorder: playing recordings, settings of sources, keys, cost, holds, retention.
import { call } from './client';
import type { Gap, NewSource, RecordingView, SourceCreated, SourceView } from './types';

export interface Epoch {
  seq: number;
  start_s: number;
  started_at: string;
  end_reason?: string | null;
  video_codec: string;
  width: number;
  height: number;
  audio_codec?: string | null;
  sample_rate?: number | null;
}

export interface Hold {
  at: string;
  by: string;
  why: string;
}

export type Recording = RecordingView & { hold?: Hold | null; removed_parts?: number };
export type RecordingDetail = Recording & { epochs: Epoch[] };

export interface ScrubPicture {
  seq: number;
  at_s: number;
  url: string;
}

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export interface Window {
  days: Day[];
  from: string;
  to: string;
}

export type AudioChoice = 'first' | { number: number } | { language: string };
export type RecordMode = 'always' | 'scheduled' | 'on_demand';

export interface AutoStop {
  after_minutes: number | null;
  quiet_minutes: number | null;
  after_gigabytes: number | null;
  at_window_end: boolean;
}

export interface SourceSettings {
  brand: string | null;
  mode: RecordMode;
  schedule: { zone: string; windows: Window[] };
  stop: AutoStop;
  priority: number;
  audio: AudioChoice;
  resolver: string | null;
  keep_days: number | null;
}

export interface Header {
  name: string;
  value: string;
}

export interface PushUrl {
  kind: string;
  url: string;
}

/** A source with what the recorder says about it; an older service leaves these out. */
export type Source = SourceView & {
  settings?: Partial<SourceSettings>;
  state?: string | null;
  problem?: string | null;
  problem_at?: string | null;
  push_urls?: (PushUrl | string)[];
  requested?: boolean;
  has_key?: boolean;
  header_names?: string[];
};

/** A new source, or a change: what is left out stays as it is. Secrets are only ever sent. */
export interface SourceDraft {
  name?: string;
  kind?: NewSource['kind'];
  url?: string;
  language?: NewSource['language'];
  category?: string | null;
  products?: NewSource['products'];
  settings?: SourceSettings;
  headers?: Header[];
}

/** What one source's recordings cost. */
export interface SourceCost {
  source_id: string;
  source_name: string;
  recordings: number;
  hours: number;
  bytes: number;
  picture_bytes: number;
  removed_bytes: number;
  held_bytes: number;
  gigabytes_per_hour: number | null;
  gap_minutes: number;
  disk_share: number;
}

export interface Disk {
  total_bytes: number;
  free_bytes: number;
  floor_bytes: number;
  recordings_bytes: number;
  bytes_per_day: number;
  days_left: number | null;
}

export interface Cost {
  disk: Disk;
  sources: SourceCost[];
}

/** What retention would remove of one recording. */
export interface Removal {
  recording_id: string;
  source_name: string;
  ended_at: string | null;
  rule: string;
  why: string;
  parts: number;
  bytes: number;
  parts_for_clips: number;
  bytes_for_clips: number;
}

export interface KeptSum {
  reason: string;
  recordings: number;
  bytes: number;
}

export interface KeptRecording {
  recording_id: string;
  source_name: string;
  ended_at: string | null;
  reason: string;
  why: string;
  bytes: number;
}

export interface RetentionPlan {
  made_at: string;
  removals: Removal[];
  kept: KeptSum[];
  kept_recordings: KeptRecording[];
  recordings_removed: number;
  parts_removed: number;
  bytes_removed: number;
  bytes_before: number;
  size_short_bytes: number;
  room_short_bytes: number;
}

const at = (id: string) => encodeURIComponent(id);

export const recorder = {
  recording: (id: string, signal?: AbortSignal) => call<RecordingDetail>(`/api/recordings/${at(id)}`, { signal }),
  playlistUrl: (id: string) => `/api/recordings/${at(id)}/index.m3u8`,
  scrub: (id: string, after: number, signal?: AbortSignal) => call<ScrubPicture[]>(`/api/recordings/${at(id)}/scrub?after=${after}`, { signal }),
  hold: (id: string, why: string) => call<unknown>(`/api/recordings/${at(id)}/hold`, { method: 'POST', body: { why } }),
  release: (id: string) => call<unknown>(`/api/recordings/${at(id)}/release`, { method: 'POST', body: {} }),
  add: (draft: SourceDraft) => call<SourceCreated>('/api/sources', { method: 'POST', body: draft }),
  change: (id: string, draft: SourceDraft) => call<Source>(`/api/sources/${at(id)}`, { method: 'PATCH', body: draft }),
  record: (id: string, start: boolean) => call<unknown>(`/api/sources/${at(id)}/record`, { method: 'POST', body: { start } }),
  newKey: (id: string) => call<{ stream_key: string }>(`/api/sources/${at(id)}/key`, { method: 'POST', body: {} }),
  revokeKey: (id: string) => call<unknown>(`/api/sources/${at(id)}/key`, { method: 'DELETE' }),
  cost: (signal?: AbortSignal) => call<Cost>('/api/sources/cost', { signal }),
  plan: (signal?: AbortSignal) => call<RetentionPlan>('/api/retention/plan', { signal }),
};

export type { Gap };
