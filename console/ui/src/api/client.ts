import type {
  ClipDetail,
  ClipPage,
  ErrorBody,
  Health,
  NewSource,
  RecordingView,
  SourceCreated,
  SourceView,
  Stats,
} from './types';

/** How long one request may take before it is given up, in milliseconds. */
const DEADLINE_MS = 15_000;

/** A failed request, in words fit for a person. `status` is 0 where no answer came. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    /** The service's code; or `unreachable`, `timeout`, `bad_answer` where it did not speak. */
    readonly code: string,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }

  /** Whether the same request may go better a moment later. */
  get passing(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

type Listener = () => void;
const refusedListeners = new Set<Listener>();

/** Calls `listener` whenever the service asks who we are (401). Returns how to stop. */
export function onRefused(listener: Listener): () => void {
  refusedListeners.add(listener);
  return () => refusedListeners.delete(listener);
}

function isErrorBody(body: unknown): body is ErrorBody {
  const error = (body as ErrorBody | null)?.error;
  return typeof error === 'object' && error !== null && typeof error.message === 'string';
}

/** One request. Resolves to the parsed body, rejects with [ApiError] only. */
export async function call<T>(path: string, init: { method?: string; body?: unknown; signal?: AbortSignal } = {}): Promise<T> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  let status: number;
  let text: string;
  try {
    const answer = await fetch(path, {
      method: init.method ?? 'GET',
      headers: { accept: 'application/json', ...(init.body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: init.body === undefined ? undefined : JSON.stringify(init.body),
      signal,
    });
    status = answer.status;
    text = await answer.text();
  } catch (cause) {
    if (init.signal?.aborted) throw cause; // the caller left; nobody reads this
    if (deadline.aborted) throw new ApiError(0, 'timeout', `no answer within ${DEADLINE_MS / 1000} s`);
    throw new ApiError(0, 'unreachable', 'the service does not answer');
  }

  let body: unknown = null;
  let parsed = true;
  try {
    body = text === '' ? null : JSON.parse(text);
  } catch {
    parsed = false;
  }
  if (status >= 200 && status < 300) {
    if (!parsed) throw new ApiError(status, 'bad_answer', `${path} did not answer with JSON`);
    return body as T;
  }
  if (status === 401 && path !== '/api/login') for (const listener of refusedListeners) listener();
  if (isErrorBody(body)) {
    throw new ApiError(status, body.error.code, body.error.message, body.error.hint ?? null);
  }
  throw new ApiError(status, 'bad_answer', `the service answered ${status}`);
}

/** Every request that the console makes. */
export const api = {
  health: (signal?: AbortSignal) => call<Health>('/api/health', { signal }),
  stats: (signal?: AbortSignal) => call<Stats>('/api/stats', { signal }),
  sources: (signal?: AbortSignal) => call<SourceView[]>('/api/sources', { signal }),
  addSource: (source: NewSource) => call<SourceCreated>('/api/sources', { method: 'POST', body: source }),
  enableSource: (id: string, enabled: boolean) =>
    call<unknown>(`/api/sources/${encodeURIComponent(id)}/enabled`, { method: 'POST', body: { enabled } }),
  recordings: (signal?: AbortSignal) => call<RecordingView[]>('/api/recordings', { signal }),
  clips: (before: string | null, limit: number, signal?: AbortSignal) => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (before) query.set('before', before);
    return call<ClipPage>(`/api/clips?${query}`, { signal });
  },
  clip: (id: string, signal?: AbortSignal) => call<ClipDetail>(`/api/clips/${encodeURIComponent(id)}`, { signal }),
  login: (token: string) => call<unknown>('/api/login', { method: 'POST', body: { token } }),
};
