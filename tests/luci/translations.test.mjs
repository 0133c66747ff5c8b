/** Every text is in the template and translated, and nothing else is. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { app, read, sources, translation } from './page.mjs';
import { entries, files, languages, texts, write } from './translations.mjs';

if (process.env.UPDATE_EXPECT) {
  write();
}

test('template and translations have the texts of the pages (UPDATE_EXPECT=1 writes them)', () => {
  for (const [path, text] of files()) {
    assert.equal(read(path), text, path);
  }
});

test('every use of _ is a plain text, with single spaces, as LuCI looks it up', () => {
  for (const [name, source] of Object.entries(sources)) {
    const uses = source.match(/\b_\(/g) ?? [];
    const plain = source.match(/\b_\('(?:[^'\\]|\\.)*'\)/g) ?? [];
    assert.equal(uses.length, plain.length, name);
  }
  for (const text of texts().keys()) {
    assert.equal(text, text.trim().replace(/\s+/g, ' '));
  }
});

test('nothing is left untranslated, and placeholders are the same', () => {
  assert.deepEqual(languages(), ['zh_Hans']);
  const placeholders = (text) => text.match(/%[a-z]/g) ?? [];
  for (const language of languages()) {
    const translated = entries(read(`po/${language}/netmonitor.po`));
    assert.deepEqual([...translated.keys()], [...texts().keys()]);
    for (const [text, of] of translated) {
      assert.notEqual(of, '', `${language}: ${text}`);
      assert.deepEqual(placeholders(of), placeholders(text), `${language}: ${text}`);
    }
    // Through the file that a router gets, whose table has one row for each.
    assert.deepEqual(Object.values(translation(language)).sort(), [...translated.values()].sort());
  }
});

const converted = (po) => {
  const folder = mkdtempSync(join(tmpdir(), 'netmonitor-po-'));
  try {
    writeFileSync(join(folder, 'a.po'), po);
    return spawnSync('python3', [join(app, 'po2lmo.py'), join(folder, 'a.po'), join(folder, 'a.lmo')],
      { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('hashes are those of SuperFastHash', () => {
  const python = (text) => execFileSync('python3', ['-B', '-c',
    'import sys; sys.path.insert(0, sys.argv[1]); import po2lmo; print("%08x" % po2lmo.sfh(sys.argv[2].encode()))',
    app, text], { encoding: 'utf8' }).trim();
  // Computed by the algorithm in C as its author published it, begun with the length.
  for (const [text, hash] of [
    ['', '00000000'], ['a', '115ea782'], ['ab', '516b8b44'], ['abc', 'd2be198a'], ['abcd', 'dad8b8db'],
    ['é', 'c4fba554'], ['°C …', 'fa291e56'], ['Save & Apply', '610beed4'],
  ]) {
    assert.equal(python(text), hash, text);
  }
});

for (const [what, po] of [
  ['a plural', 'msgid ""\nmsgstr ""\n\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\n'],
  ['a context', 'msgid ""\nmsgstr ""\n\nmsgctxt "a"\nmsgid "b"\nmsgstr "c"\n'],
  ['two spaces', 'msgid ""\nmsgstr ""\n\nmsgid "a  b"\nmsgstr "c"\n'],
  ['no translation line', 'msgid ""\nmsgstr ""\n\nmsgid "a"\n'],
  ['an open quote', 'msgid ""\nmsgstr ""\n\nmsgid "a\nmsgstr "c"\n'],
  ['no head', 'msgid "a"\nmsgstr "c"\n'],
]) {
  test(`the converter refuses ${what}`, () => {
    const { status, stderr } = converted(po);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^po2lmo.py: .*a\.po: /);
  });
}
