// Pictures of every page, for a person to look at: `node test/shots.mjs FOLDER` (the service at CLIPMILL_URL, or the mock).
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser, openPage } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const folder = process.argv[2] ?? 'shots';
mkdirSync(folder, { recursive: true });
const mock = process.env.CLIPMILL_URL ? null : await startMock();
const base = process.env.CLIPMILL_URL ?? mock.url;
const browser = await openBrowser();

for (const [language, scheme, width, height] of [
  ['zh-CN', 'light', 1440, 900],
  ['en', 'dark', 1440, 900],
  ['zh-CN', 'dark', 390, 844],
  ['en', 'light', 390, 844],
]) {
  const { page, context } = await openPage(browser, { language, scheme, width, height });
  const shoot = async (name, fullPage = false) => {
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(folder, `${name}-${width}-${language}-${scheme}.png`), fullPage });
  };
  const { clips } = await (await page.request.get(`${base}/api/clips?limit=3`)).json();
  await page.goto(base);
  if (clips.length > 0) {
    await page.locator('[data-clip] img').first().waitFor();
    mock?.bear();
    await shoot('feed');
    await page.locator('[data-clip]').nth(language === 'en' ? 0 : clips.length - 1).getByRole('link').click();
    await page.waitForFunction(() => document.querySelector('video')?.readyState >= 2);
    await page.locator('video').evaluate((v) => (v.currentTime = 1.5));
    await shoot('clip', width < 500);
    await page.keyboard.press('e');
    await page.locator('form select').first().waitFor();
    await shoot('point', true);
  }
  const recordings = await (await page.request.get(`${base}/api/recordings`)).json();
  await page.goto(`${base}/recordings`);
  await page.locator('main ol').first().waitFor();
  await shoot('recordings', true);
  if (recordings[0]) {
    await page.goto(`${base}/recordings/${recordings[0].id}`);
    await page.waitForFunction(() => document.querySelector('video')?.readyState >= 2);
    await page.waitForTimeout(500);
    const box = await page.getByRole('group', { name: /播放位置|Position/ }).boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
    await shoot('player', true);
    await page.mouse.move(0, 0);
    // The longest has the most said in it; its third sentence is corrected, as far as the box to type in.
    const { id } = recordings.reduce((a, b) => (b.duration_s > a.duration_s ? b : a));
    await page.goto(`${base}/recordings/${id}?t=13`);
    const line = page.locator('[data-line]').nth(2);
    await line.waitFor({ timeout: 10_000 }).catch(() => undefined);
    if ((await line.count()) > 0) {
      await shoot('transcript', true);
      await line.locator('[data-play]').focus();
      await page.keyboard.press('e');
      await page.locator('[data-transcript] textarea').waitFor();
      await shoot('correct');
    }
  }
  await page.goto(`${base}/retention`);
  await page.locator('section').nth(1).waitFor();
  await shoot('retention', true);
  await page.goto(`${base}/sources`);
  await page.locator('article').first().waitFor();
  await shoot('sources', true);
  const settings = page.getByRole('button', { name: /^(设置 |Settings of )/ });
  for (let n = 0; n < Math.min(4, await settings.count()); n += 1) {
    await settings.nth(n).click();
    await page.getByRole('dialog').waitFor();
    await page.setViewportSize({ width, height: 2400 });
    await shoot(`settings-${n}`);
    await page.setViewportSize({ width, height });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await page.goto(`${base}/sources?add`);
  await page.getByRole('dialog').waitFor();
  await shoot('add');
  await page.goto(`${base}/health`);
  await page.locator('section').first().waitFor();
  await shoot('health');
  if (mock) {
    mock.empty(true, { sources: [mock.world.sources[0]] });
    await page.goto(base);
    await page.getByRole('heading', { level: 2 }).waitFor();
    await shoot('empty');
    mock.empty(false);
  }
  await context.close();
}
await browser.close();
await mock?.close();
