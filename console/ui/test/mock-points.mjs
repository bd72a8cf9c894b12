// The mock's selling points: one for each clip, with what people say about it.

const iso = (ms) => new Date(ms).toISOString();

/** `clip.selling_point_id` names the selling point of a clip. */
export function points({ world, json, fault, read }) {
  const all = new Map();

  function make(clip) {
    const inside = clip.transcript.filter((l) => l.inside);
    const answer = {
      label: clip.label,
      label_name: clip.label_name,
      also: clip.label === 'promo' ? [{ label: 'urgency', p: 0.31 }] : [],
      fine: [],
      product_sku: clip.product_sku,
      product_name: clip.product_name,
      start_s: clip.start_s,
      end_s: clip.end_s,
      evidence: clip.evidence,
      warnings: clip.label === 'promo' ? [{ kind: 'price_differs', said: 89.9, listed: 99 }] : clip.product_sku ? [] : [{ kind: 'product_unsure' }],
    };
    const marks = (text) => [...(text.match(/[零一二两三四五六七八九十百]+块[零一二两三四五六七八九]?|\$\d+(?:\.\d+)?/gu) ?? []), ...(clip.product_name && text.includes(clip.product_name) ? [clip.product_name] : [])];
    return {
      id: clip.selling_point_id, recording_id: clip.recording_id, labelling: 0, verdict: 'open', version: 0, ...answer, confidence: clip.confidence, made_by: clip.made_by, machine: null, words: [],
      sentences: clip.transcript.map(({ seq, start_s, end_s, text }) => ({ seq, start_s, end_s, text, inside: inside.some((l) => l.seq === seq), marks: marks(text) })),
      products: clip.product_sku ? [{ sku: clip.product_sku, name: clip.product_name }, { sku: 'OTHER-1', name: '备用商品' }] : [{ sku: 'OTHER-1', name: '备用商品' }],
      clip_id: clip.id, clip_shows_old_bounds: false,
    };
  }

  const answerOf = ({ label, label_name, also, fine, product_sku, product_name, start_s, end_s, evidence, warnings }) => ({ label, label_name, also, fine, product_sku, product_name, start_s, end_s, evidence, warnings });

  return async function answer(request, response, pathname) {
    const path = /^\/api\/points\/([^/]+)$/.exec(pathname);
    if (!path) return false;
    const clip = [...world.details.values()].find((c) => c.selling_point_id === path[1]);
    if (!clip) return fault(response, 404, 'not_found', `there is no selling point ${path[1]}`);
    if (!all.has(clip.id)) all.set(clip.id, make(clip));
    const point = all.get(clip.id);
    if (request.method !== 'POST') return json(response, 200, point);
    const said = await read(request);
    world.changes.push(said);
    if (said.version !== point.version) return fault(response, 409, 'refused', `somebody has changed selling point ${point.id} meanwhile: version ${point.version} is shown now; look at it again`, 'load the selling point again, and say it there');
    const was = answerOf(point);
    point.machine ??= was;
    if (said.action === 'restore') Object.assign(point, point.machine);
    if (said.action === 'correct') {
      if (said.label) Object.assign(point, { label: said.label, label_name: undefined });
      if (said.also) point.also = said.also.map((label) => ({ label, p: 1 }));
      if (said.product) Object.assign(point, { product_sku: said.product.sku, product_name: point.products.find((p) => p.sku === said.product.sku)?.name ?? null });
      const inside = point.sentences.filter((s) => s.inside);
      const [first, last] = [said.first ?? inside[0].seq, said.last ?? inside.at(-1).seq];
      for (const s of point.sentences) s.inside = first <= s.seq && s.seq <= last;
      const now = point.sentences.filter((s) => s.inside);
      point.clip_shows_old_bounds ||= now[0].start_s !== point.start_s || now.at(-1).end_s !== point.end_s;
      Object.assign(point, { start_s: now[0].start_s, end_s: now.at(-1).end_s });
    }
    point.verdict = { approve: 'approved', reject: 'rejected', restore: 'open', correct: 'corrected' }[said.action];
    point.version += 1;
    point.words.push({ version: point.version, verdict: point.verdict, was, became: answerOf(point), carried: false, note: said.note ?? null, by: 'operator', at: iso(Date.now()) });
    return json(response, 200, point);
  };
}
