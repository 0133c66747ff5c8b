/**
 * The texts of the pages and their translations: which there are, and as files. With `write` they
 * are brought up to date: the template anew, translations kept, new ones empty, stale ones gone.
 */

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { acl, app, menu, read, sources } from './page.mjs';

const TEMPLATE = 'po/templates/netmonitor.pot';
const HEAD = '"Content-Type: text/plain; charset=UTF-8\\n"';

/** Each text with the files that have it. */
export function texts() {
  const found = new Map();
  const add = (text, file) => found.set(text, [...(found.get(text) ?? []), file]);
  for (const [name, source] of Object.entries(sources)) {
    for (const [, quoted] of source.matchAll(/\b_\('((?:[^'\\]|\\.)*)'\)/g)) {
      add(quoted.replaceAll("\\'", "'"), `${name.replaceAll('.', '/')}.js`);
    }
  }
  Object.values(menu).forEach(({ title }) => add(title, 'menu.d'));
  Object.values(acl).forEach(({ description }) => add(description, 'acl.d'));
  return found;
}

const quoted = (text) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const entry = (text, files, translation) =>
  `#: ${[...new Set(files)].join(' ')}\nmsgid ${quoted(text)}\nmsgstr ${quoted(translation)}\n`;

/** Translations by text, of a file in the form that we write. */
export function entries(po) {
  const unquoted = (text) => text.replaceAll(/\\(.)/g, '$1');
  return new Map([...po.matchAll(/^msgid "(.+)"\nmsgstr "(.*)"$/gm)]
    .map(([, text, translation]) => [unquoted(text), unquoted(translation)]));
}

export const languages = () => readdirSync(join(app, 'po')).filter((name) => name !== 'templates');

/** Path and text of each file as it is to be. */
export function files() {
  const all = texts();
  const file = (head, translation) =>
    [head, ...[...all].map(([text, of]) => entry(text, of, translation(text)))].join('\n');
  return [
    [TEMPLATE, file(`msgid ""\nmsgstr ${HEAD}\n`, () => '')],
    ...languages().map((language) => {
      const path = `po/${language}/netmonitor.po`;
      const known = entries(read(path));
      const head = `msgid ""\nmsgstr ""\n"Language: ${language}\\n"\n${HEAD}\n`;
      return [path, file(head, (text) => known.get(text) ?? '')];
    }),
  ];
}

export const write = () => files().forEach(([path, text]) => writeFileSync(join(app, path), text));
