// A stand-in for the service: serves dist/, canned answers, an event stream that can be pushed, and media with ranges.
// `node test/mock-server.mjs [port]` serves it for looking at; the browser test starts its own.
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stats, world } from './mock-data.mjs';
import { makeMedia } from './mock-media.mjs';
import { points } from './mock-points.mjs';
import { recorder } from './mock-recorder.mjs';
import { transcripts } from './mock-transcript.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.jpg': 'image/jpeg', '.mp4': 'video/mp4', '.m4s': 'video/iso.segment' };
const TOKEN = 'open sesame';
const KEY = 'k7Q2-mM4x-Zp9R-w3Lt';

/** A file, or the range of it that was asked for. */
function sendFile(request, response, file) {
  const { size } = statSync(file);
  const head = { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'accept-ranges': 'bytes' };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (!range) {
    response.writeHead(200, { ...head, 'content-length': size });
    return createReadStream(file).pipe(response);
  }
  const from = Number(range[1]);
  const to = range[2] === '' ? size - 1 : Math.min(Number(range[2]), size - 1);
  if (from > to) return response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
  response.writeHead(206, { ...head, 'content-range': `bytes ${from}-${to}/${size}`, 'content-length': to - from + 1 });
  return createReadStream(file, { start: from, end: to }).pipe(response);
}

/** Starts it on a free port (or `port`). Returns its address and the handles to change what it says. */
export async function startMock({ port = 0, hold = 3 } = {}) {
  if (!existsSync(join(DIST, 'index.html'))) throw new Error(`${DIST} holds no build: run "npm run build" first`);
  const media = mkdtempSync(join(tmpdir(), 'clipmill-console-'));
  await makeMedia(media);

  const full = world();
  const waiting = full.clips.splice(0, hold).reverse(); // the newest, to arrive later
  let shown = full;
  let locked = false;
  const streams = new Set();
  const push = (...kinds) => {
    for (const stream of streams) stream.write(`event: change\ndata: ${JSON.stringify({ kinds })}\n\n`);
  };

  const json = (response, status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const fault = (response, status, code, message, hint = null) => json(response, status, { error: { code, message, hint } });
  const read = async (request) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    return JSON.parse(text);
  };

  full.changes = [];
  const ofRecorder = recorder({ world: full, media, json, fault, read, sendFile, push, key: KEY });

  const ofPoints = points({ world: full, json, fault, read });
  const ofTranscripts = transcripts({ world: full, json, fault, read });

  async function answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://mock');
    if (pathname.startsWith('/api/')) {
      if (pathname === '/api/login') {
        if ((await read(request)).token !== TOKEN) return fault(response, 401, 'wrong_token', 'the token is not right', 'ask whoever set up clipmill');
        locked = false;
        return json(response, 200, {});
      }
      if (locked) return fault(response, 401, 'unauthorized', 'sign in first');
      if (pathname === '/api/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        response.write(': hello\n\n');
        streams.add(response);
        return request.on('close', () => streams.delete(response));
      }
      if (pathname === '/api/health') return json(response, 200, shown.health);
      if (pathname === '/api/stats') return json(response, 200, stats(shown.clips));
      if (pathname === '/api/recordings') return json(response, 200, shown.recordings);
      if (pathname === '/api/sources' && request.method === 'GET') return json(response, 200, shown.sources);
      if (pathname === '/api/sources') {
        const given = await read(request);
        if (shown.sources.some((s) => s.name === given.name)) return fault(response, 409, 'name_taken', `a source is called ${given.name} already`, 'choose another name');
        full.changes.push(given);
        const made = { ...full.sources[0], push_urls: [], state: null, ...given, settings: { ...full.sources[0].settings, ...given.settings }, has_key: given.kind === 'push' ? true : null, header_names: (given.headers ?? []).map((h) => h.name), id: `0193aaaa-0000-7000-8000-${Date.now().toString(16).padStart(12, '0')}`, enabled: true, live_recording_id: null, url_shown: given.url ?? null, push_url: given.kind === 'push' ? full.sources[0].push_url : null };
        shown.sources.push(made);
        return json(response, 200, { ...made, stream_key: given.kind === 'push' ? KEY : null });
      }
      const enabled = /^\/api\/sources\/([^/]+)\/enabled$/.exec(pathname);
      if (enabled) {
        const source = shown.sources.find((s) => s.id === enabled[1]);
        source.enabled = (await read(request)).enabled;
        return json(response, 200, source);
      }
      if (pathname === '/api/clips') {
        const limit = Number(searchParams.get('limit') ?? 50);
        const before = searchParams.get('before');
        const from = before ? shown.clips.findIndex((c) => c.id === before) + 1 : 0;
        const clips = shown.clips.slice(from, from + limit);
        return json(response, 200, { clips, next: from + limit < shown.clips.length ? clips.at(-1).id : null });
      }
      const clip = /^\/api\/clips\/([^/]+)$/.exec(pathname);
      const detail = clip && full.details.get(clip[1]);
      if (detail) return json(response, 200, detail);
      if ((await ofPoints(request, response, pathname)) !== false) return;
      if ((await ofTranscripts(request, response, pathname, searchParams)) !== false) return;
      if ((await ofRecorder(request, response, pathname, searchParams)) !== false) return;
      return fault(response, 404, 'not_found', `there is nothing at ${pathname}`);
    }
    const inside = normalize(pathname).replace(/^\/+/, '');
    const file = inside.startsWith('media/') ? join(media, inside.slice(6)) : join(DIST, inside);
    if (existsSync(file) && statSync(file).isFile()) return sendFile(request, response, file);
    if (inside.startsWith('media/')) return fault(response, 404, 'not_found', `no file ${pathname}`);
    return sendFile(request, response, join(DIST, 'index.html'));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    token: TOKEN,
    streamKey: KEY,
    /** Lets one more clip be born; null when there is none left. */
    bear() {
      const card = waiting.shift();
      if (!card) return null;
      full.clips.unshift(card);
      push('clips');
      return card;
    },
    /** Shows an installation with nothing in it, or the full one again. */
    empty(on, { sources = [], recordings = [] } = {}) {
      shown = on ? { sources, recordings, clips: [], health: full.health } : full;
      push('clips', 'sources', 'recordings');
    },
    world: full,
    /** Asks for the token from now on. */
    lock: () => (locked = true),
    /** Ends all event streams, as a restart would. */
    drop: () => streams.forEach((stream) => stream.destroy()),
    async close() {
      streams.forEach((stream) => stream.destroy());
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(media, { recursive: true, force: true });
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({ port: Number(process.argv[2] ?? 8601) });
  console.log(`mock service at ${mock.url}; a new clip every 20 s, three times`);
  const births = setInterval(() => mock.bear() ?? clearInterval(births), 20_000);
  process.once('SIGINT', () => void mock.close().then(() => process.exit(0)));
}
