/** How many in which bucket and when: dark is few, bright is many. */

import { interpolateTurbo } from 'd3-scale-chromatic';
import { drawTimeAxis, linear } from '../axes.mjs';
import { formattedValueToString, getValueFormat } from '@grafana/data';
import { escape, textWidth } from '../text.mjs';

const TIME_AXIS = 26;
const SCALE = 30;

export function draw(panel, frames, box, { range }) {
  const frame = frames.find(({ meta }) => meta?.type === 'heatmap-rows');
  if (!frame) {
    return null;
  }
  const [times, ...buckets] = frame.fields;
  const { exponent, steps } = panel.options.color;
  const least = panel.options.filterValues?.le ?? -Infinity;
  const most = buckets.reduce((top, { values }) => values.reduce((a, b) => Math.max(a, b), top), 0);
  const bottom = box.height - TIME_AXIS - SCALE;
  const format = getValueFormat(panel.options.yAxis.unit ?? 'short');
  const names = buckets.map(({ name }) => (name === '+Inf' ? name : formattedValueToString(format(Number(name)))));
  const left = Math.max(...names.map((name) => textWidth(name, 12))) + 16;
  const x = linear([range.from, range.to], [left, box.width - 6]);
  const slot = bottom / buckets.length;
  const cells = buckets.flatMap(({ values }, row) => values.map((count, index) => {
    if (count <= least) {
      return '';
    }
    const share = Math.round((count / most) ** exponent * (steps - 1)) / (steps - 1);
    const start = x(times.values[index] - frame.meta.step);
    const end = x(times.values[index]);
    return end <= left ? '' : `<rect x="${Math.max(left, start).toFixed(1)}" y="${(bottom - slot * (row + 1)).toFixed(1)}" width="${(end - Math.max(left, start) + 0.3).toFixed(1)}" height="${(slot + 0.3).toFixed(1)}" fill="${interpolateTurbo(share)}"/>`;
  }));
  const each = Math.ceil(20 / slot);
  const labels = names.map((name, row) => (row % each ? '' : `<text x="${left - 8}" y="${bottom - slot * (row + 1) + 4}" text-anchor="end" font-size="12" fill="rgba(204,204,220,0.85)">${escape(name)}</text>`));
  return `<svg width="${box.width}" height="${box.height}">${drawTimeAxis(range, x, { top: 0, bottom })}${cells.join('')}${labels.join('')}${drawScale(most, box)}</svg>`;
}

function drawScale(most, box) {
  const width = Math.min(300, box.width / 2);
  const top = box.height - SCALE + 8;
  const parts = Array.from({ length: 50 }, (_, index) => `<rect x="${(width / 50) * index}" y="${top}" width="${width / 50 + 0.3}" height="8" fill="${interpolateTurbo(index / 49)}"/>`);
  return `${parts.join('')}<text x="0" y="${top + 20}" font-size="11" fill="rgba(204,204,220,0.85)">0</text><text x="${width}" y="${top + 20}" text-anchor="end" font-size="11" fill="rgba(204,204,220,0.85)">${Math.round(most)}</text>`;
}
