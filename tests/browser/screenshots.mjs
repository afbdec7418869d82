// Pictures of the portal's pages: each on a desk in English and in the light, and in a hand in Korean and in the dark; the first page in all ways.

import { join } from 'node:path';
import { done, fact } from '../facts.mjs';
import { start } from './chromium.mjs';
import { portal } from './service.mjs';

const folder = process.argv[2];
const VIEWPORTS = { desktop: { width: 1280, height: 860 }, mobile: { width: 390, height: 844 } };

const browser = await start();

/** Takes one picture of the whole page. */
async function picture(name, { language, scheme, device }, steps) {
  const page = await browser.window({ scheme, viewport: VIEWPORTS[device] });
  await steps(page, language);
  const path = join(folder, `${name}-${language}-${scheme}-${device}.png`);
  await page.screenshot({ path, fullPage: true, animations: 'disabled', caret: 'hide' });
  fact(path, true);
  await page.context().close();
}

for (const language of ['en', 'ko']) {
  for (const scheme of ['light', 'dark']) {
    for (const device of ['desktop', 'mobile']) {
      await picture('overview', { language, scheme, device }, async (page) => page.goto(await portal({ locale: language })));
    }
  }
}

await browser.end();
done();
