/**
 * Prometheus over HTTP, and its answers as the frames that Grafana's data source for it makes:
 * time series, tables, and the buckets of a heat map. Written after the behaviour of
 * grafana/grafana, packages/grafana-prometheus (13.2).
 */

import { builtIn, replace, stepMs } from './variables.mjs';

export class Prometheus {
  constructor(address) {
    this.address = address;
  }

  async labelValues(label, selector, range) {
    return this.#ask(`label/${label}/values`, { 'match[]': selector, ...seconds(range) });
  }

  /** Frames of one query of a panel; throws what Prometheus has against it. */
  async frames(target, { range, width, variables, minimumStep }) {
    const step = stepMs(range, width, minimumStep);
    const expr = replace(target.expr, { ...variables, ...builtIn(range, step) });
    const series = target.instant
      ? await this.#instant(expr, range.to)
      : await this.#range(expr, range, step);
    const frames = series.map((one) => toFrame(one, target, expr, step));
    if (target.format === 'heatmap') {
      return toHeatmap(frames);
    }
    return frames;
  }

  async #instant(expr, time) {
    const { result, resultType } = await this.#ask('query', { query: expr, time: time / 1000 });
    if (resultType === 'scalar') {
      return [{ metric: {}, values: [result] }];
    }
    return result.map(({ metric, value }) => ({ metric, values: [value] }));
  }

  async #range(expr, range, step) {
    // To whole steps, so that a chart does not tremble when it is drawn again.
    const aligned = {
      from: Math.floor(range.from / step) * step, to: Math.floor(range.to / step) * step,
    };
    const { result } = await this.#ask(
      'query_range', { query: expr, step: step / 1000, ...seconds(aligned) });
    return result;
  }

  async #ask(path, parameters) {
    const query = new URLSearchParams(parameters);
    const answer = await fetch(`${this.address}/api/v1/${path}?${query}`);
    const body = await answer.json();
    if (body.status !== 'success') {
      throw new Error(`${body.errorType}: ${body.error}`);
    }
    return body.data;
  }
}

function seconds({ from, to }) {
  return { start: from / 1000, end: to / 1000 };
}

function toFrame({ metric, values }, target, expr, step) {
  const name = legendOf(metric, target.legendFormat, expr);
  return {
    refId: target.refId,
    length: values.length,
    meta: { step },
    fields: [
      {
        name: 'Time', type: 'time', config: target.instant ? {} : { interval: step },
        values: values.map(([time]) => Math.round(time * 1000)),
      },
      {
        name: metric.__name__ ?? 'Value', type: 'number', labels: metric,
        config: name ? { displayNameFromDS: name } : {},
        values: values.map(([, value]) => readNumber(value)),
      },
    ],
  };
}

// A series without labels is named after its query: that is no name, but it is what Grafana does.
function legendOf(labels, format, expr) {
  if (!format || format === '__auto') {
    return Object.keys(labels).length > 0 ? undefined : expr;
  }
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => labels[label] ?? '') || expr;
}

function readNumber(text) {
  return { '+Inf': Infinity, '-Inf': -Infinity }[text] ?? Number.parseFloat(text);
}

/**
 * What all queries of a panel gave, together: tables are made of them only now, because a value
 * is called "Value #A" where another query is there, and "Value" where it is alone.
 */
export function withTables(targets, frames) {
  const isTable = ({ refId }) => targets.some((target) => target.refId === refId
    && target.format === 'table' && target.datasource.type === 'prometheus');
  const rows = frames.filter(isTable);
  const refs = [...new Set(rows.map(({ refId }) => refId))];
  const tables = refs.map((refId) => toTable(
    refId, rows.filter((frame) => frame.refId === refId), refs.length > 1 ? `Value #${refId}` : 'Value'));
  return [...frames.filter((frame) => !isTable(frame)), ...tables];
}

function toTable(refId, series, valueName) {
  const labels = [...new Set(series.flatMap(({ fields }) => Object.keys(fields[1].labels).sort()))];
  const time = { name: 'Time', type: 'time', config: {}, values: [] };
  const value = { name: valueName, type: 'number', config: {}, values: [] };
  const columns = labels.map((name) => ({
    name, type: 'string', config: { filterable: true }, values: [],
  }));
  for (const { fields: [times, numbers] } of series) {
    time.values.push(...times.values);
    value.values.push(...numbers.values);
    for (const column of columns) {
      column.values.push(...numbers.values.map(() => numbers.labels[column.name] ?? ''));
    }
  }
  return { refId, fields: [time, ...columns, value], length: time.values.length };
}

// Buckets of Prometheus count everything up to their bound; those of a heat map only what is
// between two bounds.
function toHeatmap(frames) {
  if (frames.length === 0) {
    return [];
  }
  const sorted = frames
    .map((frame) => ({ bound: readNumber(frame.fields[1].labels.le), frame }))
    .sort((a, b) => a.bound - b.bound);
  const fields = sorted.map(({ frame: { fields: [, counts] } }, index) => {
    const below = sorted[index - 1]?.frame.fields[1].values ?? [];
    const values = counts.values.map((count, at) => {
      const between = count - (below[at] || 0);
      return between < 1e-9 ? 0 : between;
    });
    return { ...counts, name: counts.config.displayNameFromDS ?? counts.labels.le, values };
  });
  const first = sorted[0].frame;
  return [{ ...first, meta: { ...first.meta, type: 'heatmap-rows' }, fields: [first.fields[0], ...fields] }];
}
