/** A row for each series, in the colour of its state. */

import { applyNullInsertThreshold, formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { RIGHT, TIME_AXIS, drawTimeAxis, linear } from '../axes.mjs';
import { layoutLegend } from '../legend.mjs';
import { drawing, element, label } from '../svg.mjs';
import { textWidth } from '../text.mjs';

export function draw(panel, frames, box, { range }) {
  const rows = frames.flatMap((frame) => readRows(frame, frames));
  if (rows.length === 0) {
    return null;
  }
  const { chart: { width, height }, wrap } = layoutLegend(panel.options.legend, statesOf(rows), box);
  const bottom = height - TIME_AXIS;
  const left = Math.min(width * 0.4, Math.max(...rows.map(({ name }) => textWidth(name, 12))) + 16);
  const x = linear([range.from, range.to], [left, width - RIGHT]);
  const slot = bottom / rows.length;
  const drawn = rows.map((row, index) => drawRow(row, {
    x, top: slot * index, slot, share: panel.options.rowHeight, left, isMerged: panel.options.mergeValues,
  }));
  return wrap(drawing({ width, height }, drawTimeAxis(range, x, { top: 0, bottom }), drawn));
}

function readRows(frame, frames) {
  const { fields } = applyNullInsertThreshold({ frame });
  const [times, ...rest] = fields;
  return times?.type !== 'time' ? [] : rest.map((field, index) => ({
    field: frame.fields[index + 1],
    name: getFieldDisplayName(frame.fields[index + 1], frame, frames),
    times: times.values,
    values: field.values,
    step: times.config.interval,
  }));
}

function statesOf(rows) {
  const found = new Map();
  for (const { field, values } of rows) {
    for (const value of values) {
      if (value !== null) {
        const display = field.display(value);
        const name = formattedValueToString(display);
        found.set(name, { name, color: display.color });
      }
    }
  }
  return [...found.values()];
}

// A state lasts until the next sample; where the next one is missing, until it was due.
function drawRow({ field, name, times, values, step }, { x, top, slot, share, left, isMerged }) {
  const height = slot * share;
  const at = top + (slot - height) / 2;
  const parts = [];
  times.forEach((time, index) => {
    const value = values[index];
    if (value === null) {
      return;
    }
    const end = times[index + 1] ?? time + (step ?? 0);
    const last = parts.at(-1);
    if (isMerged && last?.value === value && last.end === time) {
      last.end = end;
    } else {
      parts.push({ value, from: time, end });
    }
  });
  const size = Math.min(12, slot);
  return label(left - 8, top + slot / 2 + size / 3, name, 'end', size)
    + parts.map(({ value, from, end }) => {
      const start = Math.max(left, x(from));
      return element('rect', {
        x: start, y: at, width: Math.max(0.5, x(end) - start), height,
        fill: field.display(value).color, opacity: (field.config.custom?.fillOpacity ?? 70) / 100,
      });
    }).join('');
}
