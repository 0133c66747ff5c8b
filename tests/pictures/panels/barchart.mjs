/** A bar for each row of a table, named by one of its columns. */

import { formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { drawValueAxis, linear, valueSpan, valueTicks } from '../axes.mjs';
import { escape, textWidth } from '../text.mjs';

const NAMES = 26;

export function draw(panel, frames, box) {
  const frame = frames[0];
  if (!frame || frame.length === 0) {
    return null;
  }
  const nameOf = (field) => getFieldDisplayName(field, frame, frames);
  const names = frame.fields.find((field) => nameOf(field) === panel.options.xField);
  const numbers = frame.fields.filter(({ type }) => type === 'number');
  if (!names || numbers.length === 0) {
    throw new Error(`no column "${panel.options.xField}", or no numbers: ${frame.fields.map(nameOf).join(', ')}`);
  }
  const [field] = numbers;
  const bottom = box.height - NAMES;
  const span = valueSpan([0, ...field.values], { min: 0, ...field.config }, bottom);
  const { ticks, room: left } = valueTicks(span, field);
  const plot = { left, right: box.width - 6 };
  const y = linear([span.low, span.high], [bottom, 18]);
  const slot = (plot.right - left) / frame.length;
  const bars = names.values.map((name, index) => {
    const { color, ...display } = field.display(field.values[index]);
    const width = slot * panel.options.barWidth * panel.options.groupWidth;
    const middle = left + slot * (index + 0.5);
    const top = y(field.values[index]);
    return `<rect x="${middle - width / 2}" y="${top}" width="${width}" height="${bottom - top}" fill="${color}" opacity="${(field.config.custom?.fillOpacity ?? 80) / 100}"/>
      <text class="tick" x="${middle}" y="${top - 5}">${escape(formattedValueToString(display))}</text>
      ${textWidth(name, 12) <= slot || index % Math.ceil(textWidth(name, 12) / slot) === 0 ? `<text class="tick" x="${middle}" y="${bottom + 17}">${escape(name)}</text>` : ''}`;
  });
  return `<svg width="${box.width}" height="${box.height}">${drawValueAxis(ticks, y, plot)}${bars.join('')}</svg>`;
}
