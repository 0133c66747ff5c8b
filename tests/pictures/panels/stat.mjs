/** Numbers and words, as large as their box allows, on the colour of their value. */

import { formattedValueToString, getFieldDisplayValues } from '@grafana/data';
import tinycolor from 'tinycolor2';
import { TIME_ZONE, theme } from '../grafana.mjs';
import { escape, sizeToFit, textWidth } from '../text.mjs';

export function draw(panel, frames, box) {
  const { options, fieldConfig } = panel;
  const values = getFieldDisplayValues({
    data: frames, fieldConfig, reduceOptions: options.reduceOptions, theme, timeZone: TIME_ZONE,
    replaceVariables: (text) => text,
  });
  const across = box.width > box.height;
  const gap = 8;
  const share = (length, count) => (length - gap * (count - 1)) / count;
  const cell = across
    ? { width: share(box.width, values.length), height: box.height }
    : { width: box.width, height: share(box.height, values.length) };
  const cells = values.map(({ display }) => drawValue(display, cell, options, values.length));
  const direction = across ? 'row' : 'column';
  return `<div class="stat" style="flex-direction:${direction};gap:${gap}px">${cells.join('')}</div>`;
}

function drawValue(display, cell, options, count) {
  const { textMode } = options;
  const showsName = textMode === 'value_and_name' || (textMode === 'auto' && count > 1);
  const title = showsName ? display.title ?? '' : '';
  const text = textMode === 'name' ? display.title : formattedValueToString(display);
  const inner = { width: cell.width - 16, height: cell.height - 16 };
  // Beside each other where the box is wide, else the name above.
  const isWide = options.wideLayout && title && cell.width / cell.height > 2.5;
  const titleSize = title ? titleSizeOf(title, text, inner, isWide) : 0;
  const valueSize = isWide
    ? sizeToFit(text, inner.width * 0.3, inner.height)
    : sizeToFit(text, inner.width, inner.height - titleSize * 1.2);
  const layout = isWide ? 'wide' : 'stacked';
  const place = `width:${cell.width}px;height:${cell.height}px;${colors(display.color, options.colorMode)}`;
  const name = title ? `<span style="font-size:${titleSize}px">${escape(title)}</span>` : '';
  return `<div class="value ${layout}${title ? '' : ' alone'}" style="${place}">
    ${name}<b style="font-size:${valueSize}px">${escape(text)}</b></div>`;
}

function titleSizeOf(title, text, inner, isWide) {
  if (isWide) {
    const value = sizeToFit(text, inner.width * 0.3, inner.height);
    return Math.min(value * 0.7, sizeToFit(title, inner.width * 0.6, inner.height, 30));
  }
  const size = sizeToFit(title, inner.width, inner.height * 0.25, 30);
  return Math.max(size, Math.min(12, 12 * (inner.width / textWidth(title, 12))), 9);
}

function colors(color, mode) {
  if (mode === 'background') {
    const from = tinycolor(color).darken(15).spin(8).toRgbString();
    const to = tinycolor(color).darken(5).spin(-8).toRgbString();
    const text = tinycolor(color).getBrightness() > 180 ? '#202226' : '#f7f8fa';
    return `background:linear-gradient(120deg, ${from}, ${to});color:${text}`;
  }
  return `color:${mode === 'none' ? theme.colors.text.primary : color}`;
}
