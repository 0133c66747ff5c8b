/** The page of a dashboard: its head, its panels, and a line that says what the picture is. */

import { dateTimeFormat } from '@grafana/data';
import { TIME_ZONE, theme } from './grafana.mjs';
import * as barchart from './panels/barchart.mjs';
import * as bargauge from './panels/bargauge.mjs';
import * as heatmap from './panels/heatmap.mjs';
import * as stat from './panels/stat.mjs';
import * as stateTimeline from './panels/state-timeline.mjs';
import * as table from './panels/table.mjs';
import * as timeseries from './panels/timeseries.mjs';
import { escape, textWidth } from './text.mjs';

const KINDS = { barchart, bargauge, heatmap, stat, 'state-timeline': stateTimeline, table, timeseries };
const SMALL_PRINT = "drawn by `make pictures` from the dashboard's file and the demo's data; Grafana itself looks a little different";
const FOOT = 34;

/** HTML of a whole dashboard whose panels have been placed and have their frames or an error. */
export function drawPage(dashboard, panels, { variables, range, annotations, width }) {
  const head = headHeight(dashboard, variables, width);
  const height = head + Math.max(...panels.map(({ at }) => at.top + at.height)) + FOOT;
  const boxes = panels.map((panel, index) => drawPanel(panel, { range, annotations, key: `plot${index}` }));
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style>
    <body style="width:${width}px;height:${height}px">
    ${drawHead(dashboard, variables, range)}
    <main style="top:${head}px">${boxes.join('')}</main>
    <footer style="top:${height - FOOT + 6}px">${escape(SMALL_PRINT)}</footer>`;
}

function readChosen({ templating }, variables) {
  return templating.list.map(({ name, label }) => ({
    label: label ?? name, value: [variables[name]].flat().join(' + '),
  }));
}

/** The variables take another line where one is not enough. */
function headHeight(dashboard, variables, width) {
  let lines = 1;
  let used = 0;
  for (const { label, value } of readChosen(dashboard, variables)) {
    const wanted = textWidth(label, 12) + textWidth(value, 12) + 44;
    lines += used > 0 && used + wanted > width - 32 ? 1 : 0;
    used = used > 0 && used + wanted > width - 32 ? wanted : used + wanted;
  }
  return 52 + lines * 40;
}

function drawHead(dashboard, variables, range) {
  const chosen = readChosen(dashboard, variables).map(({ label, value }) => (
    `<span class="variable"><u>${escape(label)}</u><s>${escape(value)}</s></span>`));
  const moment = (at) => dateTimeFormat(at, { format: 'MM-DD HH:mm', timeZone: TIME_ZONE });
  return `<header><h1>${escape(dashboard.title)}<small>${moment(range.from)} to ${moment(range.to)}</small></h1>
    <div class="variables">${chosen.join('')}</div></header>`;
}

function drawPanel(panel, context) {
  const { left, top, width, height } = panel.at;
  const where = `left:${left}px;top:${top}px;width:${width}px;height:${height}px`;
  if (panel.type === 'row') {
    return `<h2 style="${where}">⌄ ${escape(panel.title)}</h2>`;
  }
  return `<section style="${where}"><h3><span>${escape(panel.title)}</span><i>i</i></h3>
    <div class="body">${drawBody(panel, context)}</div></section>`;
}

function drawBody(panel, context) {
  if (panel.error) {
    return `<p class="error">${escape(panel.error)}</p>`;
  }
  try {
    return KINDS[panel.type].draw(panel, panel.frames, panel.box, context)
      ?? `<p class="empty">${escape(panel.fieldConfig.defaults.noValue ?? 'No data')}</p>`;
  } catch (error) {
    return `<p class="error">${escape(error.message)}</p>`;
  }
}

const { background, border, text } = theme.colors;
const STYLE = `
* { box-sizing: border-box; margin: 0; }
body { background: ${background.canvas}; color: ${text.primary}; font: 14px/22px Inter, Helvetica, Arial, sans-serif; position: relative; overflow: hidden; }
main { position: absolute; left: 0; }
header { padding: 10px 16px; white-space: nowrap; }
h1 { overflow: hidden; text-overflow: ellipsis; font-size: 18px; font-weight: 500; line-height: 30px; }
small { font-size: 12px; color: ${text.secondary}; margin-left: 16px; }
.variables { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 6px; }
.variable { display: flex; height: 32px; line-height: 30px; font-size: 12px; }
u { text-decoration: none; background: ${background.secondary}; padding: 0 8px; border: 1px solid ${border.weak}; }
s { text-decoration: none; border: 1px solid ${border.medium}; border-left: 0; padding: 0 8px; max-width: 320px; overflow: hidden; text-overflow: ellipsis; }
footer { position: absolute; left: 16px; right: 16px; font-size: 11px; color: ${text.secondary}; line-height: 12px; }
h2 { position: absolute; font-size: 14px; font-weight: 500; line-height: 30px; }
section { position: absolute; background: ${background.primary}; border: 1px solid ${border.weak}; border-radius: 2px; overflow: hidden; }
h3 { height: 40px; padding: 0 8px; display: flex; align-items: center; gap: 6px; font-size: 14px; font-weight: 500; }
h3 span { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
h3 i { flex: none; font: 600 9px/12px Inter; width: 14px; height: 14px; text-align: center; border: 1px solid ${text.secondary}; border-radius: 7px; color: ${text.secondary}; }
.body { position: absolute; left: 8px; right: 8px; top: 48px; bottom: 8px; overflow: hidden; }
svg { display: block; } svg text { font-family: Inter, sans-serif; }
.tick { font-size: 12px; text-anchor: middle; fill: ${text.primary}; }
.empty, .error { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; text-align: center; color: ${text.secondary}; overflow-wrap: anywhere; }
.error { color: #ff5286; font-size: 12px; line-height: 16px; }
.beside { display: flex; } .beside .legend { padding-left: 10px; }
.legend { font-size: 12px; line-height: 22px; overflow: hidden; padding-top: 4px; }
.legend .item { display: inline-block; max-width: 100%; padding-right: 12px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; vertical-align: top; }
.legend i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin: 0 8px 3px 0; }
.legend table { width: 100%; border-collapse: collapse; }
.legend tr { height: 24px; } .legend th { font-weight: 500; text-align: right; color: #6e9fff; white-space: nowrap; }
.legend td { text-align: right; padding-left: 12px; white-space: nowrap; }
.legend .name { text-align: left; color: ${text.primary}; font-weight: 400; max-width: 0; width: 60%; overflow: hidden; text-overflow: ellipsis; }
.stat { display: flex; width: 100%; height: 100%; }
.value { display: flex; padding: 8px; border-radius: 3px; overflow: hidden; line-height: 1.2; white-space: nowrap; }
.value span { overflow: hidden; text-overflow: ellipsis; } .value b { font-weight: 500; }
.table { overflow: hidden; }
.row { display: flex; height: 36px; border-bottom: 1px solid ${border.weak}; }
.cell { flex: none; padding: 6px; line-height: 23px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.head { font-weight: 500; color: #6e9fff; font-size: 12px; } .right { text-align: right; } .link { color: #6e9fff; }
.scrolls { border-right: 6px solid ${border.medium}; }
.gauge { display: flex; align-items: center; white-space: nowrap; }
.gauge > span { overflow: hidden; text-overflow: ellipsis; } .gauge b { font-weight: 500; padding-left: 8px; }
.rest { background: ${background.secondary}; height: 100%; border-radius: 2px; } .rest span { display: block; height: 100%; border-radius: 2px; }
`;
