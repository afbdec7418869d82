// Every page of the portal, in both languages and both colour schemes, under the eyes of axe.

import { done } from '../facts.mjs';
import { isAccessible } from './accessibility.mjs';
import { start } from './chromium.mjs';
import { portal } from './service.mjs';

const browser = await start();
for (const locale of ['en', 'ko']) {
  for (const scheme of ['light', 'dark']) {
    const page = await browser.window({ scheme, bypassCSP: true });
    await page.goto(await portal({ locale }));
    await isAccessible(page, `overview, ${locale}, ${scheme}`);
  }
}
await browser.end();
done();
