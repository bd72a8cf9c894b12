// The mock's recordings as HLS, its scrub pictures, settings of sources, holds, cost and the retention plan.
import { join } from 'node:path';
import { FILM_PARTS, THUMBS } from './mock-media.mjs';

const PART_S = 2;
const iso = (ms) => new Date(ms).toISOString();

/** The stretches of a recording that are kept, in whole parts. */
function stretches(rec, end) {
  const all = [];
  let from = 0;
  for (const gap of [...rec.gaps, { start_s: end, end_s: end }]) {
    const parts = Math.floor((gap.start_s - from) / PART_S);
    if (parts > 0) all.push({ from, parts });
    from = gap.end_s;
  }
  return all;
}

/** A playlist as the service writes it. The one film there is plays again and again, each time after a discontinuity. */
export function playlist(rec, now = Date.now()) {
  const live = !rec.ended_at;
  const zero = new Date(rec.started_at).getTime();
  const end = live ? (now - zero) / 1000 : rec.duration_s;
  let text = `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:${PART_S}\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n`;
  let seq = 0;
  for (const { from, parts } of stretches(rec, end)) {
    for (let n = 0; n < parts; n += 1) {
      const film = n % FILM_PARTS;
      if (film === 0) text += `${seq > 0 ? '#EXT-X-DISCONTINUITY\n' : ''}#EXT-X-MAP:URI="init/0.mp4"\n#EXT-X-PROGRAM-DATE-TIME:${iso(zero + (from + n * PART_S) * 1000)}\n`;
      text += `#EXTINF:${PART_S}.000000,\nparts/${film}.m4s?${seq}\n`;
      seq += 1;
    }
  }
  return live ? text : `${text}#EXT-X-ENDLIST\n`;
}

function pictures(rec, after) {
  const list = [];
  for (let at = 0, seq = 0; at < rec.duration_s; at += 10, seq += 5) {
    if (seq > after && !rec.gaps.some((g) => g.start_s <= at && at < g.end_s)) list.push({ seq, at_s: at, url: `/api/recordings/${rec.id}/scrub/${seq}.jpg` });
  }
  return list;
}

/** Talk with pauses, louder and softer, and nothing in the gaps. */
function waveform(rec, points) {
  const end = rec.ended_at ? rec.duration_s : (Date.now() - new Date(rec.started_at).getTime()) / 1000;
  const step_s = Math.max(0.02, Math.ceil(end / points / 0.02) * 0.02);
  const peaks = Array.from({ length: Math.floor(end / step_s) }, (_, n) => {
    const at = n * step_s;
    if (rec.gaps.some((g) => g.start_s <= at && at < g.end_s)) return null;
    const talk = Math.sin(at / 23) + Math.sin(at / 5.3) > -0.9 ? 0.03 + 0.6 * Math.abs(Math.sin(n * 12.9898)) ** 3 : 0.01;
    return Math.round(255 * talk * (0.6 + 0.4 * Math.sin(at / 91)));
  });
  return { start_s: 0, step_s, peaks, curves: null };
}

