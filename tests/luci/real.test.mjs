/**
 * The pages with what a router has really said (NETMONITOR_ANSWERS: a file), and what their form
 * writes, as /etc/config/netmonitor has it (NETMONITOR_WRITTEN). Called by tests/tests/luci/.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';

import { Shown, stop } from './browser.mjs';
import { sections } from './router.mjs';

after(stop);

const { typed, ...answers } = JSON.parse(readFileSync(process.env.NETMONITOR_ANSWERS, 'utf8'));
const router = { answers, uci: sections() };

async function shown(name, work) {
  const page = await Shown.open(`netmonitor/${name}`, router);
  await work(page);
  assert.deepEqual(await page.errors(), []);
  await page.close();
}

test('the overview shows it', () => shown('overview', async (page) => {
  const { line } = answers.state;
  const text = await page.text();
  assert.match(text, /Internet\tup/);
  assert.ok(text.includes(`netmonitor ${line.version}, router's time ${line.time}`), text);
  const targets = (await page.rows('Pings of the last minute')).map(([target]) => target);
  assert.deepEqual(targets, line.ping.map(({ target }) => target));
  const events = (await page.rows('Last events')).map(([, , message]) => message);
  assert.deepEqual(events, line.events.map(({ message }) => message));
  assert.ok(events.length > 0);
}));

test('the diagnosis shows all of it', () => shown('diagnosis', async (page) => {
  await page.press('Run doctor');
  assert.deepEqual(await page.texts('pre'), [answers.doctor.text]);
  assert.match(answers.doctor.text, /^netmonitor-exporter /);
}));

test('the form shows what counts without it, and writes what is typed', () => shown('settings', async (page) => {
  const grey = await page.evaluate('document.querySelector("[data-name=wan_iface] input").placeholder');
  assert.equal(grey, 'lo');
  for (const [option, value] of Object.entries(typed)) {
    assert.equal(await page.fill(option, value), '', option);
  }
  await page.press('Save & Apply');
  const written = (await page.evaluate('window.done.calls')).filter(({ object }) => object === 'uci');
  const options = (section) => written.filter(({ params }) => params.section === section)
    .map(({ params: { option, value } }) => `\toption ${option} '${value.replaceAll("'", "'\\''")}'\n`);
  writeFileSync(process.env.NETMONITOR_WRITTEN,
    `config netmonitor\n${options('cfg01').join('')}\nconfig luci 'luci'\n${options('luci').join('')}`);
}));
