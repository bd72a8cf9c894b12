// The console in a real browser: against the service at CLIPMILL_URL, or against the mock where that is not set.
// With a service: CLIPMILL_WAIT_S is how long to wait for the first clip (default 120), CLIPMILL_EXPECT_NEW=1 also
// waits that long for one more to slide in without a reload.
import assert from 'node:assert/strict';
import { axe, openBrowser, openPage, overflow } from './browser.mjs';
import { realSteps, startLive } from './e2e-real.mjs';
import { pointSteps } from './e2e-point.mjs';
import { recorderSteps } from './e2e-recorder.mjs';
import { realTranscriptSteps, transcriptSteps } from './e2e-transcript.mjs';
import { startMock } from './mock-server.mjs';

const real = process.env.CLIPMILL_URL;
const waitMs = Number(process.env.CLIPMILL_WAIT_S ?? 120) * 1000;
const mock = real ? null : await startMock();
const base = (real ?? mock.url).replace(/\/$/, '');
const browser = await openBrowser();
// The live of the recorder's steps plays while the steps before them run.
const live = mock ? null : await startLive(base);
let passed = 0;

async function step(name, body) {
  const began = performance.now();
  try {
    await body();
  } catch (error) {
    console.error(`not ok  ${name}`);
    throw error;
  }
  passed += 1;
  console.log(`ok  ${name} (${Math.round(performance.now() - began)} ms)`);
}

const clean = async (page, where) => {
  assert.deepEqual(await axe(page), [], `axe on ${where}`);
  assert.deepEqual(await overflow(page), [], `overflow on ${where}`);
};
const cards = (page) => page.locator('[data-clip]');
const firstId = (page) => cards(page).first().getAttribute('data-clip');
const clipInAddress = (page) => new URL(page.url()).pathname.split('/').at(-1);

