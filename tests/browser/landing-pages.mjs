// axe-core on the front pages and the API reference: light and dark, desktop and mobile.

import { check, done } from '../checks.mjs';
import { WCAG22, isAccessible } from './accessibility.mjs';
import { start } from './chromium.mjs';
import { pages, scrollThrough } from './landing.mjs';

const SIZES = { desktop: { width: 1280, height: 900 }, mobile: { width: 390, height: 844 } };

const browser = await start();
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const scheme of ['light', 'dark']) {
    const page = await browser.window({ viewport, scheme, bypassCSP: true });
    for (const { name, open } of pages) {
      await open(page);
      if (name === 'reference') await scrollThrough(page);
      await isAccessible(page, `${name}, ${scheme}, ${size}`, WCAG22);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      check(`${name}, ${scheme}, ${size} fits its window`, width <= viewport.width, width);
    }
    await page.context().close();
  }
}
await browser.end();
done();
