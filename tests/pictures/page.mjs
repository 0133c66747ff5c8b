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
import STYLE from './page.css';
import { escape, textWidth } from './text.mjs';

const KINDS = { barchart, bargauge, heatmap, stat, 'state-timeline': stateTimeline, table, timeseries };
const SMALL_PRINT = "drawn by `make pictures` from the dashboard's file and the demo's data; "
  + 'Grafana itself looks a little different';
const FOOT = 34;

/** HTML of a whole dashboard whose panels have been placed and have their frames or an error. */
export function drawPage(dashboard, panels, { variables, range, annotations, width }) {
  const head = headHeight(dashboard, variables, width);
  const height = head + Math.max(...panels.map(({ at }) => at.top + at.height)) + FOOT;
  const boxes = panels.map((panel, index) => drawPanel(panel, { range, annotations, key: `plot${index}` }));
  return `<!doctype html><meta charset="utf-8"><style>${COLORS}${STYLE}</style>
    <body style="width:${width}px;height:${height}px">
    ${drawHead(dashboard, variables, range)}
    <main style="top:${head}px">${boxes.join('')}</main>
    <footer style="top:${height - FOOT + 6}px">${escape(SMALL_PRINT)}</footer>`;
}

/** What stands above the panels; the rest is in the menu of controls, or nowhere. */
export function readChosen({ templating }, variables) {
  return templating.list.filter(({ hide }) => !hide).map(({ name, label, allValue }) => ({
    label: label ?? name,
    value: variables[name] === allValue ? 'All' : [variables[name]].flat().join(' + '),
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
const COLORS = `:root {
  --canvas: ${background.canvas}; --panel: ${background.primary}; --raised: ${background.secondary};
  --edge: ${border.weak}; --strong-edge: ${border.medium};
  --text: ${text.primary}; --dim: ${text.secondary}; --link: ${text.link}; --error: ${theme.colors.error.text};
}`;
