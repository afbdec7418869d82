// The fonts that tests/packages.txt lists have every character of the pages: a font without it draws a box.

import { readFileSync } from 'node:fs';
import { done, same } from '../facts.mjs';
import { start } from './chromium.mjs';
import { portal } from './service.mjs';

/** A character of the private use area, which no font has. */
const NO_CHARACTER = '\uE8F0';

const words = JSON.parse(readFileSync(new URL('words.json', import.meta.url), 'utf8'));
const characters = Object.values(words).flatMap((language) => Object.values(language)).join('').match(/[\p{L}\p{N}\p{P}\p{S}]/gu);

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
same('every character of the pages has a glyph', boxes, []);
await page.context().close();
await browser.end();
done();
