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
  const widestName = Math.max(...names.map((name) => textWidth(name, 14)));
  const titleWidth = Math.min(box.width * 0.4, widestName + 10);
  const room = box.width - titleWidth;
  const texts = values.map(({ display }) => formattedValueToString(display));
  const widest = texts.reduce((a, b) => (textWidth(a, 1) > textWidth(b, 1) ? a : b));
  const size = sizeToFit(widest, room * 0.3, height * 0.8, 24);
  const longest = room - textWidth(widest, size) - 16;
  return values.map(({ display: { color, numeric }, field: { min = 0, max = 100 } }, index) => {
    const share = Math.min(1, Math.max(0, (numeric - min) / (max - min || 1) || 0));
    const bar = `width:${longest * share}px;background:${color}59;border-right:2px solid ${color}`;
    return `<div class="gauge" style="height:${height}px;margin-bottom:${GAP}px">
      <span style="width:${titleWidth}px">${escape(names[index])}</span>
      <span class="rest" style="width:${longest}px"><span style="${bar}"></span></span>
      <b style="font-size:${size}px;color:${color}">${escape(texts[index])}</b></div>`;
  }).join('');
}
