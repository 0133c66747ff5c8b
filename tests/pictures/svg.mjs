/** Elements of SVG. */

import { escape } from './text.mjs';

/** `element('rect', { x: 1.234, fillOpacity: 0.5 })`; undefined is left out. */
export function element(name, attributes, content = '') {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)}="${short(value)}"`);
  return `<${name}${written.join('')}>${content}</${name}>`;
}

/** Text of an axis, at its end ("end"), middle or start. */
export function label(x, y, text, textAnchor, fontSize = 12) {
  return element('text', { class: 'label', x, y, textAnchor, fontSize }, escape(text));
}

/** A drawing of this size. */
export function drawing({ width, height }, ...parts) {
  return `<svg width="${width}" height="${height}">${parts.flat().join('')}</svg>`;
}

// Pixels need no more digits; an opacity has two.
function short(value) {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}
