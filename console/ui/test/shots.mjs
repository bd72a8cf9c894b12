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
  await page.goto(base);
  await page.locator('[data-clip] img').first().waitFor();
  mock?.bear();
  await shoot('feed');
  await page.locator('[data-clip]').nth(language === 'en' ? 0 : 2).getByRole('link').click();
  await page.waitForFunction(() => document.querySelector('video')?.readyState >= 2);
  await page.locator('video').evaluate((v) => (v.currentTime = 1.5));
  await shoot('clip', width < 500);
  await page.goto(`${base}/sources`);
  await page.locator('article').first().waitFor();
  await shoot('sources', true);
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
