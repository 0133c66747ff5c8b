/** A row for each series, in the colour of its state. */

import { applyNullInsertThreshold, formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { drawTimeAxis, linear } from '../axes.mjs';
import { layoutLegend } from '../legend.mjs';
import { escape, textWidth } from '../text.mjs';

const TIME_AXIS = 26;

export function draw(panel, frames, box, { range }) {
  const rows = frames.flatMap((frame) => readRows(frame, frames));
  if (rows.length === 0) {
    return null;
  }
  const { chart: { width, height }, wrap } = layoutLegend(panel.options.legend, statesOf(rows), box);
  const bottom = height - TIME_AXIS;
  const left = Math.min(width * 0.4, Math.max(...rows.map(({ name }) => textWidth(name, 12))) + 16);
  const x = linear([range.from, range.to], [left, width - 6]);
  const slot = bottom / rows.length;
  const drawn = rows.map((row, index) => drawRow(row, {
    x, top: slot * index, slot, share: panel.options.rowHeight, left, isMerged: panel.options.mergeValues,
  }));
  return wrap(`<svg width="${width}" height="${height}">${
    drawTimeAxis(range, x, { top: 0, bottom })}${drawn.join('')}</svg>`);
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
        found.set(formattedValueToString(display), { name: formattedValueToString(display), color: display.color });
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
  return `<text x="${left - 8}" y="${top + slot / 2 + size / 3}" text-anchor="end" font-size="${size}" fill="rgba(204,204,220,0.85)">${escape(name)}</text>`
    + parts.map(({ value, from, end }) => {
      const start = Math.max(left, x(from));
      return `<rect x="${start.toFixed(1)}" y="${at.toFixed(1)}" width="${Math.max(0.5, x(end) - start).toFixed(1)}" height="${height.toFixed(1)}" fill="${field.display(value).color}" opacity="${(field.config.custom?.fillOpacity ?? 70) / 100}"/>`;
    }).join('');
}