/** Answers what concerns the recorder; false where it is not for us. */
export function recorder({ world, media, json, fault, read, sendFile, push, key }) {
  const epochs = (rec) => [0, ...rec.gaps.map((g) => g.end_s)].map((start, seq) => ({
    seq,
    start_s: start,
    started_at: iso(new Date(rec.started_at).getTime() + start * 1000),
    end_reason: rec.gaps[seq]?.reason ?? rec.end_reason,
    video_codec: 'h264',
    width: 270,
    height: 480,
    audio_codec: 'aac',
    sample_rate: 44100,
  }));
  return async (request, response, pathname, searchParams) => {
    const one = /^\/api\/recordings\/([^/]+)(?:\/(.+))?$/.exec(pathname);
    if (one) {
      const rec = world.recordings.find((r) => r.id === one[1]);
      if (!rec) return fault(response, 404, 'not_found', 'there is no such recording');
      const what = one[2] ?? '';
      const file = /^(parts|init|scrub)\/(\d+)\.\w+$/.exec(what);
      if (what === '') return json(response, 200, { ...rec, epochs: epochs(rec) });
      if (what === 'index.m3u8') return response.writeHead(200, { 'content-type': 'application/vnd.apple.mpegurl', 'cache-control': 'no-cache' }).end(playlist(rec));
      if (what === 'scrub') return json(response, 200, pictures(rec, Number(searchParams.get('after') ?? -1)));
      if (what === 'waveform') return json(response, 200, waveform(rec, Number(searchParams.get('points') ?? 1000)));
      if (file?.[1] === 'parts') return sendFile(request, response, join(media, `film-${file[2]}.m4s`));
      if (file?.[1] === 'init') return sendFile(request, response, join(media, 'film-init.mp4'));
      if (file?.[1] === 'scrub') return sendFile(request, response, join(media, `thumb-${(Number(file[2]) % THUMBS) + 1}.jpg`));
      if (what === 'hold' || what === 'release') {
        rec.hold = what === 'hold' ? { at: iso(Date.now()), by: 'console', why: (await read(request)).why } : null;
        push('recordings');
        return json(response, 200, { recording_id: rec.id, hold: rec.hold });
      }
      return fault(response, 404, 'not_found', `there is nothing at ${pathname}`);
    }
    if (pathname === '/api/sources/cost') {
      const total = 512e9;
      const sources = world.sources.map((s, n) => ({ source_id: s.id, source_name: s.name, recordings: 3, hours: 41.25 / (n + 1), bytes: 46e9 / (n + 1), picture_bytes: 9e6, removed_bytes: 12e9, held_bytes: 0, gigabytes_per_hour: 1.12, gap_minutes: 3.5, disk_share: 0.09 / (n + 1) }));
      return json(response, 200, { disk: { total_bytes: total, free_bytes: 38_654_705_664, floor_bytes: 2e9, recordings_bytes: 84e9, by_source: [], bytes_per_day: 9.4e9, days_left: 3.9 }, sources });
    }
    if (pathname === '/api/retention/plan') {
      const [live, old, pulled] = world.recordings;
      const row = (rec, more) => ({ recording_id: rec.id, source_name: rec.source_name, ended_at: rec.ended_at, bytes: rec.bytes, ...more });
      return json(response, 200, {
        made_at: iso(Date.now()),
        removals: [row(pulled, { rule: 'age', why: 'ended more than 30 days ago', parts: 2431, bytes: 1.5e9, parts_for_clips: 269, bytes_for_clips: 166e6 })],
        kept: [
          { reason: 'live', recordings: 1, bytes: live.bytes },
          { reason: 'held', recordings: 1, bytes: old.bytes },
          { reason: 'not_due', recordings: 14, bytes: 61e9 },
        ],
        kept_recordings: [row(old, { reason: 'unreviewed', why: 'has clips that nobody decided on' })],
        recordings_removed: 1,
        parts_removed: 2431,
        bytes_removed: 1.5e9,
        bytes_before: 84e9,
        size_short_bytes: 0,
        room_short_bytes: 4.2e9,
      });
    }
    const source = /^\/api\/sources\/([^/]+)(?:\/(record|key))?$/.exec(pathname);
    const found = source && world.sources.find((s) => s.id === source[1]);
    if (!found) return false;
    if (source[2] === 'key') {
      found.has_key = request.method === 'POST';
      return json(response, 200, found.has_key ? { ...found, stream_key: key } : found);
    }
    const given = await read(request);
    if (source[2] === 'record') {
      if (!['start', 'stop'].includes(given.action)) return fault(response, 422, 'invalid', 'action: start or stop');
      found.requested = given.action === 'start';
    }
    else {
      world.changes.push(given);
      const { headers, url, ...shown } = given;
      if (headers) found.header_names = headers.map((h) => h.name);
      Object.assign(found, shown);
    }
    push('sources');
    return json(response, 200, found);
  };
}
