/** Draws the pages for docs/luci.md, with a router that has seen something: pictures.mjs. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { shrink } from '../pictures/png.mjs';
import { PHONE, Shown, stop } from './browser.mjs';
import { app, read } from './page.mjs';
import { router } from './router.mjs';
import { entries } from './translations.mjs';

const images = join(app, '../../docs/images');
const chinese = Object.fromEntries(entries(read('po/zh_Hans/netmonitor.po')));

async function draw(file, name, of, options, prepare = async () => {}) {
  const page = await Shown.open(name, of, options);
  await prepare(page);
  writeFileSync(join(images, file), await shrink(await page.picture()));
  await page.close();
}

await draw('luci-overview.png', 'netmonitor/overview', router());
await draw('luci-overview-phone.png', 'netmonitor/overview', router(), { width: PHONE });
await draw('luci-overview-zh.png', 'netmonitor/overview', router(),
  { language: 'zh_Hans', titles: chinese });
await draw('luci-settings.png', 'netmonitor/settings', router(), {},
  async (page) => {
    await page.evaluate('document.querySelectorAll(".cbi-tabmenu a")[1].click()');
    await page.fill('ping_interval', '0.05');
  });
await draw('luci-stopped-phone.png', 'netmonitor/overview',
  router({ state: { trouble: 'stopped', text: '' } }), { width: PHONE });
await stop();
