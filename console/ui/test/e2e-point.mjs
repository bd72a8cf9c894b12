// A clip's selling point in a real browser, against the mock: approved, corrected by keyboard, refused when somebody was faster.
import assert from 'node:assert/strict';

export async function pointSteps({ step, clean, page, base, mock }) {
  const clip = mock.world.clips.find((c) => c.label === 'promo');
  const panel = page.locator('section').filter({ has: page.getByRole('heading', { name: '卖点', exact: true }) });
  const sent = () => mock.world.changes.at(-1);

  await step('a selling point is approved with one key', async () => {
    await page.goto(`${base}/clips/${clip.id}`);
    await panel.getByText('未审').waitFor();
    await panel.getByText('口播价 89.9 与商品价 99 不一致。').waitFor();
    await clean(page, 'a selling point');
    await page.keyboard.press('a');
    await panel.getByText('已确认', { exact: true }).first().waitFor();
    assert.deepEqual(sent(), { version: 0, action: 'approve' });
  });

  await step('it is corrected by keyboard, and the machine’s answer stays readable', async () => {
    await page.keyboard.press('e');
    await panel.getByRole('form', { name: '改正' }).waitFor();
    await clean(page, 'a selling point being corrected');
    await panel.getByLabel('主标签').selectOption('gift');
    await panel.getByLabel('原因（可不填）').fill('讲的是赠品');
    await page.keyboard.press('Enter');
    await panel.getByText('已改正', { exact: true }).first().waitFor();
    const { note, label, version, action } = sent();
    assert.deepEqual({ note, label, version, action }, { note: '讲的是赠品', label: 'gift', version: 1, action: 'correct' });
    await panel.getByText(/机器原来的判断：价格优惠/).waitFor();
  });

  await step('who was slower is told so and sees what stands', async () => {
    const change = (body) => page.evaluate(([path, said]) => fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) }).then((r) => r.status), [`/api/points/${clip.selling_point_id}`, body]);
    assert.equal(await change({ version: 2, action: 'restore' }), 200);
    await page.keyboard.press('x');
    await panel.getByRole('alert').getByText(/version 3 is shown now/).waitFor();
    await panel.getByText('未审', { exact: true }).waitFor();
    await page.keyboard.press('x');
    await panel.getByText('已否决', { exact: true }).first().waitFor();
    await clean(page, 'a rejected selling point');
  });
}
