/** Rows and columns; widths as Grafana shares them out, long texts cut. */

import { formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { escape } from '../text.mjs';

const HEAD = 36;
// Of `cellHeight: sm`, the only one used.
const ROW = 36;
// Of a column that says nothing about it.
const LEAST_WIDTH = 150;

export function draw(panel, frames, box) {
  const frame = frames[panel.options.frameIndex ?? 0];
  if (!frame || frame.fields.length === 0 || frame.length === 0) {
    return null;
  }
  const names = frame.fields.map((field) => getFieldDisplayName(field, frame, frames));
  const order = sortRows(frame, names, panel.options.sortBy ?? []);
  const widths = columnWidths(frame.fields, box.width);
  const shown = order.slice(0, Math.ceil((box.height - HEAD) / ROW));
  const head = frame.fields.map((field, index) => cell(names[index], widths[index], `head ${side(field)}`));
  const rows = shown.map((row) => `<div class="row">${frame.fields.map(
    (field, index) => drawCell(field, row, widths[index])).join('')}</div>`);
  const hidden = order.length > shown.length ? ' scrolls' : '';
  return `<div class="table${hidden}" style="width:${box.width}px;height:${box.height}px">
    <div class="row" style="height:${HEAD}px">${head.join('')}</div>${rows.join('')}</div>`;
}

function drawCell(field, row, width) {
  const display = field.display(field.values[row]);
  const isLinked = (field.config.links ?? []).length > 0;
  const isColored = field.config.custom?.cellOptions?.type === 'color-text';
  const kind = `${side(field)}${isLinked ? ' link' : ''}`;
  return cell(formattedValueToString(display), width, kind, isColored ? display.color : undefined);
}

function cell(text, width, kind, color) {
  return `<div class="cell ${kind}" style="width:${width}px${color ? `;color:${color}` : ''}">${escape(text)}</div>`;
}

function side(field) {
  const { align } = field.config.custom ?? {};
  if (align && align !== 'auto') {
    return align;
  }
  return field.type === 'number' ? 'right' : 'left';
}

/** Columns without a width share what is left; beyond their least width the table scrolls. */
function columnWidths(fields, width) {
  const fixed = fields.map((field) => field.config.custom?.width);
  const left = width - fixed.reduce((sum, one) => sum + (one ?? 0), 0);
  const share = left / fixed.filter((one) => one === undefined).length;
  return fixed.map((one, index) => one
    ?? Math.max(fields[index].config.custom?.minWidth ?? LEAST_WIDTH, share));
}

function sortRows(frame, names, sortBy) {
  const keys = sortBy.map(({ displayName, desc }) => ({
    values: frame.fields[names.indexOf(displayName)]?.values, sign: desc ? -1 : 1,
  })).filter(({ values }) => values);
  const compare = (a, b) => {
    for (const { values, sign } of keys) {
      const [one, other] = [values[a] ?? -Infinity, values[b] ?? -Infinity];
      if (one !== other) {
        return one < other ? -sign : sign;
      }
    }
    return a - b;
  };
  return Array.from({ length: frame.length }, (_, index) => index).sort(compare);
}
