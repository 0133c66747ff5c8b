/**
 * Scales and axes of a chart: round steps, their labels in the unit of the values, and the
 * times below. As uPlot in Grafana, near enough.
 */

import { dateTimeFormat, formattedValueToString } from '@grafana/data';
import { TIME_ZONE } from './grafana.mjs';
import { element, label } from './svg.mjs';
import { textWidth } from './text.mjs';

/** Pixels below a plot that the times take. */
export const TIME_AXIS = 26;

/** Pixels on its right, for half of the last one. */
export const RIGHT = 17;

const GRID = 'rgba(204,204,220,0.12)';
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE,
  30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY,
  4 * DAY, 5 * DAY, 7 * DAY, 10 * DAY, 15 * DAY, 30 * DAY,
];

/** From values to pixels, and back to nobody. */
export function linear([low, high], [start, end]) {
  const factor = (end - start) / (high - low || 1);
  return (value) => start + (value - low) * factor;
}

/** The span of the values, with some room where nothing fixes its ends, and its steps. */
export function valueSpan(values, { min, max, custom, unit }, height) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (Number.isFinite(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high || (low === 0 && high === 0)) {
    [low, high] = [0, custom?.axisSoftMax ?? 100];
  } else {
    [low, high] = widen(low, high, custom ?? {});
  }
  low = min ?? low;
  high = max ?? high;
  return { low, high, step: valueStep(low, high, height, unit) };
}

/** A tenth of room on both sides, to round numbers, but not beyond zero or a soft bound. */
function widen(low, high, { axisSoftMin, axisSoftMax }) {
  const delta = high - low || Math.abs(high);
  const grain = 10 ** Math.floor(Math.log10(delta)) / 10;
  const down = Math.floor((low - delta * 0.1) / grain + 1e-9) * grain;
  const up = Math.ceil((high + delta * 0.1) / grain - 1e-9) * grain;
  return [
    Math.min(low >= 0 ? Math.max(down, 0) : down, axisSoftMin ?? Infinity),
    Math.max(high <= 0 ? Math.min(up, 0) : up, axisSoftMax ?? -Infinity),
  ];
}

function valueStep(low, high, height, unit) {
  const least = (high - low) / Math.max(1, height / 40);
  if (unit === 'bytes') {
    return 2 ** Math.ceil(Math.log2(least));
  }
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= least * 0.999);
}

/** The labels of the left axis, and the room that they take. */
export function valueTicks({ low, high, step }, field) {
  const ticks = [];
  const decimals = (String(Number(step.toPrecision(3))).split('.')[1] ?? '').length;
  for (let count = Math.ceil(low / step - 1e-9); count * step <= high + step * 1e-6; count += 1) {
    const value = Number((count * step).toPrecision(12));
    ticks.push({
      value,
      text: formattedValueToString(field.display(value, decimals || undefined)),
    });
  }
  return { ticks, room: Math.max(24, ...ticks.map(({ text }) => textWidth(text, 12))) + 12 };
}

/** Lines and labels of the left axis. */
export function drawValueAxis(ticks, scale, { left, right }) {
  return ticks.map(({ value, text }) => {
    const y = Math.round(scale(value)) + 0.5;
    return element('line', { x1: left, x2: right, y1: y, y2: y, stroke: GRID })
      + label(left - 8, y + 4, text, 'end');
  });
}

/** The times below a plot, as many as have room. */
export function drawTimeAxis({ from, to }, scale, { top, bottom }) {
  const width = scale(to) - scale(from);
  const fits = (step) => (step / (to - from)) * width
    >= textWidth(timeLabel(from, step, to - from), 12) + 18;
  const step = TIME_STEPS.find(fits) ?? 60 * DAY;
  const offset = new Date(from).getTimezoneOffset() * MINUTE;
  const drawn = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) {
    const x = Math.round(scale(at)) + 0.5;
    drawn.push(
      element('line', { x1: x, x2: x, y1: top, y2: bottom, stroke: GRID }),
      label(x, bottom + 17, timeLabel(at, step, to - from), 'middle'),
    );
  }
  return drawn;
}

function timeLabel(at, step, range) {
  let format = 'MM/DD';
  if (step < MINUTE) {
    format = 'HH:mm:ss';
  } else if (range <= DAY) {
    format = 'HH:mm';
  } else if (step < DAY) {
    format = 'MM/DD HH:mm';
  }
  return dateTimeFormat(at, { format, timeZone: TIME_ZONE });
}
