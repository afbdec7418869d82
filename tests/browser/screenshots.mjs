// Takes screenshots of the front pages, the API reference and the portal's pages. The portal's
// pages: all on desktop in English and light; the main pages in every language, colour scheme and
// size.

import { join } from 'node:path';
import { done, check } from '../checks.mjs';
import { start } from './chromium.mjs';
import { visitAllPages } from './all-pages.mjs';
import { pages } from './landing.mjs';

const folder = process.argv[2];
const SIZES = { desktop: { width: 1280, height: 860 }, mobile: { width: 390, height: 844 } };
const MAIN = ['overview', 'add-card', 'preview', 'invoice', 'checkout'];

const browser = await start();
for (const language of ['en', 'ko']) {
  const page = await browser.window({ viewport: SIZES.desktop, locale: language === 'ko' ? 'ko-KR' : 'en-US' });
  await visitAllPages(page, language, async (name) => {
    const variants = Object.keys(SIZES).flatMap((size) => ['light', 'dark'].map((colorScheme) => ({ size, colorScheme })));
    const wanted = ({ size, colorScheme }) =>
      MAIN.includes(name) || (language === 'en' && size === 'desktop' && colorScheme === 'light');
    for (const { size, colorScheme } of variants.filter(wanted)) {
      await page.setViewportSize(SIZES[size]);
      await page.emulateMedia({ colorScheme });
      const path = join(folder, `${name}-${language}-${colorScheme}-${size}.png`);
      await page.screenshot({ path, fullPage: true, animations: 'disabled', caret: 'hide' });
      check(path, true);
    }
    await page.setViewportSize(SIZES.desktop);
    await page.emulateMedia({ colorScheme: 'light' });
  });
  await page.context().close();
}
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const scheme of ['light', 'dark']) {
    const page = await browser.window({ viewport, scheme });
    for (const { name, open } of pages) {
      await open(page);
      const path = join(folder, `${name}-en-${scheme}-${size}.png`);
      // The reference is as long as thirty screens.
      await page.screenshot({ path, fullPage: name !== 'reference', animations: 'disabled', caret: 'hide' });
      check(path, true);
    }
    await page.context().close();
  }
}
await browser.end();
done();
