/** A page of netmonitor in LuCI, as a browser has it: our files, and around them a stub. */

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const app = join(here, '../../openwrt/luci');
const resources = join(app, 'htdocs/luci-static/resources');

export const read = (path) => readFileSync(join(app, path), 'utf8');
const json = (path) => JSON.parse(read(path));

export const menu = json('root/usr/share/luci/menu.d/luci-app-netmonitor.json');
export const acl = json('root/usr/share/rpcd/acl.d/luci-app-netmonitor.json');

/** Text of each module by the name that 'require' has for it. */
export const sources = Object.fromEntries(['netmonitor', 'view/netmonitor'].flatMap((folder) =>
  readdirSync(join(resources, folder)).sort().map((file) => [
    `${folder}/${file.replace(/\.js$/, '')}`.replaceAll('/', '.'),
    readFileSync(join(resources, folder, file), 'utf8'),
  ])));

/** Texts by hash, of the file that a router gets. */
export function translation(language) {
  if (language === 'en') {
    return {};
  }
  const folder = mkdtempSync(join(tmpdir(), 'netmonitor-lmo-'));
  try {
    const file = join(folder, 'netmonitor.lmo');
    execFileSync('python3', [join(app, 'po2lmo.py'), join(app, `po/${language}/netmonitor.po`), file]);
    return textsByHash(readFileSync(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reads .lmo as LuCI does, by its table at the end. */
export function textsByHash(bytes) {
  const table = bytes.readUInt32BE(bytes.length - 4);
  const texts = {};
  for (let at = table; at < bytes.length - 4; at += 16) {
    const [hash, , place, length] = [0, 4, 8, 12].map((word) => bytes.readUInt32BE(at + word));
    texts[hash.toString(16).padStart(8, '0')] = bytes.toString('utf8', place, place + length);
  }
  return texts;
}

const asScript = (value) => JSON.stringify(value).replaceAll('<', '\\u003c');

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** What stands above each page of LuCI, by the menu's file. */
function head(name, texts) {
  const tabs = Object.entries(menu).filter(([, { action }]) => action.type === 'view');
  const items = tabs.map(([, { title, action }]) => {
    const active = action.path === name ? ' class="active"' : '';
    return `<li${active}>${escaped(texts[title] ?? title)}</li>`;
  });
  return `<header><b>OpenWrt</b><span class="active">Status</span><span>System</span><span>Network</span></header>
    <div id="maincontent"><ul class="tabs">${items.join('')}</ul><div id="notifications"></div><div id="view"></div></div>`;
}

/**
 * HTML of a page, which starts itself. `router`: {answers, uci, mayWrite}; `titles`: of the menu.
 */
export function html(name, router, language = 'en', titles = {}) {
  const given = {
    sources, acl, answers: {}, uci: {}, mayWrite: true, ...router, translation: translation(language),
  };
  const file = (path) => readFileSync(join(here, path), 'utf8');
  return `<!doctype html><html><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>${file('stub/theme.css')}</style></head><body>${head(name, titles)}
    <script>window.given = ${asScript(given)};</script><script>${file('stub/luci.js')}</script>
    <script>window.started = window.done.start(${asScript(name.replaceAll('/', '.'))});</script>
    </body></html>`;
}
