/** How many in which bucket and when: dark is few, red is many. */

import { formattedValueToString, getValueFormat } from '@grafana/data';
import { interpolateTurbo } from 'd3-scale-chromatic';
import { RIGHT, TIME_AXIS, drawTimeAxis, linear } from '../axes.mjs';
import { drawing, element, label } from '../svg.mjs';
import { textWidth } from '../text.mjs';

// The scale of colours, below the times.
const SCALE = 30;
const SCALE_PARTS = 50;

export function draw(panel, frames, box, { range }) {
  const frame = frames.find(({ meta }) => meta?.type === 'heatmap-rows');
  if (!frame) {
    return null;
  }
  const [times, ...buckets] = frame.fields;
  const names = boundsOf(buckets, panel.options.yAxis.unit);
  const most = buckets.reduce((top, { values }) => values.reduce((a, b) => Math.max(a, b), top), 0);
  const left = Math.max(...names.map((name) => textWidth(name, 12))) + 16;
  const bottom = box.height - TIME_AXIS - SCALE;
  const slot = bottom / buckets.length;
  const x = linear([range.from, range.to], [left, box.width - RIGHT]);
  const topOf = (row) => bottom - slot * (row + 1);
  const cells = buckets.flatMap(({ values }, row) => values.map((count, index) => drawCell(
    { count, most, until: times.values[index], step: frame.meta.step },
    { x, left, y: topOf(row), height: slot + 0.3 },
    panel.options,
  )));
  const each = Math.ceil(20 / slot);
  const labels = names.map((name, row) => (
    row % each === 0 ? label(left - 8, topOf(row) + 4, name, 'end') : ''));
  const axis = drawTimeAxis(range, x, { top: 0, bottom });
  return drawing(box, axis, cells, labels, drawScale(most, box));
}

function boundsOf(buckets, unit) {
  const format = getValueFormat(unit ?? 'short');
  return buckets.map(({ name }) => (
    name === '+Inf' ? name : formattedValueToString(format(Number(name)))));
}

function drawCell({ count, most, until, step }, { x, left, y, height }, { color, filterValues }) {
  const [start, end] = [Math.max(left, x(until - step)), x(until)];
  if (count <= (filterValues?.le ?? -Infinity) || end <= left) {
    return '';
  }
  const last = color.steps - 1;
  const share = Math.round((count / most) ** color.exponent * last) / last;
  return element('rect', { x: start, y, width: end - start + 0.3, height, fill: interpolateTurbo(share) });
}

function drawScale(most, box) {
  const width = Math.min(300, box.width / 2);
  const y = box.height - SCALE + 8;
  const part = width / SCALE_PARTS;
  const parts = Array.from({ length: SCALE_PARTS }, (_, index) => element('rect', {
    x: part * index, y, width: part + 0.3, height: 8, fill: interpolateTurbo(index / (SCALE_PARTS - 1)),
  }));
  return [...parts, label(0, y + 20, '0', 'start', 11), label(width, y + 20, Math.round(most), 'end', 11)];
}
