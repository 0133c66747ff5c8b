/** What the tests do with a page of netmonitor in LuCI. */

import { Chromium } from '../pictures/chromium.mjs';
import { html } from './page.mjs';

export const DESKTOP = 1280;
export const PHONE = 390;

const chromium = await Chromium.start();

export const stop = () => chromium.stop();

/** A page that has shown what it asked for. */
export class Shown {
  static async open(name, router, { language = 'en', width = DESKTOP, titles = {} } = {}) {
    const page = await chromium.open(html(name, router, language, titles), width);
    const shown = new Shown(page);
    await page.evaluate('window.started');
    return shown;
  }

  constructor(page) {
    this.page = page;
  }

  evaluate(expression) {
    return this.page.evaluate(expression);
  }

  /** All that can be read there. */
  text() {
    return this.evaluate('document.getElementById("maincontent").innerText');
  }

  /** The texts of all nodes that a selector names. */
  texts(selector) {
    return this.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((node) => node.innerText)`);
  }

  /** Rows of the table below a heading, cell by cell, without its titles. */
  rows(heading) {
    return this.evaluate(`(() => {
      const heading = [...document.querySelectorAll('h3')]
        .find((node) => node.innerText === ${JSON.stringify(heading)});
      return [...heading.nextSibling.querySelectorAll('.tr:not(.table-titles)')].map((row) =>
        [...row.querySelectorAll('.td')].map((cell) => cell.innerText));
    })()`);
  }

  /** Presses the button with that text, and waits until it may be pressed again. */
  press(text) {
    return this.evaluate(`new Promise((resolve, reject) => {
      const button = [...document.querySelectorAll('button')]
        .find((node) => node.innerText === ${JSON.stringify(text)});
      if (!button) { reject(new Error('no such button')); return; }
      new MutationObserver((_, observer) => {
        if (!button.disabled) { observer.disconnect(); resolve(); }
      }).observe(button, { attributes: true });
      button.click();
    })`);
  }

  /** Types into the field of an option; resolves to what is said against it. */
  fill(option, value) {
    return this.evaluate(`(() => {
      const field = document.querySelector('[data-name="${option}"]');
      const input = field.querySelector('input, select');
      input.value = ${JSON.stringify(value)};
      input.dispatchEvent(new Event('change'));
      return field.querySelector('.problem').innerText;
    })()`);
  }

  /** What was asked of ubus and uci, as `object.method`, with parameters where there are some. */
  async calls() {
    const calls = await this.evaluate('window.done.calls');
    return calls.map(({ object, method, params }) =>
      (Object.keys(params).length ? [`${object}.${method}`, params] : `${object}.${method}`));
  }

  poll() {
    return this.evaluate('window.done.poll()');
  }

  /** Is there nothing to scroll to the right? */
  fits() {
    return this.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
  }

  errors() {
    return this.evaluate('window.done.errors');
  }

  picture() {
    return this.page.picture();
  }

  close() {
    return this.page.close();
  }
}
