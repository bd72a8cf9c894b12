// The mock's transcript revisions: one that is asked for waits, is heard, and is shown when it is complete.

const WAIT_MS = 2_000;
const HEAR_MS = 12_000;
const MODEL = 'whisper-large-v3-turbo';
const MADE_BY = `${MODEL} q5_0 beam 5 + silero-vad 6.2 + qwen2.5-0.5b q8_0`;
const iso = (ms) => new Date(ms).toISOString();

/** `scripts` holds the sentences of each recording, by revision; `make` writes those of a new one. `world.heardShare` holds a revision at that share. */
export function revisions({ world, json, fault, read, scripts, make }) {
  const [, , pulled] = world.recordings;
  const asked = new Map(world.recordings.map((rec) => [rec.id, []]));
  const chosen = new Map();
  asked.get(pulled.id).push({
    number: 1, model: 'whisper-base', asked_by: 'console', asked_ms: Date.now() - 9e6, finished_ms: Date.now() - 8.9e6,
    failed: 'the speech model whisper-base is damaged: its SHA-256 is not the one of the list; run "clipmill models fetch whisper-base" and ask again',
  });

  const shownOf = (rec) => chosen.get(rec.id) ?? 0;
  const shareOf = (one) => world.heardShare ?? (Date.now() - one.asked_ms - WAIT_MS) / HEAR_MS;

  /** What is complete by now is shown, with the corrections of the one shown before. */
  function settle(rec) {
    for (const one of asked.get(rec.id)) {
      if (one.finished_ms || shareOf(one) < 1) continue;
      const edited = new Map(scripts.get(rec.id)[shownOf(rec)].filter((u) => u.edited_at).map((u) => [u.seq, u]));
      scripts.get(rec.id)[one.number] = make(rec, one.number, MADE_BY).map((u) => (edited.has(u.seq) ? { ...edited.get(u.seq), id: u.id, made_by: MADE_BY } : u));
      one.finished_ms = Date.now();
      chosen.set(rec.id, one.number);
    }
  }

  function told(rec) {
    settle(rec);
    const own = { number: 0, asked_by: null, asked_at: null, model: null, finished_at: null, failed: null, percent: null, state: rec.ended_at ? 'ready' : 'running' };
    const views = asked.get(rec.id).map((one) => {
      const share = shareOf(one);
      const state = one.failed ? 'failed' : one.finished_ms ? 'ready' : share <= 0 ? 'asked' : 'running';
      return { number: one.number, asked_by: one.asked_by, asked_at: iso(one.asked_ms), model: one.model, finished_at: one.finished_ms ? iso(one.finished_ms) : null, failed: one.failed ?? null, percent: state === 'running' ? Math.floor(share * 100) : null, state };
    });
    return [own, ...views].map((view) => {
      const lines = scripts.get(rec.id)[view.number] ?? [];
      return { ...view, made_by: lines[0]?.made_by ?? null, shown: view.number === shownOf(rec), utterances: lines.length, edited: lines.filter((u) => u.edited_at).length };
    });
  }

  async function answer(request, response, pathname) {
    const path = /^\/api\/recordings\/([^/]+)\/transcript\/revisions(?:\/(\d+)\/use)?$/.exec(pathname);
    const rec = path && world.recordings.find((r) => r.id === path[1]);
    if (!rec) return false;
    const all = told(rec);
    if (path[2] !== undefined) {
      const one = all.find((r) => r.number === Number(path[2]));
      if (!one) return fault(response, 404, 'not_found', `there is no transcript revision ${path[2]}`);
      if (one.state !== 'ready') return fault(response, 409, 'refused', `revision ${one.number} ${one.state === 'failed' ? 'failed' : 'is still being made'}: only a complete one can be used`);
      chosen.set(rec.id, one.number);
      return json(response, 200, told(rec)[one.number]);
    }
    if (request.method !== 'POST') return json(response, 200, all);
    const { model = null } = await read(request);
    if (model !== null && !['whisper-base', MODEL].includes(model)) return fault(response, 422, 'invalid', `there is no model ${model}: "clipmill models list" names them`);
    if (!rec.ended_at) return fault(response, 409, 'refused', `recording ${rec.id} is live: its transcript can be made anew once it has ended`);
    const open = all.find((r) => r.state === 'asked' || r.state === 'running');
    if (open) return fault(response, 409, 'refused', `revision ${open.number} of this transcript, by ${open.model}, is being made: ask again when it is done`);
    asked.get(rec.id).push({ number: all.length, model: model ?? MODEL, asked_by: 'console', asked_ms: Date.now() });
    return json(response, 202, told(rec).at(-1));
  }
  return { shownOf, settle, answer };
}
