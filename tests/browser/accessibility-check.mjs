// Checks every page of the portal with axe, in both languages and both colour schemes.

import { done } from '../checks.mjs';
import { isAccessible } from './accessibility.mjs';
import { start } from './chromium.mjs';
import { visitAllPages } from './all-pages.mjs';

const browser = await start();
for (const language of ['en', 'ko']) {
  const page = await browser.window({ bypassCSP: true });
  await visitAllPages(page, language, async (name) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await isAccessible(page, `${name}, ${language}, ${colorScheme}`);
    }
  });
  await page.context().close();
}
await browser.end();
done();
