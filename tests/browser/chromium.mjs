// The installed Chromium: a fresh profile, no background traffic, no host but loopback; every request of a page is noted.

import { chromium } from 'playwright-core';
import { fact } from '../facts.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-lcd-text',
  '--font-render-hinting=none',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

/** Starts the browser. */
export async function start() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
  const asked = [];
  return {
    /** A window of its own: no cookie, no cache is shared. */
    async window({ script = true, scheme = 'light', locale = 'en-US', viewport = { width: 1280, height: 900 }, scale = 1, bypassCSP = false } = {}) {
      const context = await browser.newContext({
        javaScriptEnabled: script,
        colorScheme: scheme,
        locale,
        viewport,
        bypassCSP,
        deviceScaleFactor: scale,
        // Movement only makes tests wait.
        reducedMotion: 'reduce',
      });
      context.on('request', (request) => {
        if (!request.url().startsWith('data:')) asked.push(request.url());
      });
      context.setDefaultTimeout(60_000);
      return context.newPage();
    },

    /** Ends the browser and says that it asked nobody but this machine. */
    async end() {
      await browser.close();
      const elsewhere = asked.filter((url) => new URL(url).hostname !== '127.0.0.1');
      fact('no request leaves loopback', asked.length > 0 && elsewhere.length === 0, elsewhere);
    },
  };
}
