// The mock's transcripts: sentences that grow with a live, corrections, rules of the lexicon, files.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { revisions } from './mock-revisions.mjs';

const PAGE_S = 3600;
const FOUND_MAX = 200;
/** A live is heard so long after it is said, in seconds. */
const LATE_S = 5;
const MADE_BY = 'whisper-base q5_1 + silero-vad 6.2';
const said = (name) => readFileSync(fileURLToPath(new URL(`../../../fixtures/speech/${name}`, import.meta.url)), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const iso = (ms) => new Date(ms).toISOString();
const uuid = (kind, number) => `0193${kind.toString(16).padStart(4, '0')}-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

/** What stands in the transcript instead of what was said, and what was put right: [now, heard, by]. */
const HEARD = [
  ['针织开衫', '正织开山', 'sound'],
  ['马齿苋', '马赤线', 'likelihood'],
  ['Lumora', '路莫拉', 'rule'],
];
const written = (text) => text.replace('下面这个面霜', '下面这个 Lumora 面霜').replace('磁吸', '词细');

/** A word for one or two Chinese characters or a Latin word, spread evenly. */
function wordsOf(text, start, end, mends = []) {
  // What was put right is a word of its own.
  const known = mends.map(([now]) => now).filter((now) => now !== '');
  const units = text.match(new RegExp([...known, '\\p{Script=Han}(?!' + (known.join('|') || '$^') + ')\\p{Script=Han}?', '\\p{Script=Han}', "[\\p{L}\\p{N}'’.-]+"].join('|'), 'gu')) ?? [];
  const step = (end - start) / Math.max(1, units.length);
  let at = 0;
  return units.map((unit, n) => {
    const found = text.indexOf(unit, at);
    at = found + unit.length;
    const mend = mends.find(([now]) => text.indexOf(now) >= 0 && found < text.indexOf(now) + now.length && at > text.indexOf(now));
    return {
      text: unit,
      start_s: start + n * step,
      end_s: start + (n + 1) * step,
      p: (n * 7 + text.length) % 23 === 0 ? 0.31 : 0.93,
      heard: mend ? (found <= text.indexOf(mend[0]) ? mend[1] : '') : null,
      mended_by: mend ? mend[2] : null,
    };
  });
}

/** Everything that is said in `rec`, over and over to its end. Heard again, it reads a little otherwise. */
function script(rec, number, length, revision = 0, madeBy = MADE_BY) {
  const lines = said(rec.language === 'en' ? 'en_live.jsonl' : 'zh_live.jsonl');
  const turn = Math.ceil(lines.at(-1).end) + 3;
  const all = [];
  for (let shift = 0; shift < length; shift += turn) {
    for (const line of lines) {
      const [start_s, end_s] = [shift + line.start, shift + line.end];
      if (end_s > length || rec.gaps.some((g) => g.start_s < end_s && start_s < g.end_s)) continue;
      const text = written(line.text).replace('Lumora 面霜', revision > 0 ? 'Lumora 柔光面霜' : 'Lumora 面霜');
      const words = wordsOf(text, start_s, end_s, HEARD);
      const speaker = /^(有人问|油皮可以)/.test(text) ? 1 : 0;
      all.push({ id: uuid(16 + number + 256 * revision, all.length), seq: all.length, start_s, end_s, text, raw: words.map((w) => w.heard ?? w.text).join(''), language: rec.language, speaker, made_by: madeBy, edited_at: null, words, quantities: [] });
    }
  }
  return all;
}

/** The smallest stretch that differs, of two characters at least. */
function difference(before, after) {
  let from = 0;
  while (from < before.length && before[from] === after[from]) from += 1;
  let back = 0;
  while (back < Math.min(before.length, after.length) - from && before.at(-1 - back) === after.at(-1 - back)) back += 1;
  if (before.length - back - from < 2 && from > 0) from -= 1;
  return { heard: before.slice(from, before.length - back), term: after.slice(from, after.length - back) };
}

/** Answers what concerns transcripts and the lexicon; false where it is not for us. */
export function transcripts({ world, json, fault, read }) {
  const make = (rec, revision, madeBy) => script(rec, world.recordings.indexOf(rec), rec.ended_at ? rec.duration_s : 3 * 3600, revision, madeBy);
  const scripts = new Map(world.recordings.map((rec) => [rec.id, [make(rec)]]));
  const ofRevisions = revisions({ world, json, fault, read, scripts, make });
  const current = (rec) => {
    ofRevisions.settle(rec);
    return scripts.get(rec.id)[ofRevisions.shownOf(rec)];
  };
  world.lexicon = [
    { id: uuid(9, 1), source_id: null, language: 'zh', term: '针织开衫', aliases: ['开衫'], misheard: [], entered_by: 'console', entered_at: iso(Date.now() - 9e7) },
    { id: uuid(9, 2), source_id: world.sources[0].id, language: null, term: 'Lumora', aliases: [], misheard: ['路莫拉', '陆漠拉'], entered_by: 'console', entered_at: iso(Date.now() - 6e6) },
  ];
  const elapsed = (rec) => (Date.now() - new Date(rec.started_at).getTime()) / 1000;
  const heardUntil = (rec) => (rec.ended_at ? rec.duration_s : elapsed(rec) - LATE_S);
  const final = (rec) => current(rec).filter((u) => u.end_s <= heardUntil(rec));
  const changes = ({ source_id, heard, term }) =>
    world.recordings
      .filter((rec) => !source_id || rec.source_id === source_id)
      .flatMap((rec) => final(rec).filter((u) => u.edited_at === null && u.text.includes(heard)).map((u) => ({ rec, u, after: u.text.replaceAll(heard, term) })));

  function page(rec, searchParams, whole) {
    const [from, to] = [Number(searchParams.get('from') ?? 0), Number(searchParams.get('to') ?? 1e9)];
    const find = searchParams.get('find')?.trim().toLowerCase();
    const end = Math.min(to, find || whole ? to : from + PAGE_S);
    let utterances = final(rec).filter((u) => u.start_s < end && u.end_s > from && (!find || u.text.toLowerCase().includes(find)));
    const cut = find && utterances.length > FOUND_MAX;
    if (cut) utterances = utterances.slice(0, FOUND_MAX);
    const next_s = cut || end < Math.min(to, heardUntil(rec)) ? (utterances.at(-1)?.end_s ?? end) : null;
    return { recording_id: rec.id, language: rec.language, from_s: from, to_s: end, next_s, heard_until_s: heardUntil(rec), utterances, dropped: [] };
  }

  return async (request, response, pathname, searchParams) => {
    if ((await ofRevisions.answer(request, response, pathname)) !== false) return;
    const text = /^\/api\/recordings\/([^/]+)\/transcript(?:\.(srt|vtt|txt|json))?$/.exec(pathname);
    const rec = text && world.recordings.find((r) => r.id === text[1]);
    if (rec && text[2] === undefined) return json(response, 200, page(rec, searchParams, false));
    if (rec) {
      const body = text[2] === 'json' ? JSON.stringify(page(rec, searchParams, true)) : page(rec, searchParams, true).utterances.map((u) => u.text).join('\n');
      return response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-disposition': `attachment; filename="${rec.id}.${text[2]}"` }).end(body);
    }
    const correction = /^\/api\/recordings\/([^/]+)\/utterances\/([^/]+)\/correct$/.exec(pathname);
    if (correction) {
      const of = world.recordings.find((r) => r.id === correction[1]);
      const line = of && scripts.get(of.id).flat().find((u) => u.id === correction[2]);
      if (line && !current(of).includes(line)) return fault(response, 409, 'refused', `revision ${ofRevisions.shownOf(of)} of this transcript is shown now, and this sentence is of another one`);
      if (!line) return fault(response, 404, 'not_found', 'there is no such utterance');
      const given = (await read(request)).text.trim();
      if (given.includes('\u00a0')) return fault(response, 422, 'invalid', 'the text is one line of at most 1000 characters');
      const suggested = difference(line.text, given);
      const words = wordsOf(given, line.start_s, line.end_s, [[suggested.term, suggested.heard, 'operator']]);
      Object.assign(line, { text: given, words, edited_at: iso(Date.now()) });
      return json(response, 200, { id: line.id, recording_id: correction[1], text: given, words: words.map(({ mended_by, ...word }) => word), edited_at: line.edited_at, suggested, rule: null, rule_heard: null, preview: null });
    }
    if (pathname === '/api/lexicon/preview') {
      const given = await read(request);
      const all = changes(given);
      const shown = all.slice(0, 50).map(({ rec, u, after }) => ({ recording_id: rec.id, recording_began: rec.started_at, utterance_id: u.id, start_s: u.start_s, end_s: u.end_s, before: u.text, after }));
      if (given.apply) for (const { u, after } of all) Object.assign(u, { text: after, words: wordsOf(after, u.start_s, u.end_s, [[given.term, given.heard, 'rule']]) });
      return json(response, 200, { count: all.length, more: false, changes: shown, applied: given.apply ? all.length : null });
    }
    if (pathname === '/api/lexicon' && request.method === 'PUT') {
      const given = await read(request);
      const known = world.lexicon.find((e) => e.term === given.term && e.source_id === given.source_id);
      const entry = { id: known?.id ?? uuid(9, 100 + world.lexicon.length), ...given, entered_by: 'console', entered_at: iso(Date.now()) };
      world.lexicon = [...world.lexicon.filter((e) => e !== known), entry];
      return json(response, 200, entry);
    }
    if (pathname === '/api/lexicon') return json(response, 200, world.lexicon.filter((e) => e.source_id === null || e.source_id === searchParams.get('source')));
    const entry = /^\/api\/lexicon\/([^/]+)$/.exec(pathname);
    if (entry && request.method === 'DELETE') {
      world.lexicon = world.lexicon.filter((e) => e.id !== entry[1]);
      return response.writeHead(204).end();
    }
    return false;
  };
}
