/** The form: what is typed, what UCI is asked for it, and what is refused. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PHONE, Shown, stop } from './browser.mjs';
import { router, sections, settings } from './router.mjs';

after(stop);

const PAGE = 'netmonitor/settings';

async function shown(router, options, work) {
  const page = await Shown.open(PAGE, router, options);
  await work(page);
  assert.deepEqual(await page.errors(), []);
  await page.close();
}

const written = async (page) => (await page.calls()).filter(([name]) => /^uci\.(set|delete)$/.test(name));

const set = (option, value, section = 'cfg01') =>
  ['uci.set', { config: 'netmonitor', section, option, value }];

test('what is typed is set in UCI, in the section that is there, and nothing else', () =>
  shown(router(), {}, async (page) => {
    for (const [option, value] of [
      ['ping_targets', '223.5.5.5 example.com@international'], ['ping_interval', '0.5'],
      ['enabled', '0'], ['pppoe_iface', '-'], ['token', 's3cret'],
    ]) {
      assert.equal(await page.fill(option, value), '');
    }
    assert.equal(await page.fill('grafana_url', 'https://grafana.example/d/1'), '');
    await page.press('Save & Apply');
    assert.deepEqual(await written(page), [
      set('enabled', '0'), set('pppoe_iface', '-'),
      set('ping_targets', '223.5.5.5 example.com@international'), set('ping_interval', '0.5'),
      set('token', 's3cret'), set('grafana_url', 'https://grafana.example/d/1', 'luci'),
    ]);
    assert.ok(!(await page.calls()).includes('luci.netmonitor.prepare'));
    await page.press('Save & Apply');
    assert.equal((await written(page)).length, 6, 'what is as it was is not set again');
  }));

test('what is emptied is taken away, and a list is one text', () => {
  const uci = sections();
  Object.assign(uci.netmonitor[0], { ping_targets: ['192.0.2.1', '192.0.2.2'], api_port: '8322', enabled: '1' });
  return shown(router({}, { uci }), {}, async (page) => {
    assert.equal(await page.evaluate('document.querySelector("[data-name=ping_targets] input").value'),
      '192.0.2.1 192.0.2.2');
    await page.fill('api_port', '');
    await page.fill('enabled', '');
    await page.press('Save');
    assert.deepEqual(await written(page), ['enabled', 'api_port'].map((option) =>
      ['uci.delete', { config: 'netmonitor', section: 'cfg01', option }]));
  });
});

test('an empty field shows in grey what counts then', () => shown(router(), {}, async (page) => {
  const grey = (option) => page.evaluate(`document.querySelector('[data-name=${option}] input').placeholder`);
  assert.equal(await grey('ping_interval'), '2', 'of the file');
  assert.equal(await grey('max_events'), '200', 'the default');
  const choice = (option) =>
    page.evaluate(`document.querySelector('[data-name=${option}] option').innerText`);
  assert.equal(await choice('ping_gateway'), 'not set here (1)');
  assert.equal(await choice('optical_source'), 'not set here (command:/usr/bin/ont …)');
  assert.equal(await page.evaluate('document.querySelector("[data-name=token] input").type'), 'password');
}));

for (const [what, uci] of [
  ['no file at all', {}], ['a file without sections', { netmonitor: [] }],
  ['no section of the page', { netmonitor: [{ '.name': 'cfg09', '.type': 'netmonitor' }] }],
]) {
  test(`with ${what} the sections are made first`, () => {
    const made = { netmonitor: [...(uci.netmonitor ?? []),
      { '.name': 'cfg09', '.type': 'netmonitor' }, { '.name': 'luci', '.type': 'luci' }] };
    return shown(router({ prepare: { makes: made } }, { uci }), {}, async (page) => {
      assert.ok((await page.calls()).includes('luci.netmonitor.prepare'));
      await page.fill('max_events', '50');
      await page.press('Save & Apply');
      assert.deepEqual(await written(page), [set('max_events', '50', 'cfg09')]);
    });
  });
}

for (const oldLuci of [false, true]) {
  for (const [prepare, sentence] of [
    [{ trouble: 'uci', text: 'Parse error (EOF) at line 3' }, /cannot be read[^]*Parse error/],
    [{}, /cannot be read: correct it, or remove it/],
    [{ fails: 'Request timeout' }, /does not answer this page[^]*Request timeout/],
  ]) {
    const what = `${JSON.stringify(prepare)}${oldLuci ? ' in an older LuCI' : ''}`;
    test(`sections that cannot be had are told: ${what}`, () =>
      shown(router({ prepare }, { uci: {}, oldLuci }), {}, async (page) => {
        assert.match(await page.text(), sentence);
        assert.deepEqual(await page.texts('#view button'), []);
      }));
  }
}

test('of several sections the last one counts, and the page says so', () => {
  const uci = sections();
  uci.netmonitor.unshift({ '.name': 'cfg00', '.type': 'netmonitor', api_port: '1' });
  return shown(router({}, { uci }), {}, async (page) => {
    assert.match(await page.text(), /has 2 sections. Of each option the last one counts/);
    assert.equal(await page.evaluate('document.querySelector("[data-name=api_port] input").placeholder'), '1');
    await page.fill('api_port', '8400');
    await page.press('Save');
    assert.deepEqual(await written(page), [set('api_port', '8400')]);
  });
});

const HOSTILE = [
  '$(reboot)', '`reboot`', '; reboot', "x' y", 'x"y', 'a\tb', '<script>x</script>', '-', '../../etc/passwd',
  'x'.repeat(1001), ' ', 'é中', '\u0000', '%s%d', '*', '--help',
];

test('what is no good is refused where it stands, and then nothing at all is written', () =>
  shown(router(), {}, async (page) => {
    const texts = await page.evaluate(
      '[...document.querySelectorAll("[data-name] input")].map((input) => input.closest("[data-name]").dataset.name)');
    assert.equal(texts.length, 22 - 5 + 1, 'all but the choices, and the page\'s own');
    // A sensor may have any name without a slash; `-` is no PPPoE, and may be a token.
    const taken = (option, value) => option === 'temp_source' ?
      !/[/\t\0]/.test(value) && value.trim() === value && value.length < 1000 :
      (value === '-' && ['pppoe_iface', 'wan_iface', 'token'].includes(option)) ||
      (value === '--help' && ['pppoe_iface', 'wan_iface'].includes(option)) ||
      (option === 'token' && /^[!-~]{1,256}$/.test(value));
    for (const option of texts) {
      for (const value of HOSTILE) {
        const problem = await page.fill(option, value);
        assert.equal(problem === '', taken(option, value), `${option} ${value}: ${problem}`);
        assert.ok(!problem.includes('<'), problem);
      }
      await page.fill(option, '');
    }
    await page.fill('max_events', '50');
    await page.fill('api_port', '$(reboot)');
    await page.press('Save & Apply');
    assert.deepEqual(await written(page), []);
    assert.match((await page.evaluate('window.done.notifications'))[0], /^Port: Expected a port/);
  }));

test('no command and no file of the system can be chosen', () => shown(router(), {}, async (page) => {
  const choices = await page.evaluate(
    '[...document.querySelector("[data-name=optical_source] select").options].map((option) => option.value)');
  assert.deepEqual(choices, ['', 'auto', 'eeprom', 'hwmon', 'gpon', 'ubus', 'none']);
  // Someone may still put another one there.
  await page.evaluate(`document.querySelector('[data-name=optical_source] select')
    .append(new Option('x', 'command:/bin/sh -c reboot'))`);
  assert.notEqual(await page.fill('optical_source', 'command:/bin/sh -c reboot'), '');
  await page.press('Save');
  assert.deepEqual(await written(page), []);
}));

test('what is set and cannot be chosen stays until somebody chooses', () => {
  const uci = sections();
  Object.assign(uci.netmonitor[0], { optical_source: 'command:<b>x</b>', token_file: '/etc/netmonitor.gone' });
  return shown(router({}, { uci }), {}, async (page) => {
    const chosen = (option) => page.evaluate(`document.querySelector('[data-name=${option}] select').value`);
    assert.equal(await chosen('optical_source'), 'command:<b>x</b>');
    assert.equal(await chosen('token_file'), '/etc/netmonitor.gone');
    await page.fill('max_events', '50');
    await page.press('Save');
    assert.deepEqual(await written(page), [set('max_events', '50')], 'it keeps nobody from saving the rest');
    await page.fill('optical_source', '');
    await page.fill('token_file', '/etc/netmonitor.token');
    await page.press('Save');
    assert.deepEqual((await written(page)).slice(1), [set('token_file', '/etc/netmonitor.token'),
      ['uci.delete', { config: 'netmonitor', section: 'cfg01', option: 'optical_source' }]]);
  });
});

test('the token and its file exclude each other', () => shown(router(), {}, async (page) => {
  await page.fill('token', 's3cret');
  assert.equal(await page.fill('token_file', '/etc/netmonitor.token'),
    'Keep one of them: the token or its file.');
  await page.fill('token', '');
  assert.equal(await page.fill('token_file', '/etc/netmonitor.token'), '');
}));

test('a token of the file is told from one of UCI', () => {
  const without_uci = 'TOKEN="********"   # /etc/netmonitor.conf line 3';
  return shown(router({ settings: { ...settings, without_uci } }), {}, async (page) => {
    assert.match(await page.fill('token_file', '/etc/netmonitor.token'), /conf has TOKEN; keep one/);
    await page.fill('token_file', '');
    assert.equal(await page.fill('token', 'other'), '', 'the one of UCI counts');
  });
});

test('who may only look sees what is in force, without the form and without UCI', () => {
  const in_force = 'API_PORT="8321"   # default\nTOKEN="********"   # /var/run/netmonitor.conf line 1\nTEMP_SOURCE="a" # b" # default';
  return shown(router({ settings: { ...settings, in_force } }, { mayWrite: false }), {}, async (page) => {
    assert.deepEqual(await page.calls(), ['luci.netmonitor.settings']);
    assert.equal(await page.evaluate('document.querySelectorAll("input, select, button").length'), 0);
    const text = await page.text();
    assert.match(text, /Port\t8321\tdefault/);
    assert.match(text, /Token\t\*{8}\t\/var\/run/);
    assert.match(text, /CPU temperature\ta" # b\tdefault/);
  });
});

for (const mayWrite of [true, false]) {
  test(`a router that does not answer is told, ${mayWrite ? 'to all' : 'to readers'}`, () =>
    shown(router({ settings: { fails: 'Object not found' } }, { mayWrite }), {}, async (page) => {
      assert.match(await page.text(), /The router does not answer this page/);
      assert.deepEqual(await page.texts('#view button'), []);
    }));
}

test('bad settings are told, and the form is there to mend them', () =>
  shown(router({ settings: { ...settings, good: false, text: 'API_PORT="<b>x</b>"', without_uci: '' } }), {},
    async (page) => {
      assert.match(await page.text(), /saved last are bad[^]*API_PORT="<b>x<\/b>"/);
      assert.equal(await page.fill('api_port', '8321'), '');
      await page.press('Save & Apply');
      assert.deepEqual(await written(page), [set('api_port', '8321')]);
    }));

test('the service is restarted on request, and what it says is shown', () => shown(router(), {}, async (page) => {
  await page.press('Restart');
  await page.evaluate('window.given.answers.restart = { good: false, text: "bad" }');
  await page.press('Restart');
  await page.evaluate('window.given.answers.restart = { fails: "timeout" }');
  await page.press('Restart');
  assert.deepEqual(await page.evaluate('window.done.notifications'),
    ['The service runs with the settings that are saved.', 'bad', 'timeout']);
}));

for (const language of ['en', 'zh_Hans']) {
  test(`it fits a phone: ${language}`, () => shown(router(), { width: PHONE, language }, async (page) => {
    const tabs = await page.evaluate('document.querySelectorAll(".cbi-tabmenu a").length');
    assert.equal(tabs, 5);
    for (let tab = 0; tab < tabs; tab += 1) {
      await page.evaluate(`document.querySelectorAll(".cbi-tabmenu a")[${tab}].click()`);
      assert.ok(await page.fits());
    }
  }));
}
