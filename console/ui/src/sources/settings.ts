// What the operator types about a source, and what the service wants to hear. Pure.
import type { Day, Header, RecordMode, Script, Settings, Window } from '../api/recorder';
import type { SourceKind } from '../api/types';

export const DAYS: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** The fields as they are typed. */
export interface SettingsForm {
  brand: string;
  mode: RecordMode;
  zone: string;
  windows: Required<Window>[];
  stopMinutes: string;
  quietMinutes: string;
  gigabytes: string;
  atWindowEnd: boolean;
  priority: string;
  audio: 'first' | 'number' | 'language';
  audioValue: string;
  detectLanguage: boolean;
  script: Script;
  resolver: string;
  keepDays: string;
  /** Whose heads may learn from its corrections. */
  share: NonNullable<Settings['share_examples']>;
  cookie: string;
  referrer: string;
  headers: string;
  /** Takes away the headers that are stored. */
  noHeaders: boolean;
}

export type Field = 'zone' | 'windows' | 'stopMinutes' | 'quietMinutes' | 'gigabytes' | 'priority' | 'audioValue' | 'keepDays' | 'headers';

/** What is wrong, by field; for headers, the number of the line. */
export type Problems = Partial<Record<Field, number>>;

export const EMPTY_WINDOW: Required<Window> = { days: [], from: '19:00', to: '23:00' };

/** The form for settings the service told (or for a new source). Secrets begin empty: they are never told. */
export function toForm(settings: Settings | undefined, zone: string): SettingsForm {
  const s = settings ?? {};
  const text = (n: number | null | undefined) => (n == null ? '' : String(n));
  const windows = s.windows ?? [];
  const audio = s.audio ?? 'first';
  return {
    brand: s.brand ?? '',
    mode: s.mode ?? 'always',
    zone: windows.length > 0 ? (s.zone ?? zone) : zone,
    windows: windows.map((w) => ({ ...w, days: [...(w.days ?? [])] })),
    stopMinutes: text(s.stop_after_minutes),
    quietMinutes: text(s.quiet_minutes),
    gigabytes: text(s.stop_after_gigabytes),
    atWindowEnd: s.stop_at_window_end ?? false,
    priority: String(s.priority ?? 0),
    audio: audio === 'first' ? 'first' : /^\d+$/.test(audio) ? 'number' : 'language',
    audioValue: audio === 'first' ? '' : audio,
    detectLanguage: s.detect_language ?? false,
    script: s.script ?? 'simplified',
    resolver: s.resolver ?? '',
    keepDays: text(s.keep_days),
    share: s.share_examples ?? 'own',
    cookie: '',
    referrer: '',
    headers: '',
    noHeaders: false,
  };
}

export function zoneExists(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone !== '';
  } catch {
    return false;
  }
}

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const WHOLE = /^[1-9]\d{0,6}$/;

/** Reads `Name: value` lines; or the number of the first line that is none. */
export function readHeaders(text: string): Header[] | number {
  const headers: Header[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = /^\s*([\w!#$%&'*+.^`|~-]+)\s*:\s*(\S.*?)\s*$/.exec(line);
    if (!match) return index + 1;
    headers.push({ name: match[1] as string, value: match[2] as string });
  }
  return headers;
}

/** What to send; or what must be corrected first. `headers` is left out where they stay as they are. */
export function fromForm(form: SettingsForm, kind: SourceKind): { settings: Settings; headers?: Header[] } | { problems: Problems } {
  const problems: Problems = {};
  const limit = (field: Field, text: string): number | null => {
    const typed = text.trim();
    if (typed === '') return null;
    if (!WHOLE.test(typed)) problems[field] = 1;
    return Number(typed);
  };
  const limits = {
    stop_after_minutes: limit('stopMinutes', form.stopMinutes),
    quiet_minutes: limit('quietMinutes', form.quietMinutes),
    stop_after_gigabytes: limit('gigabytes', form.gigabytes),
    keep_days: limit('keepDays', form.keepDays),
  };
  const scheduled = form.mode === 'scheduled';
  if (scheduled && !zoneExists(form.zone.trim())) problems.zone = 1;
  if (scheduled && (form.windows.length === 0 || form.windows.some((w) => !TIME.test(w.from) || !TIME.test(w.to)))) problems.windows = 1;
  const priority = Number(form.priority.trim() === '' ? '0' : form.priority.trim());
  if (!Number.isInteger(priority) || Math.abs(priority) > 100) problems.priority = 1;
  const value = form.audioValue.trim().toLowerCase();
  if (form.audio === 'number' && !WHOLE.test(value)) problems.audioValue = 1;
  if (form.audio === 'language' && !/^[a-z]{2,3}$/.test(value)) problems.audioValue = 1;
  const pull = kind === 'pull';
  const more = pull ? readHeaders(form.headers) : [];
  if (!Array.isArray(more)) problems.headers = more;
  if (Object.keys(problems).length > 0 || !Array.isArray(more)) return { problems };
  const headers = [
    ...(form.cookie.trim() ? [{ name: 'Cookie', value: form.cookie.trim() }] : []),
    ...(form.referrer.trim() ? [{ name: 'Referer', value: form.referrer.trim() }] : []),
    ...more,
  ];
  const some = (text: string) => (text.trim() === '' ? null : text.trim());
  return {
    settings: {
      share_examples: form.share,
      brand: some(form.brand),
      mode: form.mode,
      zone: zoneExists(form.zone.trim()) ? form.zone.trim() : null,
      // Windows typed and then switched off are kept, as far as the service can read them.
      windows: form.windows.filter((w) => TIME.test(w.from) && TIME.test(w.to)),
      ...limits,
      stop_at_window_end: form.atWindowEnd,
      priority,
      audio: form.audio === 'first' ? 'first' : value,
      detect_language: form.detectLanguage,
      script: form.script,
      resolver: pull ? some(form.resolver) : null,
    },
    ...(pull && (headers.length > 0 || form.noHeaders) ? { headers } : {}),
  };
}
