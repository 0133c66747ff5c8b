/** The legend below a chart: a list, or a table with what was computed of each series. */

import { fieldReducers, formattedValueToString, reduceField } from '@grafana/data';
import { escape } from './text.mjs';

/** HTML of a legend; `items` have name, color, and for a table their field. */
export function drawLegend({ displayMode, calcs, showLegend }, items, width) {
  if (!showLegend || items.length === 0) {
    return '';
  }
  if (displayMode === 'table') {
    return drawTable(items, calcs);
  }
  const list = items.map((item) => `<span class="item" style="max-width:${width - 12}px">${mark(item)}${escape(item.name)}</span>`);
  return `<div class="legend list">${list.join('')}</div>`;
}

function drawTable(items, calcs) {
  const heads = calcs.map((calc) => `<th>${escape(fieldReducers.get(calc).name)}</th>`);
  const rows = items.map((item) => {
    const reduced = reduceField({ field: item.field, reducers: calcs });
    const cells = calcs.map((calc) => {
      const format = fieldReducers.get(calc).preservesUnits ? item.field.display(reduced[calc]) : { text: String(reduced[calc]) };
      return `<td>${escape(formattedValueToString(format))}</td>`;
    });
    return `<tr><th class="name">${mark(item)}${escape(item.name)}</th>${cells.join('')}</tr>`;
  });
  return `<div class="legend"><table><tr><th class="name">Name</th>${heads.join('')}</tr>${rows.join('')}</table></div>`;
}

function mark({ color }) {
  return `<i style="background:${color}"></i>`;
}

/** Pixels that it takes of a panel, which gives it about a third at most. */
export function legendHeight({ displayMode, showLegend }, items, { width, height }, lineWidth) {
  if (!showLegend || items.length === 0) {
    return 0;
  }
  const row = 24;
  const wanted = displayMode === 'table'
    ? (items.length + 1) * row
    : lines(items.map(lineWidth), width) * row;
  return Math.min(wanted + 6, Math.floor(height * 0.35) + 4);
}

function lines(widths, width) {
  let count = 1;
  let used = 0;
  for (const one of widths) {
    if (used + one > width && used > 0) {
      count += 1;
      used = 0;
    }
    used += one;
  }
  return count;
}
