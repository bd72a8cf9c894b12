// The recorder's pages against the real service: a live that ffmpeg pushes, with a gap made on purpose.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';

const FILM = [
  ...['-hide_banner', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=270x480:rate=25', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-b:v', '300k', '-c:a', 'aac', '-t', '120', '-f', 'flv'],
];
const NAME = '浏览器测试的直播间';

/** A push source of its own, which an encoder pushes to at once. */
export async function startLive(base) {
  const say = async (path, body) => {
    const answer = await fetch(`${base}${path}`, body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
  };
  const source = await say('/api/sources', { name: NAME, kind: 'push', language: 'zh', category: 'apparel' });
  let encoder = null;
  const stop = async () => {
    if (!encoder || encoder.exitCode !== null || encoder.signalCode !== null) return;
    const over = new Promise((resolve) => encoder.once('exit', resolve));
    encoder.kill('SIGKILL');
    await over;
  };
  const push = () => {
    encoder = spawn('ffmpeg', [...FILM, `${source.push_url}/${source.stream_key}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  push();
  /** The recording, as soon as `ready` of it holds. */
  const recording = async (ready, what) => {
    const due = Date.now() + 40_000;
    for (;;) {
      const found = (await say('/api/recordings')).find((r) => r.source_id === source.id);
      if (found && ready(found)) return found;
      assert.ok(Date.now() < due, `${what}: ${JSON.stringify(found)}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  return { source, push, stop, recording };
}

const seconds = (page) => page.locator('[data-media-time]').evaluate((e) => e.textContent.trim().split(':').reduce((sum, n) => sum * 60 + Number(n), 0));

/** What only a running recorder can show. */
export async function realSteps({ step, clean, page, base, live }) {
  const { id } = await live.recording((r) => r.parts > 0, 'the push is recorded');

  await step('the live plays in the browser while it is recorded', async () => {
    await page.goto(`${base}/sources`);
    const card = page.locator('article', { hasText: NAME });
    await card.getByText('正在录制').waitFor();
    assert.equal((await page.content()).includes(live.source.stream_key), false);
    await card.locator(`a[href="/recordings/${id}"]`).click();
    await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.5);
    const [at, moment] = [await page.locator('video').evaluate((v) => v.currentTime), await seconds(page)];
    await page.waitForFunction((before) => document.querySelector('video').currentTime > before + 2, at);
    assert.ok((await seconds(page)) > moment, 'media time goes on, too');
    assert.equal(await page.locator('video').evaluate((v) => v.videoWidth), 270);
    await clean(page, 'the player');
  });

  await step('a dropped connection is shown as a gap', async () => {
    await live.stop();
    await page.waitForTimeout(1_500);
    live.push();
    await live.recording((r) => r.gaps.length > 0, 'the gap is known');
    await page.getByRole('button', { name: /的缺口之前播放/ }).waitFor();
    await page.locator('[data-gap]').first().waitFor();
    await page.getByText('断线').first().waitFor();
  });

  await step('pointing at the bar shows the moment’s picture', async () => {
    const box = await page.getByRole('group', { name: '播放位置' }).boundingBox();
    await page.mouse.move(box.x + box.width * 0.1, box.y + box.height / 2);
    const picture = page.locator('[data-preview] img');
    await picture.waitFor({ timeout: 40_000 });
    assert.equal(await picture.evaluate(async (img) => (await img.decode(), img.naturalWidth > 0)), true);
    await page.mouse.move(0, 0);
  });

  await step('a recording is held, and released', async () => {
    await page.getByLabel('为什么要保留').fill('买家投诉，取证');
    await page.getByRole('button', { name: '保留这场录像' }).click();
    await page.getByText('买家投诉，取证').waitFor();
    await page.goto(`${base}/retention`);
    await page.getByText('已保留').first().waitFor();
    await clean(page, 'the retention plan');
    await page.goto(`${base}/recordings/${id}`);
    await page.getByRole('button', { name: '解除保留' }).click();
    await page.getByLabel('为什么要保留').waitFor();
  });

  await step('the settings of a source are saved and read back', async () => {
    await page.goto(`${base}/sources`);
    const open = () => page.getByRole('button', { name: `设置 ${NAME}` }).click();
    await open();
    await page.getByRole('textbox', { name: '品牌' }).fill('小棠');
    await page.getByLabel('保留几天').fill('14');
    await page.getByLabel('优先级').fill('-7');
    await page.getByRole('dialog').getByText('按时段', { exact: true }).click();
    await page.getByLabel('时区').fill('Asia/Shanghai');
    await page.getByRole('checkbox', { name: '星期六' }).press('Space');
    await page.getByRole('dialog').getByText('按语言', { exact: true }).click();
    await page.getByRole('textbox', { name: '按语言' }).fill('zho');
    await clean(page, 'the settings');
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { settings } = (await (await page.request.get(`${base}/api/sources`)).json()).find((s) => s.id === live.source.id);
    const { brand, mode, zone, windows, priority, audio, keep_days } = settings;
    assert.deepEqual({ brand, mode, zone, windows, priority, audio, keep_days }, { brand: '小棠', mode: 'scheduled', zone: 'Asia/Shanghai', windows: [{ days: ['sat'], from: '19:00', to: '23:00' }], priority: -7, audio: 'zho', keep_days: 14 });
    await page.reload();
    await page.getByText('保留 14 天').waitFor();
    await open();
    assert.deepEqual(await Promise.all(['品牌', '保留几天', '优先级'].map((name) => page.getByRole('dialog').getByLabel(name).and(page.locator('input:not([type=radio])')).inputValue())), ['小棠', '14', '-7']);
    await page.keyboard.press('Escape');
    await live.stop();
  });
}
