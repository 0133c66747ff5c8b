/**
 * Lists of the bridge as the Infinity plugin gives them: a table with the columns that the query
 * names. Of its parsers only the one that the dashboards use ("backend") is here, for JSON and
 * CSV; of its macros those of the time.
 */

import jsonata from 'jsonata';
import { replace } from './variables.mjs';

export class Infinity {
  constructor(address) {
    this.address = address;
  }

  /** The frame of one query; throws what the bridge answers instead of rows. */
  async frames(target, { range, variables }) {
    const query = new URLSearchParams(target.url_options.params.map(({ key, value }) => [
      key, replace(replaceTimes(value, range), plain(variables)),
    ]));
    const answer = await fetch(`${this.address}${target.url}?${query}`);
    const body = await answer.text();
    if (!answer.ok) {
      throw new Error(`${answer.status} ${body}`);
    }
    const rows = target.type === 'csv' ? readSheet(body) : await readRows(body, target.root_selector);
    return [toFrame(target, rows)];
  }
}

// Outside PromQL several values are a list in braces.
function plain(variables) {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [
    name, Array.isArray(value) && value.length !== 1 ? `{${value.join(',')}}` : String(value),
  ]));
}

function replaceTimes(text, { from, to }) {
  return text
    .replaceAll('${__timeFrom:date:iso}', new Date(from).toISOString())
    .replaceAll('${__timeTo:date:iso}', new Date(to).toISOString());
}

async function readRows(body, selector) {
  const rows = await jsonata(selector || '$').evaluate(JSON.parse(body));
  return rows === undefined ? [] : [rows].flat();
}

function toFrame(target, rows) {
  const fields = target.columns.map(({ selector, text, type }) => ({
    name: text || selector,
    type: type === 'timestamp' ? 'time' : type,
    config: {},
    values: rows.map((row) => readCell(row[selector], type)),
  }));
  return { refId: target.refId, name: target.refId, fields, length: rows.length };
}

function readCell(cell, type) {
  if (cell === undefined || cell === null || (cell === '' && type !== 'string')) {
    return null;
  }
  switch (type) {
    case 'timestamp': return Date.parse(cell);
    case 'number': return Number(cell);
    default: return typeof cell === 'string' ? cell : JSON.stringify(cell);
  }
}

/** Rows of a CSV document (RFC 4180), by the names of its first line. */
function readSheet(text) {
  const lines = [[]];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    lines.at(-1).push(quoted?.replaceAll('""', '"') ?? bare);
    if (end !== ',') {
      lines.push([]);
    }
  }
  const [head, ...rows] = lines.filter((line) => line.length > 1 || line[0]);
  return rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index]])));
}
