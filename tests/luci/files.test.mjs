/** The files by themselves, and beside the program: lists, limits, words. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { acl, menu, read, sources } from './page.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const exporter = process.env.NETMONITOR_EXPORTER ?? join(root, 'target/debug/netmonitor-exporter');
const environment = { PATH: process.env.PATH, TZ: 'UTC' };

/** A module that needs nothing of LuCI but its classes. */
const module = (name) => new Function('baseclass', '_', 'String', sources[name])(
  { extend: (members) => members }, (text) => text, String);

Object.defineProperty(String.prototype, 'format', {
  value(...values) { return this.replace(/%[sd]/g, () => values.shift()); },
});

const { OPTIONS, TABS } = module('netmonitor.options');
const validators = module('netmonitor.validators');
const option = (key) => OPTIONS.find((one) => one.key === key);

function checkConfig(text) {
  const folder = mkdtempSync(join(tmpdir(), 'netmonitor-luci-'));
  try {
    writeFileSync(join(folder, 'conf'), text);
    const { status, stdout, stderr } = spawnSync(exporter, ['check-config', '--config', join(folder, 'conf')],
      { env: environment, encoding: 'utf8' });
    return { good: status === 0, stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the form has the settings of the program, with its defaults', () => {
  const service = new Function('baseclass', 'rpc', sources['netmonitor.service'])(
    { extend: (members) => members }, { declare: () => null });
  const program = service.parse(checkConfig('').stdout);
  const sorted = (keys) => [...keys].sort();
  assert.deepEqual(sorted(OPTIONS.map(({ key }) => key)), sorted(Object.keys(program)));
  for (const { key, initial } of OPTIONS) {
    assert.deepEqual(program[key], { value: initial, origin: 'default' }, key);
  }
});

test('what wants a restart is said to', () => {
  const rows = readFileSync(join(root, 'docs/configuration.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \|.*?\|.*?\| (yes|) ?\|/gm);
  // The service looks at ENABLED itself, whenever it is told to read the settings again.
  const wanting = [...rows].filter(([, key, restart]) => restart && key !== 'ENABLED').map(([, key]) => key);
  assert.ok(wanting.length > 0);
  assert.deepEqual(OPTIONS.filter(({ restart }) => restart).map(({ key }) => key).sort(), wanting.sort());
});

test('each option stands on a tab and has help, and each choice has a label', () => {
  const tabs = TABS.map(([name]) => name);
  for (const { key, tab, title, help, choices, labels } of OPTIONS) {
    assert.ok(tabs.includes(tab) && title && help, key);
    // LuCI takes both as HTML.
    assert.doesNotMatch(title + help, /[<>&]/, key);
    if (labels) {
      assert.deepEqual(Object.keys(labels), choices, key);
    }
  }
});

test('the names of what can be left out are the program\'s', () => {
  const { stderr } = checkConfig('DISABLE="nothing_of_that_name"');
  const [, names] = stderr.match(/expected some of ([a-z0-9_ ]+)/);
  assert.deepEqual(option('DISABLE').names, names.trim().split(' '));
});

const many = (count, of) => Array.from({ length: count }, (_, i) => of(i)).join(' ');

/** key: [values that both take, values that both refuse, values that only the program takes]. */
const VALUES = {
  ENABLED: [['0', '1'], ['2', 'yes', '-1']],
  WAN_IFACE: [['wan', 'wan,eth1', 'wan eth1', 'a,b,c,d', 'eth0.2', 'x'.repeat(32)],
    ['a,b,c,d,e', ',', 'wan/', '..', 'a;b', 'x'.repeat(33), 'é']],
  PPPOE_IFACE: [['pppoe-wan', '-'], ['a b', '../x', '$x']],
  API_PORT: [['1', '80', '65535'], ['65536', '-1', '1.5', 'http', '0x50', '999999'], ['0', '00']],
  LISTEN: [['0.0.0.0', '0.0.0.0 ::', '127.0.0.1 192.168.1.1', '::1', many(16, (i) => `10.0.0.${i}`)],
    ['localhost', '192.168.1.1:80', '1.2.3', '01.2.3.4', '256.1.1.1', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', many(17, (i) => `10.0.0.${i}`)],
    ['0.0.0.0 192.168.1.1', '10.0.0.1 10.0.0.1', '[::1]', ':: ::1']],
  ALLOWED_IPS: [['192.168.1.0/24 fd00::/8', '10.0.0.1', '::/0', '0.0.0.0/0', '::ffff:192.0.2.1/128', '1:2:3:4:5:6:1.2.3.4'],
    ['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', 'lan', '10.0.0.0/-1', '10.0.0/8', '1.2.3.4::', '1:2:3:4:5:6:7:1.2.3.4']],
  TOKEN: [['a', 'x'.repeat(256), "a'b\"c$(d)`"], ['a b', 'é', 'x'.repeat(257)]],
  PING_TARGETS: [['223.5.5.5 8.8.8.8@international', 'example.com', 'a_b.example', '2001:db8::1@domestic', 'x.', many(32, (i) => `10.0.0.${i}`)],
    ['gateway', 'a b@c', '1.1.1.1 1.1.1.1@international', '1.2.3', '-a', 'a-', '.', 'a..b', '@', `${'a'.repeat(64)}.b`, many(33, (i) => `10.0.0.${i}`), '<script>']],
  PING_INTERVAL: [['0.2', '1', '600', '0.25'], ['0.19', '0', '601', '-1', 'x', '1 s', 'NaN', 'inf'], ['1e0', '+1', '.5']],
  PING_TIMEOUT: [['0.1', '10'], ['0.05', '10.1', '']],
  PING_GATEWAY: [['0', '1'], ['on']],
  DNS_NAME: [['example.com', '192.0.2.1'], ['a b', '-', 'a/b']],
  MAX_EVENTS: [['1', '10000'], ['0', '10001', '1.5', '-5', 'many'], ['+5']],
  QUEUE_FILE: [['/tmp/net_events.json', '/mnt/usb/net_events.home.json', '/var/x/net_events1.json'], ['events.json', 'tmp/net_events.json'],
    ['/etc/passwd', '/tmp/../etc/net_events.json', '/tmp/x.json', '/tmp/xnet_events.json', '/etc/net_events.json']],
  LOG_SOURCE: [['auto', 'logread,kmsg', 'none', 'file:/var/log/messages', 'auto,file:/tmp/a,file:/mnt/b,kmsg'],
    ['syslog', 'none,kmsg', 'file:x', 'auto,logread,kmsg,file:/tmp/a,file:/tmp/b', ','],
    ['file:/etc/shadow', 'file:/tmp/../etc/shadow', 'auto, kmsg', 'file:/dev/watchdog']],
  LOG_LEVEL: [['0', '4'], ['5', 'debug']],
  WAN_POLL_INTERVAL: [['0', '1', '86400', '2.5'], ['0.5', '86401', '-1']],
  OPTICAL_SOURCE: [['auto', 'eeprom', 'hwmon', 'gpon', 'ubus', 'none'], ['sfp', 'command:', 'command:x'], ['command:/bin/true']],
  TEMP_SOURCE: [['auto', 'none', 'cpu-thermal', "it's $(x)", '/sys/class/thermal/thermal_zone0/temp', '/sys/class/hwmon/hwmon0/temp1_input'], [],
    ['/sys/class/net/eth0/address', '/dev/watchdog', '/sys/../dev/x', 'a/b']],
  LCP_RTT_FILE: [['/tmp/rtt', '/var/run/rtt'], ['rtt'], ['/dev/watchdog', '/tmp/../etc/x', '/etc/rtt']],
  DISABLE: [['ping', 'ping dns,kmsg'], ['everything', 'ping;dns']],
};

// TOKEN_FILE chooses among files that the program has taken.
for (const { key } of OPTIONS.filter(({ key }) => key !== 'TOKEN_FILE')) {
  test(`the form takes of ${key} what the program takes`, () => {
    const [both, neither, program = []] = VALUES[key];
    const takes = (value) => checkConfig(`${key}='${value.replaceAll("'", "'\\''")}'\n`).good;
    for (const value of both) {
      assert.equal(validators.check(option(key), value), true, value);
      assert.ok(takes(value), `the program: ${value}`);
    }
    for (const value of neither.filter((value) => value !== '')) {
      assert.notEqual(validators.check(option(key), value), true, value);
      assert.ok(!takes(value), `the program: ${value}`);
    }
    for (const value of program) {
      assert.notEqual(validators.check(option(key), value), true, value);
      assert.ok(takes(value), `the program: ${value}`);
    }
  });
}

test('limits of the form are where the program has them', () => {
  assert.equal(validators.check({ ...option('TEMP_SOURCE') }, 'x'.repeat(1000)), true);
  assert.notEqual(validators.check({ ...option('TEMP_SOURCE') }, 'x'.repeat(1001)), true);
  for (const value of ['a\nb', 'a\u0000', 'a\u007f', ' a', 'a ']) {
    assert.notEqual(validators.check(option('TEMP_SOURCE'), value), true, JSON.stringify(value));
  }
});

test('there is a word for every name that the program has', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'netmonitor-luci-'));
  writeFileSync(join(folder, 'conf'), '');
  const program = spawn(exporter, ['--listen', '127.0.0.1', '--api-port', '0', '--ping-targets', '',
    '--ping-gateway', '0', '--log-source', 'none', '--config', join(folder, 'conf'), '--queue-file', join(folder, 'events.json')],
  { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let address;
    for await (const line of createInterface({ input: program.stderr })) {
      [, address] = line.match(/answers on (http:\S+)/) ?? [];
      if (address) {
        break;
      }
    }
    const metrics = await (await fetch(`${address}/metrics`)).text();
    const labels = (name, label) => [...new Set(
      [...metrics.matchAll(new RegExp(`^netmonitor_${name}\\{.*\\b${label}="([^"]+)"`, 'gm'))].map(([, value]) => value))].sort();
    const words = module('netmonitor.words');
    assert.deepEqual(Object.keys(words.EVENTS).sort(), labels('events_total', 'type'));
    assert.deepEqual(Object.keys(words.SIDES).sort(), labels('outages_total', 'side'));
    // Resolvers alone are no outage, and yet a cause that a router may tell of.
    assert.deepEqual(Object.keys(words.CAUSES).filter((name) => name !== 'dns').sort(), labels('outages_total', 'cause'));
  } finally {
    program.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('the limits of light are those of docs/normal-ranges.md', () => {
  const document = readFileSync(join(root, 'docs/normal-ranges.md'), 'utf8').replaceAll('−', '-');
  const { GPON, SENT } = module('netmonitor.light');
  assert.match(document, new RegExp(`light received, GPON.*below ${GPON.low_warning} dBm \\| below ${GPON.low_alarm} dBm`));
  assert.match(document, new RegExp(`above ${GPON.high_warning} dBm`));
  assert.match(document, new RegExp(`light sent, GPON.*below ${SENT.low} or above ${SENT.high} dBm`));
});

test('spans are in words', () => {
  const { span } = module('netmonitor.words');
  assert.deepEqual([0, 59.4, 60, 83.2, 3600, 7265].map(span),
    ['0 s', '59 s', '1 min 0 s', '1 min 23 s', '1 h 0 min', '2 h 1 min']);
});

test('the menu shows each view to who may look, whatever the router has', () => {
  for (const [path, { title, action, depends }] of Object.entries(menu)) {
    assert.ok(path.startsWith('admin/status/netmonitor') && title, path);
    // A file of settings that is missing must not hide the page.
    assert.deepEqual(depends, { acl: Object.keys(acl) });
    if (action.type === 'view') {
      assert.ok(sources[`view.${action.path.replaceAll('/', '.')}`], path);
    } else {
      assert.ok(menu[action.path], path);
    }
  }
  const views = Object.values(menu).filter(({ action }) => action.type === 'view').length;
  assert.equal(views, Object.keys(sources).filter((name) => name.startsWith('view.')).length);
});

test('who may only look can change nothing and read no token', () => {
  const { read: look, write } = acl['luci-app-netmonitor'];
  assert.deepEqual(look, { ubus: { 'luci.netmonitor': ['state', 'settings', 'doctor'] } });
  assert.deepEqual(write, {
    ubus: { 'luci.netmonitor': ['prepare', 'restart'] }, uci: { netmonitor: ['read', 'write'] },
  });
  const { stdout } = spawnSync('sh', [join(root, 'openwrt/luci/root/usr/libexec/rpcd/luci.netmonitor'), 'list'], { encoding: 'utf8' });
  const methods = [...look.ubus['luci.netmonitor'], ...write.ubus['luci.netmonitor']];
  assert.deepEqual(JSON.parse(stdout), Object.fromEntries(methods.map((method) => [method, {}])));
  const asked = [...sources['netmonitor.service'].matchAll(/call\('(\w+)'\)/g)].map(([, method]) => method);
  assert.deepEqual(asked.sort(), methods.sort());
});

test('browsers of some years ago can read the pages', () => {
  for (const [name, source] of Object.entries(sources)) {
    assert.match(source, /^'use strict';\n'require (view|baseclass)';\n/, name);
    const code = source.replace(/'(?:[^'\\\n]|\\.)*'/g, "''").replace(/\/\*[^]*?\*\//g, '')
      .replace(/\/(?:[^/\\\n]|\\.)+\/[gim]*/g, '//');
    assert.doesNotMatch(code, /=>|\b(let|const|class|async|await)\b|`|\?\.|\?\?|\.\.\./, name);
    // The minifier of luci.mk takes this for a division, and what follows for code.
    assert.doesNotMatch(source, /return \/[^/*]/, name);
    // Data goes into text nodes.
    assert.doesNotMatch(code, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|cbi_update_table/, name);
  }
});

test('what the package lays down is what is here', () => {
  const listed = read('contents').split('\n').filter((row) => row && !row.startsWith('#'));
  assert.ok(listed.length > 0);
  for (const module of Object.keys(sources)) {
    const path = `www/luci-static/resources/${module.replaceAll('.', '/')}.js`;
    assert.ok(listed.some((row) => row.startsWith(`${path} 644 `)), path);
  }
});
