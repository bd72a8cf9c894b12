// Measures how soon a live can be watched: from the start of the encoder to the first second played in the browser.
// `node test/first-second.mjs` starts a service of its own (CLIPMILL_BIN, default the development build) in a folder
// of its own, pushes a test picture to it with ffmpeg, and watches as a person would: on the sources page, by the link
// that appears. GOP is the key-frame distance in seconds (default 2), RUNS how often (default 3), ROLES which
// processes ("run" for all of them, default "record,serve"). DETAIL=1 lists requests, DROP=1 cuts the connection once,
// SHOT=file.png takes a picture, WATCH_S is how long to watch.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser, openPage } from './browser.mjs';

const gop = Number(process.env.GOP ?? 2);
const runs = Number(process.env.RUNS ?? 3);
const roles = (process.env.ROLES ?? 'record,serve').split(',');
const program = process.env.CLIPMILL_BIN ?? fileURLToPath(new URL('../../../target/debug/clipmill', import.meta.url));
const models = process.env.CLIPMILL_MODELS ?? fileURLToPath(new URL('../../../target/models', import.meta.url));

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(what, seconds, ask) {
  const due = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > due) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(50);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'clipmill-first-'));
const [web, rtmp] = [await freePort(), await freePort()];
const base = `http://127.0.0.1:${web}`;
const env = { ...process.env, CLIPMILL__DATA_DIR: folder, CLIPMILL__SERVE__BIND: `127.0.0.1:${web}`, CLIPMILL__RECORD__RTMP_BIND: `127.0.0.1:${rtmp}`, CLIPMILL__MODELS__DIR: models, CLIPMILL__TELEMETRY__LOG: 'warn', NO_COLOR: '1' };
const children = roles.map((role) => spawn(program, [role], { env, stdio: ['ignore', 'inherit', 'inherit'] }));
const browser = await openBrowser();

try {
  await until('the service answers', 60, () => fetch(`${base}/api/health`).then((r) => r.ok, () => false));
  const created = await fetch(`${base}/api/sources`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'measure', kind: 'push', language: 'zh' }) }).then((r) => r.json());
  const { page, context, faults } = await openPage(browser);
  const figures = [];
  for (let run = 0; run < runs; run += 1) {
    await page.goto(`${base}/sources`);
    await page.getByText('实时更新').waitFor();
    const before = await page.locator('a[href^="/recordings/"]').count();
    const t0 = performance.now();
    const push = () => spawn('ffmpeg', [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=s=540x960:r=25', '-f', 'lavfi', '-i', 'sine=r=44100'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', String(25 * gop), '-pix_fmt', 'yuv420p', '-b:v', '1500k'],
      ...['-c:a', 'aac', '-b:a', '96k', '-f', 'flv', `rtmp://127.0.0.1:${rtmp}/live/${created.stream_key}`],
    ], { stdio: 'ignore' });
    let encoder = push();
    const since = () => (performance.now() - t0) / 1000;
    try {
      const source = () => fetch(`${base}/api/sources`).then((r) => r.json()).then((all) => all[0].live_recording_id);
      const listed = until('the recording is listed', 60, source).then(since);
      const link = page.locator('a[href^="/recordings/"]').filter({ hasText: '观看' });
      await page.waitForFunction((n) => document.querySelectorAll('a[href^="/recordings/"]').length > n, before, { timeout: 60_000 });
      await link.first().click();
      const linked = since();
      await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 2, null, { timeout: 60_000, polling: 50 });
      const ready = since();
      if (process.env.DETAIL) console.log(await page.evaluate(() => performance.getEntriesByType('resource').filter((e) => /recordings|assets/.test(e.name)).map((e) => `${e.name.split('/').slice(-2).join('/')} ${Math.round(e.startTime)}+${Math.round(e.duration)}`).join('\n') + '\nnow ' + Math.round(performance.now())));
      await page.waitForFunction(() => document.querySelector('video').currentTime > 0, null, { timeout: 60_000, polling: 50 });
      const playing = since();
      await page.waitForFunction(() => document.querySelector('video').currentTime >= 1, null, { timeout: 60_000, polling: 50 });
      const second = since();
      // How far behind the encoder a live plays once it runs, and how often it had to wait.
      await page.evaluate(() => {
        window.waits = 0;
        document.querySelector('video').addEventListener('waiting', () => (window.waits += 1));
      });
      await sleep(Number(process.env.WATCH_S ?? 15) * 1000);
      const behind = since() - (await page.locator('video').evaluate((v) => v.currentTime));
      const waits = await page.evaluate(() => window.waits);
      if (process.env.DETAIL) {
        console.log(await page.evaluate(() => performance.getEntriesByType('resource').filter((e) => e.name.includes('m3u8')).map((e) => `${e.name.split('/').at(-1)} ${e.transferSize} bytes`).slice(-4).join('\n')));
        console.log(`media time ${await page.locator('[data-media-time]').textContent()}, faults ${JSON.stringify(faults)}`);
      }
      if (process.env.DROP) {
        // The connection drops and comes back: another epoch, which the player must go over to by itself.
        encoder.kill('SIGKILL');
        await sleep(4_000);
        encoder = push();
        const back = performance.now();
        const before = await page.locator('video').evaluate((v) => v.buffered.end(v.buffered.length - 1));
        await page.waitForFunction((t) => document.querySelector('video').currentTime > t + 3, before, { timeout: 60_000, polling: 50 });
        console.log(`after a drop of 4 s: played on ${((performance.now() - back) / 1000).toFixed(1)} s after the encoder came back, at ${await page.locator('[data-media-time]').textContent()}, ${(since()).toFixed(1)} s after the start; gaps drawn: ${await page.locator('[data-gap]').count()}`);
      }
      if (process.env.SHOT) {
        const box = await page.getByRole('group', { name: '播放位置' }).boundingBox();
        await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2);
        await page.waitForTimeout(500);
        await page.screenshot({ path: process.env.SHOT });
      }
      figures.push({ listed: await listed, linked, ready, playing, second, behind, waits });
      console.log(`run ${run + 1}: row ${figures.at(-1).listed.toFixed(2)} s, link clicked ${linked.toFixed(2)}, first picture ${ready.toFixed(2)}, playing ${playing.toFixed(2)}, one second played ${second.toFixed(2)}; then ${behind.toFixed(1)} s behind the encoder, ${waits} waits`);
    } finally {
      encoder.kill('SIGKILL');
    }
    // The next push shall be a recording of its own.
    await fetch(`${base}/api/sources/${created.id}/enabled`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"enabled":false}' });
    await until('the recording ends', 60, () => fetch(`${base}/api/sources`).then((r) => r.json()).then((all) => !all[0].live_recording_id));
    await fetch(`${base}/api/sources/${created.id}/enabled`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"enabled":true}' });
    await sleep(500);
  }
  const median = (key) => figures.map((f) => f[key]).sort((a, b) => a - b)[Math.floor(figures.length / 2)].toFixed(2);
  console.log(`GOP ${gop} s, ${runs} runs, median: row ${median('listed')} s, first picture ${median('ready')} s, one second played ${median('second')} s after the encoder's start`);
  await context.close();
} finally {
  await browser.close();
  for (const child of children) child.kill('SIGTERM');
  await Promise.race([Promise.all(children.map((c) => c.exitCode !== null || new Promise((r) => c.once('exit', r)))), sleep(8_000)]);
  rmSync(folder, { recursive: true, force: true });
}
