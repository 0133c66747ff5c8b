/**
 * Draws pictures of dashboards from their files and live data: see README.md. Prints what a
 * reader of a picture should know of each panel: errors, nothing to show, settings that no
 * column answers to.
 */

import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getFieldDisplayName } from '@grafana/data';
import { readAnnotations } from './annotations.mjs';
import { Chromium } from './chromium.mjs';
import { overridesWithoutField, prepareFrames, withThresholds } from './grafana.mjs';
import { Infinity as Bridge } from './infinity.mjs';
import { place } from './layout.mjs';
import { drawPage } from './page.mjs';
import { shrink } from './png.mjs';
import { Prometheus, withTables } from './prometheus.mjs';
import { readRange, readVariables, repeatPanels, replace } from './variables.mjs';

const SCREENS = [{ suffix: '', width: 1280 }, { suffix: '-phone', width: 390 }];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prometheus: { type: 'string', default: 'http://127.0.0.1:9090' },
    bridge: { type: 'string', default: 'http://127.0.0.1:5000' },
    router: { type: 'string' },
    // Instead of the dashboard's own time: "now-15m".
    from: { type: 'string' },
    dashboards: { type: 'string', default: 'grafana/dashboards' },
    out: { type: 'string', default: 'docs/images' },
  },
});
const prometheus = new Prometheus(options.prometheus);
const bridge = new Bridge(options.bridge);

async function draw(name, screen, now, browser) {
  const dashboard = JSON.parse(await readFile(join(options.dashboards, `${name}.json`), 'utf8'));
  const from = options.from ?? dashboard.time.from;
  const range = readRange({ ...dashboard.time, from }, now);
  const given = options.router ? { router: options.router } : {};
  const variables = await readVariables(dashboard, { given, range, prometheus });
  const panels = await Promise.all(
    place(repeatPanels(dashboard.panels, variables), screen.width).map((panel) => fill(panel, range)));
  const annotations = await readAnnotations(
    dashboard, { prometheus, range, width: screen.width, variables });
  const html = drawPage(dashboard, panels, { variables, range, annotations, width: screen.width });
  const picture = await shrink(await browser.picture(html, screen.width));
  const file = join(options.out, `dashboard-${name}${screen.suffix}.png`);
  await writeFile(file, picture);
  console.log(`${file}: ${Math.round(picture.length / 1000)} kB`);
  panels.forEach((panel) => remarks(panel).forEach((remark) => console.log(`  ${panel.title}: ${remark}`)));
}

/** The panel with what its queries gave, or with the error that Grafana would show. */
async function fill(placed, range) {
  if (placed.type === 'row') {
    return placed;
  }
  const panel = withThresholds(placed);
  try {
    const found = await Promise.all(panel.targets.map((target) => {
      const source = target.datasource.type === 'prometheus' ? prometheus : bridge;
      return source.frames(target, { range, width: panel.at.width, variables: panel.variables });
    }));
    const frames = withTables(panel.targets, found.flat());
    return { ...panel, frames: await prepareFrames(panel, frames, (text) => replace(text, panel.variables)) };
  } catch (error) {
    return { ...panel, error: error.cause ? `${error.message}: ${error.cause.message}` : error.message };
  }
}

function remarks({ type, error, frames, fieldConfig, box }) {
  if (type === 'row') {
    return [];
  }
  if (error) {
    return [`error: ${error}`];
  }
  if (frames.every(({ length }) => length === 0)) {
    return [`shows "${fieldConfig.defaults.noValue ?? 'No data'}"`];
  }
  const found = overridesWithoutField(
    { fieldConfig }, frames, (field, frame) => getFieldDisplayName(field, frame, frames))
    .map((column) => `no column is called "${column}"`);
  if (frames.length > 1 && type === 'table') {
    found.push(`${frames.length} tables, of which only the first is shown`);
  }
  return found;
}

const names = positionals.length > 0 ? positionals
  : (await readdir(options.dashboards)).map((file) => file.replace(/\.json$/, '')).sort();
await mkdir(options.out, { recursive: true });
const browser = await Chromium.start();
try {
  const now = Date.now();
  for (const name of names) {
    for (const screen of SCREENS) {
      await draw(name, screen, now, browser);
    }
  }
} finally {
  await browser.stop();
}
