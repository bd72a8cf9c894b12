// How numbers and times are written. Pure, so that each rule has a test.

/** Seconds as `m:ss`, or `h:mm:ss` from an hour on. Rounds down: a time that has not come is not shown. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds + 1e-6 : 0));
  const s = String(whole % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${s}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${s}`;
}

/** A short length: `9.4 s` (`9.4 秒`) under ten seconds, `34 s` under two minutes, `m:ss` above. */
export function brief(seconds: number, language: string): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  const unit = language.startsWith('zh') ? '秒' : 's';
  if (seconds < 9.95) return `${seconds.toFixed(1)} ${unit}`;
  if (seconds < 119.5) return `${Math.round(seconds)} ${unit}`;
  return clock(seconds);
}

/** Bytes in binary units, at most three digits before the unit: `1.9 GiB`. */
export function bytes(count: number): string {
  if (!Number.isFinite(count) || count < 0) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A share as a percentage. Only a whole share reads `100%`: a recording with a gap never looks complete. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  if (share >= 1) return '100%';
  const value = Math.max(0, share) * 100;
  if (value > 99.9) return '99.9%';
  return `${value >= 99 ? (Math.floor(value * 10) / 10).toFixed(1) : Math.round(value)}%`;
}

/** Wall time in the reader's own zone: time alone for today, with the date otherwise. */
export function wall(at: string, language: string, now: Date = new Date()): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '–';
  const sameDay = date.toDateString() === now.toDateString();
  const day: Intl.DateTimeFormatOptions = sameDay ? {} : { month: 'short', day: 'numeric' };
  return new Intl.DateTimeFormat(language, { ...day, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(date);
}

/** How long ago, in words: `3 秒钟前`, `2 minutes ago`. */
export function ago(at: string, language: string, now: number = Date.now()): string {
  const time = new Date(at).getTime();
  if (Number.isNaN(time)) return '–';
  const seconds = Math.min(0, Math.round((time - now) / 1000));
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'always' });
  if (seconds > -60) return words.format(seconds, 'second');
  if (seconds > -3600) return words.format(Math.trunc(seconds / 60), 'minute');
  if (seconds > -86_400) return words.format(Math.trunc(seconds / 3600), 'hour');
  return words.format(Math.trunc(seconds / 86_400), 'day');
}

/** How good a latency is: the aim is 15 s, the promise 60 s. */
export function latencyGrade(seconds: number): 'fast' | 'good' | 'slow' {
  if (seconds <= 15) return 'fast';
  return seconds <= 60 ? 'good' : 'slow';
}

/** The language tag for a piece of text, so that it gets the right glyphs and voice. */
export function langOf(text: string): 'zh-CN' | 'en' {
  return /\p{Script=Han}/u.test(text) ? 'zh-CN' : 'en';
}

/** A free value as one line of text: `key value` pairs of an object, empty ones left out; anything else as it is. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.map(plain).filter(Boolean).join(', ');
  return Object.entries(value)
    .map(([key, inner]) => [key.replaceAll('_', ' '), plain(inner), typeof inner === 'object' && !Array.isArray(inner)] as const)
    .filter(([, text]) => text !== '')
    .map(([key, text, nested]) => (nested ? `${key} (${text})` : `${key} ${text}`))
    .join(' · ');
}
