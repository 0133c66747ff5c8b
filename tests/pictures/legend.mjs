/** The legend of a chart: a list, or a table with what was computed of each series. */

import { fieldReducers, formattedValueToString, reduceField } from '@grafana/data';
import { escape, textWidth } from './text.mjs';

const LINE = 24;
const FONT = 12;
// Mark and gaps around a name.
const AROUND_NAME = 34;
const NUMBER_WIDTH = 76;
// More is scrolled: below a chart a legend has a third of the panel, beside it a bit more.
const MOST_HEIGHT = 0.35;
const MOST_WIDTH = 0.6;

/**
 * What is left for the chart, and the two put together: `wrap(svg)` is HTML. `items` have a name,
 * a color, and for a table their field.
 */
export function layoutLegend(legend, items, box) {
  if (!legend.showLegend || items.length === 0) {
    return { chart: box, wrap: (svg) => svg };
  }
  const isTable = legend.displayMode === 'table';
  const html = isTable ? drawTable(items, legend.calcs) : drawList(items);
  if (legend.placement === 'right') {
    const wanted = widthOf(items, isTable ? legend.calcs.length : 0);
    const width = Math.min(box.width * MOST_WIDTH, wanted);
    const style = `width:${width}px;height:${box.height}px`;
    return {
      chart: { width: box.width - width, height: box.height },
      wrap: (svg) => `<div class="beside">${svg}<div class="legend" style="${style}">${html}</div></div>`,
    };
  }
  const wanted = (isTable ? items.length + 1 : lines(items, box.width)) * LINE + 6;
  const height = Math.min(wanted, Math.floor(box.height * MOST_HEIGHT));
  return {
    chart: { width: box.width, height: box.height - height },
    wrap: (svg) => `${svg}<div class="legend" style="height:${height}px">${html}</div>`,
  };
}

function drawList(items) {
  return items.map((item) => `<span class="item">${mark(item)}${escape(item.name)}</span>`).join('');
}

function drawTable(items, calcs) {
  const heads = calcs.map((calc) => `<th>${escape(fieldReducers.get(calc).name)}</th>`);
  const rows = items.map((item) => {
    const reduced = reduceField({ field: item.field, reducers: calcs });
    const cells = calcs.map((calc) => {
      const display = fieldReducers.get(calc).preservesUnits
        ? item.field.display(reduced[calc]) : { text: String(reduced[calc]) };
      return `<td>${escape(formattedValueToString(display))}</td>`;
    });
    return `<tr><th class="name">${mark(item)}${escape(item.name)}</th>${cells.join('')}</tr>`;
  });
  return `<table><tr><th class="name">Name</th>${heads.join('')}</tr>${rows.join('')}</table>`;
}

function mark({ color }) {
  return `<i style="background:${color}"></i>`;
}

function widthOf(items, numbers) {
  const longest = Math.max(...items.map(({ name }) => textWidth(name, FONT)));
  return longest + AROUND_NAME + numbers * NUMBER_WIDTH;
}

function lines(items, width) {
  let count = 1;
  let used = 0;
  for (const { name } of items) {
    const wanted = textWidth(name, FONT) + AROUND_NAME;
    if (used + wanted > width && used > 0) {
      count += 1;
      used = 0;
    }
    used += wanted;
  }
  return count;
}
