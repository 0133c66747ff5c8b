/** A bar for each value, its name on the left and the value after it. */

import { formattedValueToString, getFieldDisplayValues } from '@grafana/data';
import { TIME_ZONE, theme } from '../grafana.mjs';
import { escape, sizeToFit, textWidth } from '../text.mjs';

const GAP = 10;

export function draw(panel, frames, box) {
  const { options, fieldConfig } = panel;
  const values = getFieldDisplayValues({
    data: frames, fieldConfig, reduceOptions: options.reduceOptions, theme, timeZone: TIME_ZONE,
    replaceVariables: (text) => text,
  });
  const wanted = (box.height - GAP * (values.length - 1)) / values.length;
  const height = Math.min(options.maxVizHeight, Math.max(options.minVizHeight, wanted));
  const names = values.map(({ display }) => display.title ?? '');
  const titleWidth = Math.min(box.width * 0.4, Math.max(...names.map((name) => textWidth(name, 14)), 0) + 10);
  const room = box.width - titleWidth;
  const texts = values.map(({ display }) => formattedValueToString(display));
  const widest = texts.reduce((a, b) => (textWidth(a, 1) > textWidth(b, 1) ? a : b));
  const size = sizeToFit(widest, room * 0.3, height * 0.8, 24);
  const longest = room - textWidth(widest, size) - 16;
  return values.map(({ display, field }, index) => {
    const share = (display.numeric - (field.min ?? 0)) / ((field.max ?? 100) - (field.min ?? 0) || 1);
    const width = longest * Math.min(1, Math.max(0, share || 0));
    return `<div class="gauge" style="height:${height}px;margin-bottom:${GAP}px">
      <span style="width:${titleWidth}px">${escape(names[index])}</span>
      <span class="rest" style="width:${longest}px"><span style="width:${width}px;background:${display.color}59;border-right:2px solid ${display.color}"></span></span>
      <b style="font-size:${size}px;color:${display.color}">${escape(texts[index])}</b></div>`;
  }).join('');
}
