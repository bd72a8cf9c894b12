// The transcript of a recording in a real browser, against the mock: following, searching, correcting, rules, files.
import assert from 'node:assert/strict';

const seconds = (page) => page.locator('[data-media-time]').evaluate((e) => e.textContent.trim().split(':').reduce((sum, n) => sum * 60 + Number(n), 0));
const list = (page) => page.getByRole('group', { name: '文字稿，逐句' });
/** Where a sentence stands in the list, in pixels from its top; null where it is out of sight. */
const place = (page, id) =>
  list(page).evaluate((box, wanted) => {
    const line = box.querySelector(`[data-line="${wanted}"]`)?.getBoundingClientRect();
    const { top, bottom } = box.getBoundingClientRect();
    return line && line.bottom > top && line.top < bottom ? line.top - top : null;
  }, id);
const inSight = async (page, id, what) => {
  const due = Date.now() + 10_000;
  while (Date.now() < due) {
    if ((await place(page, id)) !== null) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`${what}: ${id} is not in sight`);
};
const shown = (page) => page.locator('[data-line]').evaluateAll((all) => all.map((line) => line.dataset.line));

export async function transcriptSteps({ step, clean, page, base, mock }) {
  const [live, old] = mock.world.recordings;
  const get = async (path) => (await page.request.get(`${base}${path}`)).json();
  const { utterances } = await get(`/api/recordings/${old.id}/transcript?from=0&to=600`);
  const at = (moment) => utterances.find((u) => u.start_s <= moment && u.end_s > moment);
  const line = (u) => page.locator(`[data-line="${u.id}"]`);

  await step('the transcript follows what is played', async () => {
    await page.goto(`${base}/recordings/${old.id}?t=95.5`);
    const asked = at(96);
    await page.locator(`[data-line="${asked.id}"] [aria-current=true]`).waitFor();
    assert.equal(asked.speaker, 0);
    await inSight(page, asked.id, 'the sentence being said');
    await line(at(94)).getByText('说话人 2').waitFor();
    const first = await shown(page);
    assert.ok(first.length > 50, `${first.length} sentences`);
    assert.deepEqual(first, utterances.slice(0, first.length).map((u) => u.id));
    await clean(page, 'the transcript');
  });

  await step('what was put right says what was heard and why; a press on a word plays from it', async () => {
    const mended = utterances.find((u) => u.text.includes('Lumora'));
    const word = line(mended).locator('[data-mark=mended]');
    assert.equal(await word.getAttribute('title'), '“Lumora” 原来听成 “路莫拉”。按规则改的。');
    await page.keyboard.press('k');
    await page.waitForFunction(() => document.querySelector('video').paused);
    const last = mended.words.at(-1);
    await line(mended).hover();
    await line(mended).locator('[data-word]').nth(mended.words.length - 1).click();
    await page.waitForFunction((from) => Math.abs(document.querySelector('video').currentTime - from) < 2 && !document.querySelector('video').paused, last.start_s);
    assert.ok((await seconds(page)) >= Math.floor(last.start_s), 'not from the beginning of the sentence');
  });

  await step('turning the wheel lets go of what is played, and a press takes it up again', async () => {
    await list(page).hover();
    await page.mouse.wheel(0, 4000);
    await page.getByRole('button', { name: '跟随播放' }).waitFor();
    const said = await page.locator('[data-line]:has([aria-current=true])').getAttribute('data-line');
    assert.equal(await place(page, said), null);
    await page.getByRole('button', { name: '跟随播放' }).click();
    await inSight(page, said, 'the sentence being said');
    assert.equal(await page.getByRole('button', { name: '跟随播放' }).count(), 0);
  });

  await step('a long transcript is read piece by piece, and what is in sight stays there', async () => {
    await list(page).hover();
    await page.mouse.wheel(0, 100);
    const order = new Set();
    for (let n = 0; n < 6; n += 1) {
      const before = await shown(page);
      for (const id of before) order.add(id);
      // Not at the very end: from there the next piece could not be seen to leave things in place.
      await list(page).evaluate((box) => (box.scrollTop = box.scrollHeight - box.clientHeight - 40));
      const last = before.at(-1);
      const was = await place(page, last);
      await page.waitForFunction((id) => [...document.querySelectorAll('[data-line]')].at(-1)?.dataset.line !== id, last);
      assert.ok(Math.abs((await place(page, last)) - was) < 3, `the last sentence moved from ${was} to ${await place(page, last)}`);
      assert.ok((await shown(page)).length <= 4 * 80, `${(await shown(page)).length} sentences at once`);
    }
    for (const id of await shown(page)) order.add(id);
    const all = (await get(`/api/recordings/${old.id}/transcript.json`)).utterances.map((u) => u.id);
    assert.deepEqual([...order], all.slice(0, order.size), 'each sentence once, in order');
    await page.keyboard.press('f');
    await page.locator('[data-line]:has([aria-current=true])').waitFor();
  });

  await step('words are found in the whole recording', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('lumora');
    const { utterances: found } = await get(`/api/recordings/${old.id}/transcript?find=lumora`);
    await page.getByText(`找到 ${found.length} 句`).waitFor();
    const marks = page.locator('[data-transcript] mark');
    assert.equal(await marks.count(), found.length);
    await clean(page, 'what was found');
    await marks.nth(40).click();
    await page.waitForFunction((from) => Math.abs(document.querySelector('video').currentTime - from) < 12, found[40].start_s);
    await page.getByRole('searchbox').press('Escape');
    await page.locator(`[data-line="${found[40].id}"]`).waitFor();
    await inSight(page, found[40].id, 'what was pressed');
  });

  const wrong = utterances.find((u) => u.text.includes('词细'));
  const right = wrong.text.replace('词细', '磁吸');
  await step('a sentence is corrected by keyboard; what cannot be is said', async () => {
    await page.goto(`${base}/recordings/${old.id}?t=${wrong.start_s + 1}`);
    await page.locator(`[data-line="${wrong.id}"] [aria-current=true]`).waitFor();
    await page.keyboard.press('k');
    await page.keyboard.press('e');
    const box = page.getByRole('textbox', { name: /这句应该是/ });
    await box.waitFor();
    assert.equal(await box.inputValue(), wrong.text);
    await box.fill('，');
    await page.keyboard.press('Enter');
    await page.getByText('至少要有一个字。').waitFor();
    await clean(page, 'a fault in a correction');
    await box.fill('not\u00a0good');
    await page.keyboard.press('Enter');
    await page.getByText(/没有存上.*at most 1000/).waitFor();
    await page.keyboard.press('Escape');
    await line(wrong).getByText('说').first().waitFor({ state: 'detached' });
    await page.waitForFunction((id) => document.activeElement?.closest('[data-line]')?.dataset.line === id, wrong.id);
    await page.keyboard.press('e');
    await box.fill(right);
    await page.keyboard.press('Enter');
    await line(wrong).getByText('已改', { exact: true }).waitFor();
    assert.equal(await line(wrong).locator('[data-mark=mended]').getAttribute('title'), '“磁吸” 原来听成 “词细”。人工改的。');
  });

  await step('a correction becomes a rule, after a look at what else it would change', async () => {
    const offer = page.getByRole('group', { name: '以后听到 “词细” 都写成 “磁吸”？' });
    const apply = offer.getByRole('button', { name: /已有的 \d+ 句也改/ });
    await apply.waitFor();
    const count = Number(/\d+/.exec(await apply.textContent())[0]);
    assert.ok(count > 50, `${count}`);
    assert.equal(await offer.locator('ins').first().textContent(), '磁吸');
    await clean(page, 'the offer of a rule');
    await apply.focus();
    await page.keyboard.press('Enter');
    await offer.getByText(`已有的改了 ${count} 句`).waitFor();
    assert.deepEqual(mock.world.lexicon.find((e) => e.term === '磁吸').misheard, ['词细']);
    await offer.getByRole('button', { name: '关闭' }).press('Enter');
    await page.waitForFunction((id) => document.activeElement?.closest('[data-line]')?.dataset.line === id, wrong.id);
    const next = utterances.find((u) => u.text.includes('词细') && u.id !== wrong.id);
    await line(next).locator('[data-mark=mended]', { hasText: '磁吸' }).waitFor({ state: 'attached' });
  });

  await step('rules are listed, and taken out after a question', async () => {
    await page.getByRole('button', { name: '规则', exact: true }).click();
    await page.getByText('听到 词细 时改成它。').waitFor();
    await page.getByRole('button', { name: '去掉 磁吸' }).click();
    await clean(page, 'the rules');
    await page.getByRole('button', { name: '确定' }).click();
    await page.getByText('听到 词细 时改成它。').waitFor({ state: 'detached' });
    assert.equal(mock.world.lexicon.some((e) => e.term === '磁吸'), false);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  await step('the transcript is taken away as a file, whole or in part', async () => {
    await page.getByRole('button', { name: '导出' }).click();
    const link = (name) => page.getByRole('link', { name, exact: true });
    assert.equal(await link('SRT 字幕').getAttribute('href'), `/api/recordings/${old.id}/transcript.srt`);
    await page.getByLabel('到', { exact: true }).fill('abc');
    await page.getByText('请写成 分:秒').waitFor();
    assert.equal(await page.locator('a[download]').count(), 0);
    await page.getByLabel('从', { exact: true }).fill('1:40');
    await page.getByLabel('到', { exact: true }).fill('2:00');
    await page.getByText('字幕时间从这一段的开头算起').click();
    assert.equal(await link('WebVTT 字幕').getAttribute('href'), `/api/recordings/${old.id}/transcript.vtt?from=100&to=120&zero=true`);
    await clean(page, 'the files');
    const coming = page.waitForEvent('download');
    await link('纯文本').click();
    assert.equal((await coming).suggestedFilename(), `${old.id}.txt`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  await step('a finished recording is heard again, after a question', async () => {
    mock.world.heardShare = 0;
    await page.goto(`${base}/recordings/${old.id}?t=${wrong.start_s + 1}`);
    const version = (n) => page.locator(`[data-version="${n}"]`);
    await version(0).getByText('正在显示').waitFor();
    await version(0).getByText(/人工改过 1 句/).waitFor();
    const again = page.getByRole('button', { name: '重新听写', exact: true });
    await again.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    const model = dialog.getByLabel('语音模型（可选）');
    await model.fill('no-such');
    await page.keyboard.press('Enter');
    await dialog.getByText('there is no model no-such').waitFor();
    await clean(page, 'the question before hearing again');
    await model.fill('');
    await dialog.getByRole('button', { name: '重新听写' }).press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await version(1).getByText('等待中').waitFor();
    mock.world.heardShare = 0.425;
    // One at a time: the service says so.
    await again.press('Enter');
    await dialog.getByRole('button', { name: '重新听写' }).press('Enter');
    await dialog.getByText(/revision 1 of this transcript.*is being made/).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await version(1).getByText('已听 42%').waitFor();
    assert.equal(await version(1).getByRole('button').count(), 0);
    await clean(page, 'the versions');
  });

  await step('once it is complete it is shown, with the correction and without a reload; the one before can be shown again', async () => {
    const version = (n) => page.locator(`[data-version="${n}"]`);
    const count = async (find) => (await get(`/api/recordings/${old.id}/transcript?find=${encodeURIComponent(find)}`)).utterances.length;
    const search = page.getByRole('searchbox');
    // What is being typed outlives the change; it is of another version then.
    await line(wrong).locator('[data-play]').focus();
    await page.keyboard.press('e');
    const box = page.getByRole('textbox', { name: /这句应该是/ });
    await box.fill(`${right}！`);
    mock.world.heardShare = 1;
    await version(1).getByText('正在显示').waitFor();
    await version(1).getByText(/人工改过 1 句/).waitFor();
    await box.press('Enter');
    await page.getByText(/没有存上.*of another one/).waitFor();
    assert.equal(await box.inputValue(), `${right}！`);
    await page.keyboard.press('Escape');
    const now = (await get(`/api/recordings/${old.id}/transcript?from=0&to=600`)).utterances.find((u) => u.seq === wrong.seq);
    assert.notEqual(now.id, wrong.id);
    await line(now).getByText('已改', { exact: true }).waitFor();
    await line(wrong).waitFor({ state: 'detached' });

    await search.fill('柔光面霜');
    assert.ok((await count('柔光面霜')) > 0);
    await page.getByText(`找到 ${await count('柔光面霜')} 句`).waitFor();
    await version(0).getByRole('button', { name: '显示这一版：直播时听写的' }).press('Enter');
    await version(0).getByText('正在显示').waitFor();
    await page.getByText('找到 0 句').waitFor();
    await page.waitForFunction(() => document.activeElement?.dataset.version === '0');
    await search.press('Escape');
    await line(wrong).getByText('已改', { exact: true }).waitFor();
    assert.deepEqual((await get(`/api/recordings/${old.id}/transcript/revisions`)).map((r) => [r.number, r.shown]), [[0, true], [1, false]]);
    delete mock.world.heardShare;
  });

  await step('the transcript of a live grows by itself', async () => {
    await page.goto(`${base}/recordings/${live.id}`);
    await page.locator('[data-line]').first().waitFor();
    const before = await shown(page);
    await page.waitForFunction((count) => document.querySelectorAll('[data-line]').length > count, before.length);
    const now = await shown(page);
    assert.deepEqual(now.slice(0, before.length), before);
    assert.equal(new Set(now).size, now.length);
    await page.getByText(/已听到/).waitFor();
    assert.equal(await page.locator('[data-version]').count(), 0, 'a live is not heard again');
  });
}

/** What was really heard, and a rule that the service itself makes of a correction; `id` is a recording with speech in it. */
export async function realTranscriptSteps({ step, clean, page, base, id }) {
  const get = async (path) => (await page.request.get(`${base}${path}`)).json();

  await step('what was heard is shown, and corrected into a rule', async () => {
    const { utterances } = await get(`/api/recordings/${id}/transcript`);
    assert.ok(utterances.length > 3, `${utterances.length} sentences`);
    const wrong = utterances.filter((u) => u.words.length >= 6).at(1);
    const heard = wrong.words[3].text;
    await page.goto(`${base}/recordings/${id}?t=${wrong.start_s + 0.5}`);
    await page.locator(`[data-line="${wrong.id}"]`).waitFor();
    assert.deepEqual(await shown(page), utterances.map((u) => u.id));
    await page.locator(`[data-line="${wrong.id}"] [data-play]`).focus();
    await page.keyboard.press('e');
    const box = page.getByRole('textbox', { name: /这句应该是/ });
    assert.equal(await box.inputValue(), wrong.text);
    await box.fill(wrong.text.replace(heard, '测试词'));
    await page.keyboard.press('Enter');
    await page.locator(`[data-line="${wrong.id}"]`).getByText('已改', { exact: true }).waitFor();
    const offer = page.getByRole('group', { name: /都写成/ });
    await offer.getByText(/已有的文字稿里/).waitFor();
    await clean(page, 'the offer of a rule');
    await offer.getByRole('button', { name: '以后都这样写', exact: true }).click();
    await offer.getByText('规则已加上').waitFor();
    const rule = (await get('/api/lexicon')).find((e) => e.term.includes('测试词'));
    assert.equal(rule.misheard.length, 1);
    const now = (await get(`/api/recordings/${id}/transcript?find=${encodeURIComponent('测试词')}`)).utterances;
    assert.deepEqual(now.map((u) => [u.id, u.edited_at !== null]), [[wrong.id, true]]);
    await offer.getByRole('button', { name: '关闭' }).click();
    await page.getByRole('button', { name: '规则', exact: true }).click();
    await page.getByRole('button', { name: `去掉 ${rule.term}` }).click();
    await page.getByRole('button', { name: '确定' }).click();
    await page.getByRole('button', { name: `去掉 ${rule.term}` }).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
}
