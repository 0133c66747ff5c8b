/** The button for `doctor`, and the copy of what it says. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PHONE, Shown, stop } from './browser.mjs';
import { router } from './router.mjs';

after(stop);

const PAGE = 'netmonitor/diagnosis';
const TEXT = 'netmonitor-exporter 0.1.0 (x)\n\nDevice\n  ok       clock: <b>kept</b>\n  absent   é';

test('nothing is asked before the button is pressed', async () => {
  const page = await Shown.open(PAGE, router());
  assert.deepEqual(await page.calls(), []);
  await page.close();
});

for (const mayWrite of [true, false]) {
  test(`what doctor says can be copied, ${mayWrite ? 'by all' : 'by those who may only look'}`, async () => {
    const page = await Shown.open(PAGE, router({ doctor: { text: TEXT } }, { mayWrite }), { width: PHONE });
    await page.press('Run doctor');
    assert.deepEqual(await page.calls(), ['luci.netmonitor.doctor']);
    assert.deepEqual(await page.texts('pre'), [TEXT]);
    assert.equal(await page.evaluate('document.querySelectorAll("pre b").length'), 0);
    await page.evaluate(`document.addEventListener('copy', () => {
      window.copied = String(window.getSelection());
    })`);
    await page.press('Copy');
    assert.equal(await page.evaluate('window.copied'), TEXT);
    assert.deepEqual(await page.texts('[role=status]'), [' Copied.']);
    assert.ok(await page.fits());
    assert.deepEqual(await page.errors(), []);
    await page.close();
  });
}

test('what cannot be copied is said to be for the hand', async () => {
  const page = await Shown.open(PAGE, router({ doctor: { text: TEXT } }));
  await page.press('Run doctor');
  await page.evaluate('document.execCommand = () => false');
  await page.press('Copy');
  assert.deepEqual(await page.texts('[role=status]'), [' Select the text and copy it by hand.']);
  await page.close();
});

test('a router that does not answer is told', async () => {
  const page = await Shown.open(PAGE, router({ doctor: { fails: 'XHR request timed out' } }));
  await page.press('Run doctor');
  assert.match(await page.text(), /does not answer this page[^]*XHR request timed out/);
  await page.close();
});