try {
  // the faults made on purpose: the mock drops its event stream, and refuses corrections and revisions
  const { page, faults, context } = await openPage(browser, { excuse: (line) => Boolean(mock) && (line.includes('/api/events') || (/4(09|22)/.test(line) && /\/(correct|revisions|points)\b/.test(line))) });

  await step('the feed shows cards, newest first', async () => {
    await page.goto(base);
    await cards(page).first().waitFor({ timeout: real ? waitMs : 20_000 });
    const listed = await (await page.request.get(`${base}/api/clips?limit=50`)).json();
    const shown = await cards(page).evaluateAll((all) => all.map((c) => c.dataset.clip));
    if (!real) assert.deepEqual(shown.slice(0, listed.clips.length), listed.clips.map((c) => c.id));
    assert.equal(await page.locator('[data-clip] img').first().evaluate(async (img) => (await img.decode(), img.naturalWidth > 0)), true, 'the picture is one');
    await clean(page, 'the feed');
  });

  if (mock || process.env.CLIPMILL_EXPECT_NEW) {
    await step('a new clip slides in without a reload', async () => {
      const before = await firstId(page);
      await page.evaluate(() => (window.sameDocument = true));
      const born = mock?.bear();
      await page.waitForFunction((old) => document.querySelector('[data-clip]')?.dataset.clip !== old, before, { timeout: mock ? 20_000 : waitMs });
      if (born) assert.equal(await firstId(page), born.id);
      assert.equal(await page.evaluate(() => window.sameDocument), true);
      await cards(page).first().getByText('新', { exact: true }).waitFor();
    });
  }

  if (mock) {
    await step('older pages come by scrolling, each clip once', async () => {
      const all = mock.world.clips.length;
      assert.ok(all > 50, `the mock needs more than a page, has ${all}`);
      await page.waitForFunction((count) => (window.scrollTo(0, document.body.scrollHeight), document.querySelectorAll('[data-clip]').length === count), all);
      const ids = await cards(page).evaluateAll((list) => list.map((c) => c.dataset.clip));
      assert.equal(new Set(ids).size, all);
      await page.evaluate(() => window.scrollTo(0, 0));
    });

    await step('after a dropped event stream the page catches up by itself', async () => {
      mock.drop();
      await page.getByText('正在重新连接…').waitFor();
      const born = mock.bear();
      await page.getByText('实时更新').waitFor();
      await page.waitForFunction((id) => document.querySelector('[data-clip]')?.dataset.clip === id, born.id);
    });
  }

  await step('a clip opens and its video plays', async () => {
    await cards(page).first().getByRole('link').click();
    await page.waitForURL(/\/clips\//);
    const video = page.locator('video');
    await video.waitFor();
    await page.waitForFunction(() => document.querySelector('video').readyState >= 2);
    await clean(page, 'the clip page');
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector('video').currentTime > 0.4);
    assert.equal(await video.evaluate((v) => v.readyState >= 3 && !v.paused && v.videoWidth > 0), true);
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector('video').paused);
  });

  await step('the transcript marks the clip’s sentences, and one plays from its beginning', async () => {
    const id = clipInAddress(page);
    const clip = await (await page.request.get(`${base}/api/clips/${id}`)).json();
    const inside = clip.transcript.filter((l) => l.inside);
    const buttons = page.locator('main ol button');
    assert.equal(await buttons.count(), inside.length);
    await page.locator('video').evaluate((v) => v.addEventListener('seeking', () => (window.soughtTo = v.currentTime), { once: true }));
    await buttons.last().click();
    const want = inside.at(-1).start_s - clip.start_s;
    const at = await (await page.waitForFunction(() => window.soughtTo !== undefined && { at: window.soughtTo })).jsonValue().then((sought) => sought.at);
    const end = await page.locator('video').evaluate((v) => v.duration);
    assert.ok(Math.abs(at - Math.min(want, end)) < 0.4, `wanted ${want} s of ${end} s, went to ${at} s`);
    await page.locator('main ol button[aria-current=true]').waitFor();
  });

  const count = real ? await (await page.request.get(`${base}/api/clips?limit=3`)).json().then((l) => l.clips.length) : 50;
  if (count > 1) {
    await step('j and k step through the feed', async () => {
      const first = clipInAddress(page);
      await page.keyboard.press('j');
      await page.waitForFunction((id) => !location.pathname.endsWith(id), first);
      const second = clipInAddress(page);
      await page.waitForFunction(() => document.querySelector('video')?.readyState >= 2);
      await page.keyboard.press('k');
      await page.waitForFunction((id) => location.pathname.endsWith(id), first);
      assert.notEqual(first, second);
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      await clean(page, 'the help');
      await page.keyboard.press('j'); // a dialog is open: not for us
      assert.equal(clipInAddress(page), first);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    });
  }

  if (mock) {
    await step('another version keeps the place', async () => {
      const clip = mock.world.clips.find((c) => c.stage === 'captioned');
      await page.goto(`${base}/clips/${clip.id}`);
      await page.waitForFunction(() => document.querySelector('video')?.readyState >= 2);
      assert.match(await page.locator('video').getAttribute('src'), /captioned/);
      await page.locator('video').evaluate((v) => (v.currentTime = 3));
      await page.getByRole('radio', { name: '快切' }).click();
      await page.waitForFunction(() => document.querySelector('video').src.includes('draft') && document.querySelector('video').readyState >= 2 && Math.abs(document.querySelector('video').currentTime - 3) < 0.3);
    });
  }

  await step('the sources page draws the gap map', async () => {
    await page.getByRole('link', { name: '直播源' }).first().click();
    await page.getByRole('heading', { level: 1, name: '直播源' }).waitFor();
    await page.locator('article').first().waitFor();
    await page.waitForLoadState('networkidle').catch(() => undefined);
    const recordings = await (await page.request.get(`${base}/api/recordings`)).json();
    if (mock) {
      const bars = page.getByRole('img', { name: /录像/ });
      assert.equal(await bars.count(), recordings.length);
      assert.equal(await bars.first().locator('span[title]').count(), recordings[0].gaps.length);
    } else {
      assert.ok(recordings.length > 0);
      await page.getByRole('img', { name: /录像/ }).first().waitFor();
    }
    await clean(page, 'the sources page');
  });

  if (mock) {
    await step('a new push source shows its key, this once', async () => {
      await page.getByRole('button', { name: '添加直播源' }).click();
      await clean(page, 'the new source form');
      await page.getByRole('button', { name: '添加', exact: true }).click();
      await page.getByText('请填写这一项。').waitFor();
      await page.getByLabel('名称').fill('晚场');
      await page.getByLabel('商品表（可选）').fill('{"sku":"A"}');
      await page.getByText('第 1 个商品的 name 不对。').waitFor();
      await page.getByLabel('商品表（可选）').fill('{"sku":"A","name":"开衫","price":89.9}');
      await page.getByText('读到 1 个商品').waitFor();
      await page.getByRole('button', { name: '添加', exact: true }).click();
      const key = page.getByLabel('推流码', { exact: true });
      await key.waitFor();
      assert.equal(await key.inputValue(), mock.streamKey);
      await page.getByRole('button', { name: '复制推流码' }).click();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), mock.streamKey);
      await clean(page, 'the stream key');
      await page.getByRole('button', { name: '我已保存好' }).click();
      await page.getByRole('heading', { name: '晚场' }).waitFor();
      assert.equal((await page.content()).includes(mock.streamKey), false);
    });

    await step('a source is switched off and on', async () => {
      const toggle = page.getByRole('switch').first();
      await toggle.focus();
      await page.keyboard.press('Space');
      await page.waitForFunction(() => !document.querySelector('input[role=switch]').checked);
      // the page shows the change before the service has it
      const heard = performance.now() + 10_000;
      while (mock.world.sources[0].enabled && performance.now() < heard) await page.waitForTimeout(20);
      assert.equal(mock.world.sources[0].enabled, false);
      await page.keyboard.press('Space');
      await page.waitForFunction(() => document.querySelector('input[role=switch]').checked);
    });
  }

  if (mock) {
    await pointSteps({ step, clean, page, base, mock });
    await recorderSteps({ step, clean, page, base, mock });
    await transcriptSteps({ step, clean, page, base, mock });
  } else {
    const spoken = (await (await page.request.get(`${base}/api/recordings`)).json()).find((r) => r.source_id !== live.source.id);
    if (spoken) await realTranscriptSteps({ step, clean, page, base, id: spoken.id });
    await realSteps({ step, clean, page, base, live });
  }

  await step('the health page', async () => {
    await page.getByRole('link', { name: '运行状况' }).first().click();
    await page.getByRole('heading', { name: '进程' }).waitFor();
    await clean(page, 'the health page');
  });

  await step('the other language, remembered', async () => {
    await page.getByRole('button', { name: /English/ }).click();
    await page.getByRole('heading', { level: 1, name: 'Health' }).waitFor();
    await page.goto(base);
    await cards(page).first().waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
    await clean(page, 'the English feed');
  });

  await step('nothing went wrong on the page', () => assert.deepEqual(faults, []));
  await context.close();

  const recordingId = mock?.world.recordings[0].id ?? (await live.recording(() => true, 'the recording')).id;
  for (const scheme of ['dark', 'light']) {
    await step(`a phone, ${scheme}`, async () => {
      const phone = await openPage(browser, { width: 390, height: 844, scheme });
      await phone.page.goto(base);
      await cards(phone.page).first().waitFor();
      await clean(phone.page, 'the feed on a phone');
      await phone.page.goto(`${base}/clips/${await firstId(phone.page)}`);
      await phone.page.waitForFunction(() => document.querySelector('video')?.readyState >= 2);
      await clean(phone.page, 'a clip on a phone');
      for (const [path, mark] of [['sources', 'article'], ['health', 'section'], ['recordings', 'main ol'], ['retention', 'section'], [`recordings/${recordingId}`, 'video'], ...(mock ? [[`recordings/${mock.world.recordings[2].id}`, '[data-version]']] : [])]) {
        await phone.page.goto(`${base}/${path}`);
        await phone.page.locator(mark).first().waitFor();
        await clean(phone.page, `${path} on a phone`);
      }
      assert.deepEqual(phone.faults, []);
      await phone.context.close();
    });
  }

  if (mock) {
    await step('an empty installation says what to do', async () => {
      const first = await openPage(browser);
      mock.empty(true);
      await first.page.goto(base);
      await first.page.getByText('先添加一个直播源').waitFor();
      await clean(first.page, 'the empty feed');
      mock.empty(true, { sources: [mock.world.sources[0]] });
      await first.page.getByLabel('服务器', { exact: true }).waitFor();
      assert.equal(await first.page.getByLabel('服务器', { exact: true }).inputValue(), mock.world.sources[0].push_url);
      await clean(first.page, 'the empty feed with a source');
      mock.empty(false);
      await cards(first.page).first().waitFor();
      assert.deepEqual(first.faults, []);
      await first.context.close();
    });

    await step('an address that leads nowhere', async () => {
      const lost = await openPage(browser, { excuse: (line) => line.includes('404') && line.includes('/api/clips/') });
      await lost.page.goto(`${base}/nowhere`);
      await lost.page.getByText('没有这个页面').waitFor();
      await clean(lost.page, 'a missing page');
      await lost.page.goto(`${base}/clips/none`);
      await lost.page.getByText('没有这条切片').waitFor();
      await clean(lost.page, 'a missing clip');
      assert.deepEqual(lost.faults, []);
      await lost.context.close();
    });

    await step('a locked console asks for the token', async () => {
      const guest = await openPage(browser, { excuse: (line) => line.includes('401') });
      mock.lock();
      await guest.page.goto(base);
      await guest.page.getByLabel('访问口令').fill('guess');
      await clean(guest.page, 'the sign-in page');
      await guest.page.getByRole('button', { name: '登录' }).click();
      await guest.page.getByText('the token is not right').waitFor();
      await guest.page.getByLabel('访问口令').fill(mock.token);
      await guest.page.keyboard.press('Enter');
      await cards(guest.page).first().waitFor();
      assert.deepEqual(guest.faults, []);
      await guest.context.close();
    });
  }

  console.log(`${passed} passed against ${real ? base : 'the mock service'}`);
} finally {
  await live?.stop();
  await browser.close();
  await mock?.close();
}
