// Canned answers of the mock service, in the shapes of the HTTP API, cut from the spoken fixtures' own truth.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { THUMBS } from './mock-media.mjs';

const fixture = (name) => fileURLToPath(new URL(`../../../fixtures/speech/${name}`, import.meta.url));
const lines = (name) => readFileSync(fixture(name), 'utf8').trim().split('\n').map((line) => JSON.parse(line));

const NAMES = Object.fromEntries(
  [...readFileSync(fileURLToPath(new URL('../../../core/domain/src/taxonomy.rs', import.meta.url)), 'utf8').matchAll(/^\s+\w+ = "(\w+)", "([^"]+)", "([^"]+)";$/gm)].map(
    ([, key, zh, en]) => [key, { zh, en }],
  ),
);
const id = (kind, number) => `0193${kind.toString(16).padStart(4, '0')}-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

/** Stretches about one product of at least seven seconds, called by their first label; small talk left out. */
function stretches(said) {
  const found = [];
  for (const line of said) {
    const last = found.at(-1);
    const short = last && last.at(-1).end - last[0].start < 7;
    if (last && last[0].product === line.product && (short || last[0].label === line.label)) last.push(line);
    else found.push([line]);
  }
  return found.filter(([first]) => first.label !== 'chat');
}

/** A word a character, spread evenly: enough to follow along. */
function words(line) {
  const units = line.text.match(/[\p{Script=Han}]{1,2}|[\p{L}\p{N}'’-]+/gu) ?? [];
  const step = (line.end - line.start) / Math.max(1, units.length);
  return units.map((text, index) => ({ text, start_s: line.start + index * step, end_s: line.start + (index + 1) * step, p: (index * 7 + line.id) % 19 === 0 ? 0.31 : 0.93 }));
}

/** Everything that the mock serves. `now` is milliseconds since the epoch. */
export function world(now = Date.now()) {
  const iso = (ms) => new Date(ms).toISOString();
  const settings = (more) => ({ brand: null, mode: 'always', zone: 'UTC', windows: [], stop_after_minutes: null, stop_after_gigabytes: null, quiet_minutes: null, stop_at_window_end: false, priority: 0, audio: 'first', detect_language: false, script: 'simplified', resolver: null, keep_days: null, share_examples: 'own', ...more });
  const source = (number, name, kind, more) => ({ id: id(1, number), name, kind, url_shown: null, language: 'zh', category: null, enabled: true, requested: false, settings: settings(), state: 'idle', problem: null, live_recording_id: null, has_key: kind === 'push' ? true : null, header_names: [], push_url: kind === 'push' ? 'rtmp://127.0.0.1:1935/live' : null, ...more });
  const sources = [
    source(1, '小棠的直播间 · 春季上新专场', 'push', {
      category: 'apparel',
      live_recording_id: id(2, 3),
      state: 'recording',
      push_urls: [
        { kind: 'rtmp', url: 'rtmp://studio.example.com:1935/live' },
        { kind: 'rtmps', url: 'rtmps://studio.example.com:1936/live' },
        { kind: 'srt', url: 'srt://studio.example.com:9000?streamid=live/an-id-that-is-rather-long-and-must-be-copied-not-typed' },
      ],
    }),
    source(2, 'Denim Friday with Holly', 'pull', { language: 'en', url_shown: 'https://pull.example.com/live/denim-friday-with-a-rather-long-room-name-that-must-wrap.flv',
      state: 'retrying',
      problem: { what: 'the server answered 403 Forbidden: the address or its token is no longer good; paste a fresh address in the settings', at: iso(now - 95_000), is_over: false },
      header_names: ['Cookie', 'Referer'],
      settings: settings({ brand: 'Holly & Co', mode: 'scheduled', zone: 'America/New_York', windows: [{ days: ['fri'], from: '19:00', to: '01:30' }], stop_after_minutes: 240, stop_at_window_end: true, priority: 20, audio: '2', keep_days: 30 }),
    }),
    source(3, '云南植物护肤官方旗舰店晚八点专场（每周三、周五，节假日顺延）', 'push', { category: 'beauty', settings: settings({ mode: 'on_demand' }), state: 'waiting' }),
  ];
  const recording = (number, src, startedAgo, duration, more) => ({
    id: id(2, number),
    source_id: src.id,
    source_name: src.name,
    language: src.language,
    started_at: iso(now - startedAgo * 1000),
    ended_at: iso(now - (startedAgo - duration) * 1000),
    end_reason: 'finished',
    duration_s: duration,
    parts: Math.round(duration / 2),
    bytes: Math.round(duration * 310_000),
    coverage: 1,
    gaps: [],
    ...more,
  });
  const recordings = [
    recording(3, sources[0], 131, 131, {
      ended_at: null,
      end_reason: null,
      coverage: 0.947,
      gaps: [
        { start_s: 65.2, end_s: 66.9, reason: 'disconnected' },
        { start_s: 119.1, end_s: 124.3, reason: 'stalled' },
      ],
    }),
    recording(2, sources[0], 90_000, 11_212, { coverage: 0.9993, gaps: [{ start_s: 5210, end_s: 5217.8, reason: 'crashed' }] }),
    recording(1, sources[1], 180_000, 5_400, {}),
  ];

  const clips = [];
  const details = new Map();
  let number = 0;
  const cut = (rec, said, products, startedMs, language) => {
    for (const stretch of stretches(said)) {
      number += 1;
      const [first, last] = [stretch[0], stretch.at(-1)];
      const latency = 6.4 + ((number * 37) % 23) + (number % 13 === 0 ? 50 : 0);
      const ended = startedMs + last.end * 1000;
      const stage = ['captioned', 'captioned', 'exact', 'draft'][Math.min(3, (number * 5) % 7)] ?? 'captioned';
      const post = [
        { state: 'live', target: 'folder', due_at: iso(ended + 60_000), published_at: iso(ended + 61_000), reference: `2026-11-21/${number}.mp4`, last_error: null },
        { state: 'planned', target: 'folder', due_at: iso(ended + 120_000) },
        null,
        { state: 'live', target: 'folder', due_at: iso(ended + 60_000), published_at: iso(ended + 61_000), reference: `2026-11-21/${number}.mp4`, last_error: null },
        number % 3 ? null : { state: 'failed', target: 'folder', due_at: iso(ended), last_error: 'the folder /srv/out is not writable; give its owner write access' },
      ][number % 5];
      const product = products.find((p) => p.name.toLowerCase() === first.product?.toLowerCase());
      const quote = stretch.map((l) => l.text).join(language === 'zh' ? '' : ' ');
      const title = number % 8 === 0 ? quote : first.text;
      const card = {
        id: id(3, number),
        selling_point_id: id(4, number),
        recording_id: rec.id,
        source_name: rec.source_name,
        title,
        label: first.label,
        label_name: NAMES[first.label],
        product_name: product?.name ?? null,
        product_sku: product?.sku ?? null,
        confidence: 0.71 + (number % 9) / 40,
        start_s: first.start,
        end_s: last.end,
        duration_s: last.end - first.start,
        talk_ended_at: iso(ended),
        reviewable_at: iso(ended + latency * 1000),
        latency_s: latency,
        thumbnail_url: `/media/thumb-${(number % THUMBS) + 1}.jpg`,
        video_url: `/media/${stage}.mp4`,
        stage,
        remix_url: stage === 'captioned' ? '/media/captioned.mp4' : null,
        post: stage === 'captioned' ? post : null,
      };
      const near = said.filter((l) => l.id >= first.id - 3 && l.id <= last.id + 3);
      details.set(card.id, {
        ...card,
        why:
          language === 'zh'
            ? [`主播连续 ${stretch.length} 句在说“${NAMES[first.label].zh}”`, '前后都停顿在整句上，没有半句话', product ? `说到了“${product.name}”` : '没有说到具体商品']
            : [`${stretch.length} sentences in a row are about “${NAMES[first.label].en}”`, 'it begins and ends on a whole sentence', product ? `“${product.name}” is named` : 'no product is named'],
        evidence: {
          quote,
          top: [
            { label: first.label, p: card.confidence },
            { label: first.label === 'function' ? 'demo' : 'function', p: 0.14 },
            { label: 'chat', p: 0.03 },
          ],
          rule_hits: first.label === 'promo' ? ['价格：八十九块九', '比价：日常价 138'] : first.label === 'order' ? ['链接号：五'] : [],
          product_why: product ? (language === 'zh' ? `在 0:14 说到“${product.name}”` : `said “${product.name}” at 0:14`) : null,
        },
        transcript: near.map((l) => ({ seq: l.id, start_s: l.start, end_s: l.end, text: l.text, inside: l.id >= first.id && l.id <= last.id, words: words(l) })),
        draft_url: '/media/draft.mp4',
        exact_url: stage === 'draft' ? null : '/media/exact.mp4',
        captioned_url: stage === 'captioned' ? '/media/captioned.mp4' : null,
        made_by: 'qwen2.5-coder-0.5b layer 18 + head 3',
        history: [
          { at: iso(ended + latency * 1000), actor: 'clipper.cut_draft', action: 'clip made', detail: 'draft, 2 parts' },
          { at: iso(ended + latency * 1000 + 9_000), actor: 'clipper.cut_exact', action: 'exact cut made', detail: null },
        ],
      });
      clips.unshift(card);
    }
  };
  const zh = lines('zh_live.jsonl');
  const en = lines('en_live.jsonl');
  const zhProducts = lines('zh_live.products.jsonl');
  const enProducts = lines('en_live.products.jsonl');
  for (const [days, live] of [[6, zh], [5, en], [4, zh]]) cut({ ...recordings[2], source_name: sources[live === zh ? 0 : 1].name }, live, live === zh ? zhProducts : enProducts, now - days * 86_400_000, live === zh ? 'zh' : 'en');
  cut(recordings[2], en, enProducts, now - 180_000_000, 'en');
  cut(recordings[1], zh, zhProducts, now - 90_000_000, 'zh');
  cut(recordings[0], zh, zhProducts, now - 131_000, 'zh');

  const health = {
    status: 'degraded',
    version: '0.1.0',
    processes: [
      { role: 'run', pid: 4100, alive: true, last_beat: iso(now - 2_000), detail: { children: 3, restarts: 1 } },
      { role: 'record', pid: 4101, alive: true, last_beat: iso(now - 1_000), detail: { recordings: 1, stalled: false } },
      { role: 'work', pid: 4102, alive: false, last_beat: iso(now - 75_000), detail: { running: ['clipper.cut_exact'], queues: { cpu: 2 } } },
      { role: 'work', pid: 4112, alive: true, last_beat: iso(now - 1_000), detail: { ready: true, transcribing: {} } },
      { role: 'serve', pid: 4103, alive: true, last_beat: iso(now), detail: null },
    ],
    disk_free_bytes: 38_654_705_664,
    transcribing: [
      { recording_id: recordings[0].id, source_name: recordings[0].source_name, behind_seconds: 1.4, rung: 'full' },
      { recording_id: recordings[1].id, source_name: recordings[1].source_name, behind_seconds: 34.2, rung: 'bulk' },
    ],
    problems: ['process work (pid 4102) has not reported for 75 s: it is being restarted', 'source “Denim Friday with Holly”: connection refused; trying again in 30 s'],
  };
  return { sources, recordings, clips, details, health };
}

/** The counts that the feed's head shows. */
export function stats(clips) {
  const latencies = clips.map((c) => c.latency_s).sort((a, b) => a - b);
  const by_label = {};
  for (const clip of clips) by_label[clip.label] = (by_label[clip.label] ?? 0) + 1;
  return {
    clips: clips.length,
    published: clips.filter((c) => c.post?.state === 'live').length,
    median_latency_s: latencies.length ? latencies[Math.floor(latencies.length / 2)] : null,
    by_label,
  };
}
