/** Lines and bars over time, with thresholds, annotations and a legend. */

import {
  applyNullInsertThreshold, getFieldDisplayName, getFieldSeriesColor,
} from '@grafana/data';
import { drawAnnotations } from '../annotations.mjs';
import { RIGHT, TIME_AXIS, drawTimeAxis, drawValueAxis, linear, valueSpan, valueTicks } from '../axes.mjs';
import { theme } from '../grafana.mjs';
import { layoutLegend } from '../legend.mjs';
import { drawing, element } from '../svg.mjs';

/** HTML, or null where there is nothing to draw. */
export function draw(panel, frames, box, { range, annotations, key }) {
  const series = stacked(frames.flatMap((frame) => readSeries(frame, frames)));
  if (series.length === 0) {
    return null;
  }
  const { chart: { width, height }, wrap } = layoutLegend(panel.options.legend, series, box);
  const bottom = height - TIME_AXIS;
  const { field } = series[0];
  const span = valueSpan(drawnValues(series), field.config, bottom);
  const { ticks, room: left } = valueTicks(span, field);
  const plot = { left, right: width - RIGHT, top: 6, bottom };
  const x = linear([range.from, range.to], [plot.left, plot.right]);
  const y = linear([span.low, span.high], [plot.bottom, plot.top]);
  const window = { x: left, y: 0, width: plot.right - left, height: bottom + 1 };
  return wrap(drawing(
    { width, height },
    element('clipPath', { id: key }, element('rect', window)),
    drawValueAxis(ticks, y, plot),
    drawTimeAxis(range, x, plot),
    element('g', { clipPath: `url(#${key})` }, [
      ...drawThresholds(field.config, y, plot, span),
      ...series.map((one) => drawSeries(one, x, y)),
      ...drawAnnotations(annotations, x, plot),
    ].join('')),
  ));
}

function readSeries(frame, frames) {
  // Where a sample is missing there is none in the answer: the line must not go on.
  const { fields } = applyNullInsertThreshold({ frame });
  const times = fields.find(({ type }) => type === 'time')?.values ?? [];
  return frame.fields.map((field, index) => ({
    field,
    custom: field.config.custom ?? {},
    name: getFieldDisplayName(field, frame, frames),
    color: getFieldSeriesColor(field, theme).color,
    points: times.map((time, at) => [time, fields[index].values[at]]),
  })).filter(({ field, points }) => field.type === 'number' && points.length > 0);
}

/** Where series stand on each other a point has what is below it as its third part. */
function stacked(series) {
  const heights = new Map();
  return series.map((one) => (one.custom.stacking?.mode !== 'normal' ? one : {
    ...one,
    points: one.points.map(([time, value]) => {
      const ground = heights.get(time) ?? 0;
      heights.set(time, ground + (Number.isFinite(value) ? value : 0));
      return [time, Number.isFinite(value) ? ground + value : value, ground];
    }),
  }));
}

function drawnValues(series) {
  const values = series.flatMap(({ points }) => points.map(([, value]) => value));
  return series.some(({ custom }) => custom.drawStyle === 'bars') ? [...values, 0] : values;
}

function drawSeries({ points, custom, color }, x, y) {
  if (custom.drawStyle === 'bars') {
    return drawBars(points, custom, color, x, y);
  }
  return runsOf(points, custom.spanNulls).map((run) => {
    const line = run.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const [from, to] = [x(run[0][0]), x(run.at(-1)[0])];
    const ground = y(0);
    return element('polygon', {
      points: `${from},${ground} ${line} ${to},${ground}`, fill: color, opacity: (custom.fillOpacity ?? 0) / 100,
    }) + element('polyline', {
      points: line, fill: 'none', stroke: color, strokeWidth: custom.lineWidth ?? 1,
      strokeDasharray: dashes(custom.lineStyle),
    });
  }).join('');
}

function dashes(style) {
  return style?.fill === 'dash' ? (style.dash ?? [10, 10]).join(' ') : undefined;
}

/** Parts of a line: a gap parts it, unless `spanNulls` allows one of so many milliseconds. */
function runsOf(points, spanNulls) {
  const runs = [];
  let isGap = true;
  for (const point of points) {
    const [time, value] = point;
    if (!Number.isFinite(value)) {
      isGap = true;
      continue;
    }
    const before = runs.at(-1)?.at(-1)[0];
    const isSpanned = spanNulls === true || time - before <= spanNulls;
    if (before === undefined || (isGap && !isSpanned)) {
      runs.push([]);
    }
    runs.at(-1).push(point);
    isGap = false;
  }
  return runs;
}

/** Bars of several series cover each other unless they are stacked, as they do in Grafana. */
function drawBars(points, custom, color, x, y) {
  const steps = points.slice(1).map(([time], at) => time - points[at][0]).filter((step) => step > 0);
  const step = Math.min(...steps, points.at(-1)[0] - points[0][0] || 3_600_000);
  const width = Math.max(1, (x(step) - x(0)) * 0.6);
  return points.filter(([, value, ground = 0]) => Number.isFinite(value) && value !== ground)
    .map(([time, value, ground = 0]) => element('rect', {
      x: x(time) - width / 2, y: Math.min(y(value), y(ground)), width,
      height: Math.max(1, Math.abs(y(ground) - y(value))),
      fill: color, opacity: (custom.fillOpacity ?? 100) / 100, stroke: color,
    })).join('');
}

/** Lines where a colour begins, and what is between them as an area of that colour. */
function drawThresholds({ thresholds, custom }, y, plot, { low, high }) {
  const mode = custom?.thresholdsStyle?.mode ?? 'off';
  if (mode === 'off') {
    return [];
  }
  const areas = thresholds.steps.map((step, index, all) => {
    const from = y(Math.max(low, step.value ?? -Infinity));
    const to = y(Math.min(high, all[index + 1]?.value ?? Infinity));
    return from <= to ? '' : element('rect', {
      x: plot.left, width: plot.right - plot.left, y: to, height: from - to, fill: named(step), opacity: 0.1,
    });
  });
  // The first step begins at minus infinity, where there is no line.
  const lines = thresholds.steps
    .filter(({ value }) => Number.isFinite(value) && value > low && value < high)
    .map((step) => element('line', {
      x1: plot.left, x2: plot.right, y1: y(step.value), y2: y(step.value),
      stroke: named(step), strokeWidth: 2, strokeDasharray: '10 10', opacity: 0.7,
    }));
  return mode.includes('area') ? [...areas, ...lines] : lines;
}

function named({ color }) {
  return theme.visualization.getColorByName(color);
}
