/** The overview, in every state that a router may be in. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PHONE, Shown, stop } from './browser.mjs';
import { translation } from './page.mjs';
import { line, router, settings, withLine } from './router.mjs';

after(stop);

const PAGE = 'netmonitor/overview';

async function shown(router, options, work) {
  const page = await Shown.open(PAGE, router, options);
  await work(page);
  assert.deepEqual(await page.errors(), []);
  await page.close();
}

test('it shows state, light, pings, outages and events', () => shown(router(), {}, async (page) => {
  const text = await page.text();
  for (const part of ['Internet\tup', 'PPPoE\tup', '−19.3 dBm normal', '2.4 dBm normal', '52.8 °C']) {
    assert.ok(text.replaceAll('\u00a0', ' ').includes(part), `${part}: ${text}`);
  }
  assert.ok(text.replaceAll('\u00a0', ' ').includes(
    'normal: −28.0 dBm to −8.0 dBm (limits of GPON, class B+)'), text);
  const plain = (rows) => rows.map((row) => row.map((cell) => cell.replaceAll('\u00a0', ' ')));
  assert.deepEqual(plain(await page.rows('Pings of the last minute')), [
    ['223.5.5.5', '6.2 ms', '0.0 %'], ['8.8.8.8 (far away)', '148.7 ms', '1.7 %'],
    ['gateway', '2.4 ms', '0.0 %'],
  ]);
  assert.deepEqual((await page.rows('Last outages'))[0],
    ['2026-11-23 03:12:40', '1 min 23 s', 'no access server answered the dial', 'provider']);
  assert.deepEqual((await page.rows('Last events'))[1],
    ['2026-11-23 03:14:02', 'PPPoE is up', line.events[1].message]);
  assert.equal(await page.evaluate('document.querySelector("#view a").href'), settings.grafana);
  assert.equal(await page.evaluate('document.querySelector("#view a").rel'), 'noreferrer noopener');
}));

test('it looks again with one call, which shows what is new', async () => {
  const answers = Object.assign([{ line }], { inTurn: true });
  await shown(router({ state: answers }), {}, async (page) => {
    assert.equal(await page.evaluate('window.done.polls.map((poll) => poll.seconds).join()'), '5');
    const before = (await page.calls()).length;
    await page.evaluate(`window.given.answers.state = ${JSON.stringify({ line: {
      ...line, internet: 'down',
      outages: [{ time: '2026-11-23 20:14:00', seconds: 5, ongoing: true, cause: 'local_link', side: 'house' }],
    } })}`);
    await page.poll();
    assert.deepEqual((await page.calls()).slice(before), ['luci.netmonitor.state']);
    assert.match(await page.text(), /Internet\tdown/);
    assert.deepEqual(await page.rows('Last outages'),
      [['2026-11-23 20:14:00', 'now 5 s', 'the WAN port had no link', 'this house']]);
    await page.evaluate('window.given.answers.state = { trouble: "stopped", text: "" }');
    await page.poll();
    assert.match(await page.text(), /The service does not run/);
  });
});

for (const [light, words] of [
  [{ rx: -28.1 }, 'weak'], [{ rx: -30.1 }, 'too weak'], [{ rx: -7.9 }, 'strong'],
  [{ rx: null, signal: false }, 'no light'], [{ rx: null, signal: null }, 'not told by the module'],
  [{ rx: -26, low_alarm: -27, low_warning: -25 }, 'weak'],
  [{ rx: -29, low_alarm: -31, low_warning: -30 }, 'normal'],
  [{ rx: -2, high_warning: -4, high_alarm: -3 }, 'too strong'],
]) {
  test(`light of ${JSON.stringify(light)} is ${words}`, () =>
    shown(withLine({ light: { ...line.light, ...light } }), {}, async (page) => {
      const [received] = await page.evaluate(`[...document.querySelectorAll('#netmonitor-state .tr')]
        .filter((row) => row.innerText.startsWith('Light received'))
        .map((row) => row.querySelector('.label').innerText)`);
      assert.equal(received, words);
    }));
}

test('no optics, no PPPoE, no sensor, nothing pinged, nothing recorded', () =>
  shown(withLine({ light: null, pppoe: null, cpu_temp: null, ping: [], outages: [], events: [] }), {},
    async (page) => {
      const text = await page.text();
      for (const sentence of ['no optics that can be read; Diagnosis says why',
        'not used on this line', 'Nothing is pinged.', 'None recorded.']) {
        assert.ok(text.includes(sentence), text);
      }
      assert.ok(!text.includes('CPU'), text);
    }));

for (const [trouble, sentence, button] of [
  [{ trouble: 'missing', text: '' }, 'install the package netmonitor-exporter', null],
  [{ trouble: 'old', text: 'netmonitor-exporter 0.0.9' }, 'older than this page', null],
  [{ trouble: 'settings', text: '/etc/netmonitor.conf line 3: API_PORT="x"' }, 'API_PORT="x"', null],
  [{ trouble: 'disabled', text: '' }, '"Enabled" on the page Settings is 0', null],
  [{ trouble: 'stopped', text: '' }, 'The service does not run.', 'Start'],
  [{ trouble: 'stopped', text: 'cannot listen on port 80' }, 'cannot listen on port 80', 'Start'],
  [{ line: { wan: 'up' } }, 'another program, or one of another version', null],
  [{ line: [] }, 'another program, or one of another version', null],
  [{ trouble: 'silent', text: 'answers with status 401' }, 'answers with status 401', 'Restart'],
  [{ fails: 'Object not found' }, 'restart the service rpcd', null],
  [{ trouble: 'of a later version', text: 'new' }, 'does not answer this page', null],
  [{}, 'does not answer this page', null],
]) {
  test(`trouble is told: ${trouble.trouble ?? JSON.stringify(trouble)}`, () =>
    shown(router({ state: trouble }), {}, async (page) => {
      assert.ok((await page.text()).includes(sentence), await page.text());
      assert.deepEqual(await page.texts('#view button'), button ? [button] : []);
      // It goes on to ask, and shows the line once there is one.
      await page.evaluate(`window.given.answers.state = ${JSON.stringify({ line })}`);
      if (button) {
        await page.press(button);
        assert.ok((await page.calls()).includes('luci.netmonitor.restart'));
      } else {
        await page.poll();
      }
      assert.match(await page.text(), /Internet\tup/);
    }));
}

test('a state of another shape leaves nothing old on the page', () => shown(router(), {}, async (page) => {
  await page.evaluate('window.given.answers.state = { line: { status: "success" } }');
  await page.poll();
  assert.match(await page.text(), /another program, or one of another version/);
  assert.doesNotMatch(await page.text(), /Internet/);
}));

test('a restart that fails says why', () =>
  shown(router({ state: { trouble: 'stopped' }, restart: { good: false, text: 'API_PORT <b>x</b>' } }), {},
    async (page) => {
      await page.press('Start');
      assert.deepEqual(await page.evaluate('window.done.notifications'), ['API_PORT <b>x</b>']);
    }));

test('settings that were saved and are bad are told beside what runs', () =>
  shown(router({ settings: { ...settings, good: false, text: 'option queue_file: such a value' } }), {},
    async (page) => {
      const text = await page.text();
      assert.ok(text.includes('keeps the previous ones'), text);
      assert.ok(text.includes('option queue_file') && text.includes('Internet\tup'), text);
    }));

test('without the settings the state is shown all the same', () =>
  shown(router({ settings: { fails: 'Request timeout' } }), {}, async (page) => {
    assert.match(await page.text(), /Internet\tup/);
  }));

test('who may only look gets no button and asks only what that right allows', () =>
  shown(router({ state: { trouble: 'stopped' } }, { mayWrite: false }), {}, async (page) => {
    assert.match(await page.text(), /The service does not run/);
    assert.deepEqual(await page.texts('#view button'), []);
    assert.deepEqual([...new Set(await page.calls())].sort(),
      ['luci.netmonitor.settings', 'luci.netmonitor.state']);
  }));

test('nothing that a line says is HTML', () => {
  const evil = '<img src=x onerror="window.done.errors.push(\'ran\')"><script>window.done.errors.push("ran")</script>';
  return shown(withLine({
    internet: evil, wan: evil, pppoe: evil, version: evil, time: evil,
    ping: [{ target: evil, scope: 'domestic', rtt: 1, loss: 0 }, { target: 'a'.repeat(300), scope: evil, rtt: null, loss: null }],
    outages: [{ time: evil, seconds: 1, ongoing: false, cause: evil, side: evil }],
    events: [{ time: evil, type: evil, message: evil }, { time: '', type: 'constructor', message: '線路中斷 é' }],
  }), { width: PHONE }, async (page) => {
    assert.equal(await page.evaluate('document.querySelectorAll("#view img, #view script").length'), 0);
    assert.ok((await page.text()).includes(evil));
    assert.equal((await page.rows('Last events'))[1][2], '線路中斷 é');
    assert.ok(await page.fits());
  });
});

for (const address of ['javascript:alert(1)', 'http://x" onclick="alert(1)', 'data:text/html,x', 'ftp://x', '']) {
  test(`no link to ${JSON.stringify(address)}`, () =>
    shown(router({ settings: { ...settings, grafana: address } }), {}, async (page) => {
      assert.equal(await page.evaluate('document.querySelectorAll("#view a").length'), 0);
    }));
}

test('it fits a phone', () => shown(router(), { width: PHONE }, async (page) => {
  assert.ok(await page.fits());
}));

test('in Chinese nothing but what the program says is in English', () =>
  shown(router(), { language: 'zh_Hans', width: PHONE }, async (page) => {
    const of = translation('zh_Hans');
    assert.ok(Object.keys(of).length > 100);
    const text = (await page.text()).split('\n').filter((row) => !line.events.some(({ message }) => row.includes(message)));
    const english = text.join('\n').match(/[A-Za-z]{2,}/g) ?? [];
    const names = new Set(['netmonitor', 'WAN', 'PPPoE', 'CPU', 'GPON', 'dBm', 'ms', 'Grafana', 'ping', 'class', 'Overview', 'Settings', 'Diagnosis']);
    assert.deepEqual(english.filter((word) => !names.has(word)), []);
    assert.ok(await page.fits());
  }));
