/** A bar for each row of a table, named by one of its columns. */

import { formattedValueToString, getFieldDisplayName } from '@grafana/data';
import { drawValueAxis, linear, valueSpan, valueTicks } from '../axes.mjs';
import { drawing, element, label } from '../svg.mjs';
import { textWidth } from '../text.mjs';

const NAMES = 26;

export function draw(panel, frames, box) {
  const frame = frames[0];
  if (!frame || frame.length === 0) {
    return null;
  }
  const { barWidth, groupWidth, xField } = panel.options;
  const { names, field } = columnsOf(frame, frames, xField);
  const bottom = box.height - NAMES;
  const span = valueSpan([0, ...field.values], { min: 0, ...field.config }, bottom);
  const { ticks, room: left } = valueTicks(span, field);
  const plot = { left, right: box.width - 6 };
  const y = linear([span.low, span.high], [bottom, 18]);
  const slot = (plot.right - left) / frame.length;
  const width = slot * barWidth * groupWidth;
  // As many names as have room.
  const each = Math.ceil(Math.max(...names.map((name) => textWidth(name, 12))) / slot);
  const bars = names.flatMap((name, index) => {
    const display = field.display(field.values[index]);
    const middle = left + slot * (index + 0.5);
    const top = y(field.values[index]);
    return [
      element('rect', {
        x: middle - width / 2, y: top, width, height: bottom - top, fill: display.color,
        opacity: (field.config.custom?.fillOpacity ?? 80) / 100,
      }),
      label(middle, top - 5, formattedValueToString(display), 'middle'),
      index % each === 0 ? label(middle, bottom + 17, name, 'middle') : '',
    ];
  });
  return drawing(box, drawValueAxis(ticks, y, plot), bars);
}

function columnsOf(frame, frames, xField) {
  const nameOf = (field) => getFieldDisplayName(field, frame, frames);
  const names = frame.fields.find((field) => nameOf(field) === xField);
  const field = frame.fields.find(({ type }) => type === 'number');
  if (!names || !field) {
    throw new Error(`no column "${xField}", or no numbers: ${frame.fields.map(nameOf).join(', ')}`);
  }
  return { names: names.values, field };
}
