// The fonts in tests/packages.txt have every character of the pages. A missing character is a box.

import { readFileSync } from 'node:fs';
import { done, checkEqual } from '../checks.mjs';
import { start } from './chromium.mjs';
import { portal } from './service.mjs';

/** A private use character, which no font has. */
const NO_CHARACTER = '\uE8F0';

const pageTexts = JSON.parse(readFileSync(new URL('page-texts.json', import.meta.url), 'utf8'));
const characters = Object.values(pageTexts).flatMap((language) => Object.values(language)).join('').match(/[\p{L}\p{N}\p{P}\p{S}]/gu);

const browser = await start();
const page = await browser.window({ locale: 'ko-KR' });
await page.goto(await portal({ locale: 'ko' }));
const boxes = await page.evaluate(([texts, noCharacter]) => {
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d');
  pen.font = getComputedStyle(document.body).font;
  const draw = (text) => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.fillText(text, 20, 50);
    return canvas.toDataURL();
  };
  const box = draw(noCharacter);
  return texts.filter((text) => draw(text) === box);
}, [[...new Set(characters)], NO_CHARACTER]);
checkEqual('every character of the pages has a glyph', boxes, []);
await page.context().close();
await browser.end();
done();
