// Starts Chromium with a new profile and without background traffic. Only loopback hosts resolve, and
// every request is recorded.

import { chromium } from 'playwright-core';
import { check } from '../checks.mjs';

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
    /** Opens a window with its own cookies and cache. */
    async window({ script = true, scheme = 'light', locale = 'en-US', viewport = { width: 1280, height: 900 }, scale = 1, bypassCSP = false } = {}) {
      const context = await browser.newContext({
        javaScriptEnabled: script,
        colorScheme: scheme,
        locale,
        viewport,
        bypassCSP,
        deviceScaleFactor: scale,
        // Animations would only delay the tests.
        reducedMotion: 'reduce',
      });
      context.on('request', (request) => {
        if (!request.url().startsWith('data:')) asked.push(request.url());
      });
      context.setDefaultTimeout(60_000);
      return context.newPage();
    },

    /** Closes the browser and checks that all requests went to loopback. */
    async end() {
      await browser.close();
      const elsewhere = asked.filter((url) => new URL(url).hostname !== '127.0.0.1');
      check('no request leaves loopback', asked.length > 0 && elsewhere.length === 0, elsewhere);
    },
  };
}
