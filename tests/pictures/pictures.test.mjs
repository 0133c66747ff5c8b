/** What is ours between an answer and a picture, held against what Grafana makes of the same. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import './browser.mjs';
import { prepareFrames, withThresholds } from './grafana.mjs';
import { Infinity as Bridge } from './infinity.mjs';
import { place } from './layout.mjs';
import { Prometheus, withTables } from './prometheus.mjs';
import { readChosen } from './page.mjs';
import { builtIn, readRange, readVariables, repeatPanels, replace, stepMs } from './variables.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RANGE = { from: 10 * DAY, to: 11 * DAY };

/** A server that answers everything with `body`; gives the paths that were asked for. */
async function serve(body, ask) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(decodeURIComponent(request.url.replaceAll('+', ' ')));
    response.end(body);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    const answer = await ask(`http://127.0.0.1:${server.address().port}`);
    return { answer, asked };
  } finally {
    server.close();
  }
}

function vector(...samples) {
  const result = samples.map(([metric, value]) => ({ metric, value: [1, String(value)] }));
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
}

async function instant(refId, ...samples) {
  const target = {
    refId, expr: 'x', instant: true, format: 'table', datasource: { type: 'prometheus' },
  };
  const { answer } = await serve(vector(...samples), (address) => new Prometheus(address)
    .frames(target, { range: RANGE, width: 600, variables: {} }));
  return { target, frames: answer };
}

test('steps are as long as a pixel, and never shorter than a scrape', () => {
  assert.equal(stepMs(RANGE, 1280), 60_000);
  assert.equal(stepMs(RANGE, 390), 300_000);
  assert.equal(stepMs({ from: 0, to: HOUR }, 1280), 15_000);
});

test('a rate has at least four scrapes', () => {
  assert.equal(builtIn(RANGE, 15_000).__rate_interval, '60s');
  assert.equal(builtIn(RANGE, 120_000).__rate_interval, '135s');
  assert.equal(builtIn(RANGE, 120_000).__range, '86400s');
});

test('several values are a regular expression, unknown names stay', () => {
  const variables = { router: 'home', target: ['1.1.1.1', 'a'] };
  assert.equal(replace('{r="$router",t=~"${target}"} $other', variables),
    String.raw`{r="home",t=~"(1\\.1\\.1\\.1|a)"} $other`);
});

test('all values are the pattern that the variable has for them', async () => {
  const dashboard = { templating: { list: [
    { name: 'site', label: 'Site', type: 'query', multi: true, allValue: '.*', current: { value: ['$__all'] },
      query: { query: 'label_values(up, site)' } },
    { name: 'floor', type: 'query', multi: true, hide: 3, current: { value: ['$__all'] },
      query: { query: 'label_values(up{site=~"$site"}, floor)' } },
  ] } };
  const prometheus = { labelValues: async (label, selector) => [`${label} of ${selector}`] };
  const variables = await readVariables(dashboard, { given: {}, range: RANGE, prometheus });
  assert.deepEqual(variables, { site: '.*', floor: ['floor of up{site=~".*"}'] });
  assert.deepEqual(readChosen(dashboard, variables), [{ label: 'Site', value: 'All' }]);
});

test('only times that are understood are taken', () => {
  assert.deepEqual(readRange({ from: 'now-24h', to: 'now' }, RANGE.to), RANGE);
  assert.throws(() => readRange({ from: 'yesterday', to: 'now' }, 0), /expected "now"/);
});

test('a repeated panel pushes down what is below', () => {
  const panels = repeatPanels([
    { title: 'of $target', repeat: 'target', maxPerRow: 2, gridPos: { x: 0, y: 0, w: 24, h: 8 } },
    { title: 'below', gridPos: { x: 0, y: 8, w: 12, h: 4 } },
  ], { target: ['a', 'b', 'c'] });
  assert.deepEqual(panels.map(({ title, gridPos: { x, y } }) => [title, x, y]),
    [['of a', 0, 0], ['of b', 12, 0], ['of c', 0, 8], ['below', 0, 16]]);
});

test('panels move up where there is room, but not beside repeated ones', () => {
  const panels = repeatPanels([
    { title: 'of $target', repeat: 'target', maxPerRow: 2, gridPos: { x: 0, y: 0, w: 24, h: 8 } },
    { title: 'left', gridPos: { x: 0, y: 8, w: 12, h: 2 } },
    { title: 'right', gridPos: { x: 12, y: 8, w: 12, h: 4 } },
    { title: 'below', gridPos: { x: 0, y: 12, w: 12, h: 4 } },
  ], { target: ['a'] });
  assert.deepEqual(place(panels, 1280).map(({ title, at: { top } }) => [title, top]),
    [['of a', 0], ['left', 304], ['right', 304], ['below', 380]]);
});

