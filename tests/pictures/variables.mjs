/**
 * The variables of a dashboard and Grafana's own ($__interval and others), and how long the
 * steps of a query are.
 */

import { rangeUtil } from '@grafana/data';

// Of grafana/provisioning/datasources: no step is shorter than the time between two scrapes.
const SCRAPE_INTERVAL = '15s';
const SCRAPE_INTERVAL_MS = 15_000;
// Prometheus gives no more than 11,000 points of a series.
const MOST_POINTS = 11_000;

/** Milliseconds of "now", "now-24h". */
export function readRange({ from, to }, now) {
  const moment = (text) => {
    const ago = /^now(?:-(\d+\w))?$/.exec(text);
    if (!ago) {
      throw new Error(`time ${text}: expected "now" or, for example, "now-24h"`);
    }
    return now - (ago[1] ? rangeUtil.intervalToMs(ago[1]) : 0);
  };
  return { from: moment(from), to: moment(to) };
}

/** The step of a query for a panel that is so many pixels wide. */
export function stepMs(range, width, minimum = SCRAPE_INTERVAL) {
  const asMoments = { from: { valueOf: () => range.from }, to: { valueOf: () => range.to } };
  const { intervalMs } = rangeUtil.calculateInterval(asMoments, Math.floor(width), minimum);
  return Math.max(intervalMs, Math.ceil((range.to - range.from) / MOST_POINTS));
}

/** Names and values that a query of this range and step may use. */
export function builtIn(range, step) {
  const seconds = Math.round((range.to - range.from) / 1000);
  const rate = Math.max(step + SCRAPE_INTERVAL_MS, 4 * SCRAPE_INTERVAL_MS);
  return {
    __interval: `${step / 1000}s`,
    __interval_ms: String(step),
    __rate_interval: `${rate / 1000}s`,
    __range: `${seconds}s`,
    __range_s: String(seconds),
    __range_ms: String(seconds * 1000),
    __from: String(range.from),
    __to: String(range.to),
  };
}

/**
 * `text` with $name and ${name} replaced; several values become a regular expression, as the
 * Prometheus data source writes it. What is not known stays, as in Grafana.
 */
export function replace(text, variables) {
  return text.replace(/\$(\w+)|\$\{(\w+)\}/g, (whole, bare, braced) => {
    const value = variables[bare ?? braced];
    if (value === undefined) {
      return whole;
    }
    if (!Array.isArray(value)) {
      return value;
    }
    const escaped = value.map((one) => one.replace(/[\\^$.*+?()[\]{}|]/g, '\\\\$&'));
    return escaped.length === 1 ? escaped[0] : `(${escaped.join('|')})`;
  });
}

/** The dashboard's own variables: what is chosen in each, "All" being all values. */
export async function readVariables(dashboard, { given, range, prometheus }) {
  const chosen = {};
  for (const variable of dashboard.templating.list) {
    if (variable.name in given) {
      chosen[variable.name] = given[variable.name];
    } else if (variable.type === 'query') {
      chosen[variable.name] = await readChoice(variable, { chosen, range, prometheus });
    } else {
      chosen[variable.name] = variable.current?.value ?? '';
    }
  }
  return chosen;
}

async function readChoice(variable, { chosen, range, prometheus }) {
  const asked = /^label_values\((.*),\s*(\w+)\)$/s.exec(variable.query.query);
  if (!asked) {
    throw new Error(`variable ${variable.name}: expected label_values(…), found ${variable.query.query}`);
  }
  const values = await prometheus.labelValues(asked[2], replace(asked[1], chosen), range);
  if (variable.multi && variable.current?.value?.includes('$__all')) {
    return variable.allValue ?? values;
  }
  return variable.multi ? values.slice(0, 1) : values[0] ?? '';
}

/** Panels with a title that is complete; a panel that is repeated is there for each value. */
export function repeatPanels(panels, variables) {
  let shift = 0;
  const placed = [];
  for (const panel of panels) {
    const at = { ...panel.gridPos, y: panel.gridPos.y + shift };
    if (!panel.repeat) {
      placed.push({ ...panel, gridPos: at, variables });
      continue;
    }
    const values = [variables[panel.repeat]].flat();
    const across = Math.min(panel.maxPerRow ?? 4, Math.max(values.length, 1));
    const width = Math.floor(24 / across);
    values.forEach((value, index) => {
      placed.push({
        ...panel,
        variables: { ...variables, [panel.repeat]: value },
        gridPos: {
          ...at, w: width, x: (index % across) * width, y: at.y + Math.floor(index / across) * at.h,
          // Nothing moves up beside the last one: all together are one place of the grid.
          ...(index === values.length - 1 && { reserved: 24 - (index % across) * width }),
        },
      });
    });
    shift += (Math.ceil(Math.max(values.length, 1) / across) - 1) * at.h;
  }
  return placed.map((panel) => ({ ...panel, title: replace(panel.title ?? '', titles(panel.variables)) }));
}

function titles(variables) {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, [value].flat().join(' + ')]));
}
