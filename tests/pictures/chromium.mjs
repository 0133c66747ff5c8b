/**
 * Pictures of pages by Chromium without a window, over its pipe for debuggers: the command line
 * alone makes no page as narrow as a phone, nor as high as a dashboard.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Chromium {
  #answers = new Map();
  #last = 0;

  static async start(program = 'chromium') {
    const profile = await mkdtemp(join(tmpdir(), 'netmonitor-pictures-'));
    return new Chromium(program, profile);
  }

  constructor(program, profile) {
    this.profile = profile;
    this.process = spawn(program, [
      '--headless=new', '--remote-debugging-pipe', '--disable-gpu', '--hide-scrollbars',
      '--no-first-run', '--disable-background-networking', '--disable-component-update',
      // What is shown was made here; as root its sandbox does not start.
      ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
      `--user-data-dir=${profile}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve, reject) => {
      this.process.once('error', reject);
      this.process.once('exit', resolve);
    });
    // Whoever waits for an answer then waits in vain.
    this.ended.catch(() => {}).finally(() => this.#answers.forEach(
      ({ reject }) => reject(new Error(`${program} has ended`))));
    let unread = '';
    this.process.stdio[4].setEncoding('utf8').on('data', (text) => {
      const parts = (unread + text).split('\0');
      unread = parts.pop();
      parts.map(JSON.parse).forEach((message) => this.#receive(message));
    });
  }

  /** A page of HTML, `width` pixels wide. */
  async open(html, width) {
    const { targetId } = await this.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(
      (method, parameters) => this.#send(method, parameters, sessionId),
      () => this.#send('Target.closeTarget', { targetId }), width);
    await page.show(html);
    return page;
  }

  /** PNG of a page of HTML, `width` pixels wide and as high as its body. */
  async picture(html, width) {
    const page = await this.open(html, width);
    const picture = await page.picture();
    await page.close();
    return picture;
  }

  async stop() {
    await this.#send('Browser.close').catch(() => {});
    await this.ended;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #send(method, params = {}, sessionId = undefined) {
    this.#last += 1;
    const id = this.#last;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
  }

  #receive({ id, result, error }) {
    const answer = this.#answers.get(id);
    if (!answer) {
      return;
    }
    this.#answers.delete(id);
    if (error) {
      answer.reject(new Error(error.message));
    } else {
      answer.resolve(result);
    }
  }
}

/** An open page. */
class Page {
  #send;

  constructor(send, close, width) {
    this.#send = send;
    this.close = close;
    this.width = width;
  }

  async show(html) {
    await this.#resize(600);
    // Unlike the debugger's own way to set a document, this runs its scripts.
    await this.evaluate(`document.open(), document.write(${JSON.stringify(html)}), document.close()`);
  }

  /** What an expression comes to, once it is settled. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression, awaitPromise: true, returnByValue: true, userGesture: true,
    });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** PNG, as high as its body. */
  async picture() {
    const height = await this.evaluate('document.fonts.ready.then(() => document.body.offsetHeight)');
    await this.#resize(height);
    const { data } = await this.#send('Page.captureScreenshot', {
      format: 'png', optimizeForSpeed: false, captureBeyondViewport: true,
      clip: { x: 0, y: 0, width: this.width, height, scale: 1 },
    });
    return Buffer.from(data, 'base64');
  }

  #resize(height) {
    return this.#send('Emulation.setDeviceMetricsOverride', {
      width: this.width, height, deviceScaleFactor: 1, mobile: false,
    });
  }
}