test('a phone has one column, in the order of reading', () => {
  const panels = [[12, 0], [0, 0], [0, 4]].map(([x, y]) => ({ gridPos: { x, y, w: 12, h: 4 } }));
  assert.deepEqual(place(panels, 390).map(({ gridPos: { x, y } }) => [x, y]), [[0, 0], [12, 0], [0, 4]]);
});

test('values of several queries are rows of one table', async () => {
  const a = await instant('A', [{ router: 'home' }, 1], [{ router: 'cabin' }, 2]);
  const b = await instant('B', [{ router: 'home' }, 3]);
  const frames = withTables([a.target, b.target], [...a.frames, ...b.frames]);
  const panel = { transformations: [{ id: 'merge', options: {} }], fieldConfig: { defaults: {}, overrides: [] } };
  const [table] = await prepareFrames(panel, frames, (text) => text);
  assert.deepEqual(Object.fromEntries(table.fields.map(({ name, values }) => [name, [...values]])), {
    Time: [1000, 1000], router: ['home', 'cabin'], 'Value #A': [1, 2], 'Value #B': [3, undefined],
  });
});

test('a row without a label that others have is one row as well', async () => {
  const labelled = { site: 'berlin', router: 'home' };
  const a = await instant('A', [labelled, 1], [{ router: 'cabin' }, 2]);
  // Of the cabin alone: then there is no column for the label at all.
  const b = await instant('B', [{ router: 'cabin' }, 3]);
  const frames = withTables([a.target, b.target], [...a.frames, ...b.frames]);
  const panel = { transformations: [{ id: 'merge', options: {} }], fieldConfig: { defaults: {}, overrides: [] } };
  const [table] = await prepareFrames(panel, frames, (text) => text);
  const column = (name) => [...table.fields.find((field) => field.name === name).values];
  assert.deepEqual(column('router'), ['home', 'cabin']);
  assert.deepEqual(column('Value #B'), [undefined, 3]);
});

test('the value of a single query has no letter', async () => {
  const { target, frames } = await instant('A', [{ router: 'home' }, 1]);
  const [table] = withTables([target], frames);
  assert.deepEqual(table.fields.map(({ name }) => name), ['Time', 'router', 'Value']);
});

test('thresholds of a column begin at minus infinity', async () => {
  const steps = [{ value: null, color: 'red' }, { value: -28, color: 'green' }];
  const properties = [{ id: 'thresholds', value: { mode: 'absolute', steps } }];
  const panel = withThresholds({
    fieldConfig: {
      defaults: { thresholds: { mode: 'absolute', steps: [{ value: null, color: 'blue' }] } },
      overrides: [{ matcher: { id: 'byName', options: 'light' }, properties }],
    },
  });
  const frame = { fields: [{ name: 'light', type: 'number', config: {}, values: [] }], length: 0 };
  const [{ fields: [light] }] = await prepareFrames(panel, [frame], (text) => text);
  assert.notEqual(light.display(-20).color, light.display(-29).color);
});

test('buckets of a heat map are what is between two bounds', async () => {
  const result = [['+Inf', 9], ['0.1', 4], ['0.02', 1]]
    .map(([le, count]) => ({ metric: { le }, values: [[1, String(count)]] }));
  const { answer: [frame] } = await serve(
    JSON.stringify({ status: 'success', data: { result } }), (address) => new Prometheus(address)
      .frames({ refId: 'A', expr: 'x', format: 'heatmap', legendFormat: '{{le}}' }, { range: RANGE, width: 600, variables: {} }));
  assert.deepEqual(frame.fields.slice(1).map(({ name, values }) => [name, values[0]]),
    [['0.02', 1], ['0.1', 3], ['+Inf', 5]]);
});

test('what Prometheus refuses is said', async () => {
  const refusal = JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'no such function' });
  await assert.rejects(serve(refusal, (address) => new Prometheus(address)
    .frames({ refId: 'A', expr: 'x' }, { range: RANGE, width: 600, variables: {} })), /bad_data: no such function/);
});

test('a sheet may have commas, quotes and empty cells', async () => {
  const target = {
    refId: 'A', type: 'csv', url: '/api/v1/hourly',
    url_options: { params: [{ key: 'from', value: '${__timeFrom:date:iso}' }, { key: 'router', value: '$router' }] },
    columns: [
      { selector: 'hour', text: 'hour', type: 'timestamp' },
      { selector: 'note', text: 'said', type: 'string' },
      { selector: 'loss', text: 'loss', type: 'number' },
    ],
  };
  const { answer: [frame], asked } = await serve(
    'hour,loss,note\r\n1970-01-01T01:00:00.000Z,,"a ""b"", c"\r\n', (address) => new Bridge(address)
      .frames(target, { range: RANGE, variables: { router: 'home' } }));
  assert.deepEqual(asked, ['/api/v1/hourly?from=1970-01-11T00:00:00.000Z&router=home']);
  assert.deepEqual(frame.fields.map(({ name, type, values }) => [name, type, values]),
    [['hour', 'time', [HOUR]], ['said', 'string', ['a "b", c']], ['loss', 'number', [null]]]);
});
