/**
 * Annotations of a dashboard: what its queries find becomes moments and spans, which each chart
 * over time shows. As the Prometheus data source does it: samples of a series that are at most a
 * step apart are one span.
 */

import { renderLegendFormat } from '@grafana/data';
import { theme } from './grafana.mjs';
import { element } from './svg.mjs';
import { stepMs } from './variables.mjs';

/** Of all annotations; `width` is that of the page, which says how exact they are. */
export async function readAnnotations(dashboard, { prometheus, range, width, variables }) {
  const all = await Promise.all(dashboard.annotations.list.filter(({ enable }) => enable)
    .map(async (annotation) => {
      const minimumStep = annotation.target.interval;
      const frames = await prometheus.frames(
        { ...annotation.target, range: true }, { range, width, variables, minimumStep });
      const step = stepMs(range, width, minimumStep);
      return frames.flatMap((frame) => spans(frame, annotation, step));
    }));
  return all.flat();
}

function spans({ fields: [times, values] }, annotation, step) {
  const moments = annotation.useValueForTime
    ? values.values.map(Math.floor)
    : times.values.filter((_, index) => values.values[index] > 0);
  const found = [];
  for (const moment of moments) {
    const latest = found.at(-1);
    if (latest && latest.to + step >= moment) {
      latest.to = moment;
    } else {
      found.push({
        from: moment,
        to: moment,
        title: renderLegendFormat(annotation.titleFormat ?? '', values.labels),
        color: theme.visualization.getColorByName(annotation.iconColor),
      });
    }
  }
  return found;
}

/** Dashed lines, and an area where it is a span. */
export function drawAnnotations(annotations, x, { left, right, top, bottom }) {
  return annotations.filter(({ from, to }) => x(to) >= left && x(from) <= right)
    .flatMap(({ from, to, color }) => {
      const line = (at) => element('line', {
        x1: x(at), x2: x(at), y1: top, y2: bottom,
        stroke: color, strokeWidth: 2, strokeDasharray: '5 5', opacity: 0.7,
      });
      if (from === to) {
        const foot = `M ${x(from) - 5} ${bottom + 1} h 10 l -5 -6 z`;
        return [line(from), element('path', { d: foot, fill: color })];
      }
      const across = { x: x(from), width: Math.max(1, x(to) - x(from)), fill: color };
      return [
        line(from), line(to),
        element('rect', { ...across, y: top, height: bottom - top, opacity: 0.1 }),
        element('rect', { ...across, y: bottom - 5, height: 5, opacity: 0.8 }),
      ];
    });
}
