// Every page of the portal, in both languages and both colour schemes, under the eyes of axe.

import { done } from '../facts.mjs';
import { isAccessible } from './accessibility.mjs';
import { start } from './chromium.mjs';
import { tour } from './tour.mjs';

const browser = await start();
for (const language of ['en', 'ko']) {
  const page = await browser.window({ bypassCSP: true });
  await tour(page, language, async (name) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await isAccessible(page, `${name}, ${language}, ${colorScheme}`);
    }
  });
  await page.context().close();
}
await browser.end();
done();
