// The recorder's pages in a real browser, against the mock: player, gap map, holds, settings of sources.
import assert from 'node:assert/strict';

const mediaTime = (page) =>
  page.locator('[data-media-time]').evaluate((e) => e.textContent.trim().split(':').reduce((sum, n) => sum * 60 + Number(n), 0));
const near = async (page, want, within, what) => {
  const due = Date.now() + 15_000;
  let at = Number.NaN;
  while (Date.now() < due) {
    at = await mediaTime(page);
    if (Math.abs(at - want()) <= within) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`${what}: at ${at} s, not near ${want()} s`);
};
/** The length that the bar is drawn by: that of a live grows, and the page knows it a little later than we do. In seconds. */
const drawn = (page) => page.locator('input[type=range][aria-valuetext]').evaluate((slider) => Number(slider.max));
const playing = (page) => page.waitForFunction(() => document.querySelector('video')?.readyState >= 3 && document.querySelector('video').currentTime > 0);

export async function recorderSteps({ step, clean, page, base, mock }) {
  const [live, old] = mock.world.recordings;
  const length = () => (Date.now() - new Date(live.started_at).getTime()) / 1000;

  await step('a live opens from the list and plays at its live edge', async () => {
    await page.goto(`${base}/recordings`);
    await page.getByRole('heading', { level: 1, name: '录像' }).waitFor();
    await page.locator('a[href^="/recordings/"]').nth(mock.world.recordings.length - 1).waitFor();
    assert.equal(await page.locator('a[href^="/recordings/"]').count(), mock.world.recordings.length);
    await clean(page, 'the recordings');
    await page.locator(`a[href="/recordings/${live.id}"]`).click();
    await playing(page);
    await near(page, length, 12, 'the live edge');
    await page.getByRole('button', { name: '直播', exact: true }).waitFor();
    await clean(page, 'the player');
  });

  await step('keys: beginning, steps, pause, back to the live edge', async () => {
    await page.keyboard.press('Home');
    await near(page, () => 0, 3, 'Home');
    await page.keyboard.press('k');
    await page.waitForFunction(() => document.querySelector('video').paused);
    const at = await mediaTime(page);
    await page.keyboard.press('l');
    await near(page, () => at + 10, 1, 'L');
    await page.keyboard.press('ArrowRight');
    await near(page, () => at + 15, 1, 'right');
    await page.keyboard.press('j');
    await near(page, () => at + 5, 1, 'J');
    await page.keyboard.press(' ');
    await page.waitForFunction(() => !document.querySelector('video').paused);
    await page.getByRole('button', { name: '回到直播' }).waitFor();
    await page.keyboard.press('End');
    await near(page, length, 12, 'End');
  });

  await step('pointing at the bar shows the moment’s picture, and why nothing is there', async () => {
    const bar = page.getByRole('group', { name: '播放位置' });
    const point = async (share) => {
      const box = await bar.boundingBox();
      await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    };
    await point(0.2);
    const picture = page.locator('[data-preview] img');
    await picture.waitFor();
    assert.equal(await picture.evaluate(async (img) => (await img.decode(), img.naturalWidth > 0)), true);
    const gap = live.gaps[1];
    await point((gap.start_s + gap.end_s) / 2 / (await drawn(page)));
    await page.locator('[data-preview]').getByText('卡住无数据').waitFor();
    assert.equal(await page.locator('[data-gap]').count(), live.gaps.length);
  });

  await step('the sound is drawn along the bar, and not where nothing was recorded', async () => {
    const wave = page.getByRole('img', { name: '整场录制的音量波形' });
    await wave.waitFor();
    const seen = await wave.evaluate((canvas, [from, to]) => {
      // Read together with what is drawn by it.
      const length = Number(document.querySelector('input[type=range][aria-valuetext]').max);
      const at = { gap: [from / length, to / length] };
      const { width, height } = canvas;
      const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
      const columns = Array.from({ length: width }, (_, x) => Array.from({ length: height }, (_, y) => pixels[(y * width + x) * 4 + 3]).some((alpha) => alpha > 0));
      const share = (from, to) => columns.slice(Math.ceil(from * width), Math.floor(to * width)).filter(Boolean).length / Math.max(1, (to - from) * width);
      return { gap: share(at.gap[0], at.gap[1]), before: share(0, at.gap[0]) };
    }, [live.gaps[1].start_s + 2, live.gaps[1].end_s - 2]);
    assert.equal(seen.gap, 0);
    assert.ok(seen.before > 0.3, `${seen.before}`);
    const [bar, box] = [await page.getByRole('group', { name: '播放位置' }).boundingBox(), await wave.boundingBox()];
    assert.deepEqual([Math.round(bar.x), Math.round(bar.width)], [Math.round(box.x), Math.round(box.width)]);
  });

  await step('playing goes on over a gap, and media time with it', async () => {
    await page.getByRole('button', { name: /1:05 的缺口/ }).click();
    await near(page, () => live.gaps[0].start_s - 2, 2.5, 'before the gap');
    await page.waitForFunction(
      (end) => document.querySelector('[data-media-time]').textContent.trim().split(':').reduce((sum, n) => sum * 60 + Number(n), 0) >= end,
      Math.ceil(live.gaps[0].end_s) + 1,
    );
  });

  await step('a long recording plays from its middle', async () => {
    await page.goto(`${base}/recordings/${old.id}?t=5000`);
    await playing(page);
    await near(page, () => 5000, 6, '?t=');
    assert.equal(await page.getByRole('button', { name: '回到直播' }).count(), 0);
    const bar = page.getByRole('group', { name: '播放位置' });
    const box = await bar.boundingBox();
    await page.mouse.click(box.x + box.width * 0.75, box.y + box.height / 2);
    await near(page, () => old.duration_s * 0.75, 40, 'a click on the bar');
    await playing(page);
    await page.keyboard.press('?');
    await page.getByText('看录像时').waitFor();
    await page.keyboard.press('Escape');
  });

  await step('a hold is put on, told, and released', async () => {
    await page.getByLabel('为什么要保留').fill('买家投诉，取证');
    await page.getByRole('button', { name: '保留这场录像' }).click();
    await page.getByText('买家投诉，取证').waitFor();
    assert.equal(old.hold.why, '买家投诉，取证');
    await clean(page, 'a recording on hold');
    await page.getByRole('button', { name: '解除保留' }).click();
    await page.getByLabel('为什么要保留').waitFor();
    assert.equal(old.hold, null);
  });

  await step('the retention plan says what would go and why', async () => {
    await page.goto(`${base}/retention`);
    await page.getByText('超过保留天数').waitFor();
    await page.getByText('切片用到的 269 段').waitFor();
    await clean(page, 'the retention plan');
  });

  await step('the settings of a source are changed; its secrets only written', async () => {
    await page.goto(`${base}/sources`);
    await page.getByText('403 Forbidden').waitFor();
    await page.getByRole('button', { name: /设置 Denim/ }).click();
    await page.getByLabel('保留几天').fill('0');
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByText('请填大于 0 的整数，或留空。').waitFor();
    await clean(page, 'the settings');
    await page.getByLabel('保留几天').fill('14');
    await page.getByLabel('Cookie').fill('session=very-secret');
    await page.getByRole('checkbox', { name: '星期六' }).press('Space');
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const sent = mock.world.changes.at(-1);
    assert.deepEqual(sent.headers, [{ name: 'Cookie', value: 'session=very-secret' }]);
    assert.deepEqual([sent.settings.zone, sent.settings.windows], ['America/New_York', [{ days: ['fri', 'sat'], from: '19:00', to: '01:30' }]]);
    assert.deepEqual([sent.settings.keep_days, sent.settings.priority, sent.settings.audio, sent.url, sent.name], [14, 20, '2', undefined, undefined]);
    assert.equal((await page.content()).includes('very-secret'), false);
    await page.getByText('保留 14 天').waitFor();
  });

  await step('on demand: record and stop', async () => {
    await page.getByRole('button', { name: '开始录制' }).click();
    await page.getByRole('button', { name: '停止录制' }).waitFor();
    assert.equal(mock.world.sources[2].requested, true);
    await page.getByRole('button', { name: '停止录制' }).click();
    await page.getByRole('button', { name: '开始录制' }).waitFor();
  });

  await step('a stream key is changed after a question, and shown once', async () => {
    await page.getByRole('button', { name: /设置 小棠/ }).click();
    await page.getByRole('button', { name: '换新推流码' }).click();
    await page.getByRole('button', { name: '确定' }).click();
    const key = page.getByLabel('推流码', { exact: true });
    await key.waitFor();
    assert.equal(await key.inputValue(), mock.streamKey);
    await clean(page, 'the new key');
    await page.getByRole('button', { name: '我已保存好' }).click();
    await key.waitFor({ state: 'detached' });
    assert.equal((await page.content()).includes(mock.streamKey), false);
    // The settings lie under it; while the upper one fades away, Escape is not yet theirs.
    const settings = page.getByRole('dialog');
    for (let n = 0; n < 20 && (await settings.count()) > 0; n += 1) {
      await page.keyboard.press('Escape');
      await page.waitForTimeout(200);
    }
    await settings.waitFor({ state: 'detached' });
  });
}
