// Somebody at the portal, with a keyboard or with a pointer, who finds things by what they are and what they say.

import { readFileSync } from 'node:fs';
import { fact } from '../facts.mjs';

const WORDS = JSON.parse(readFileSync(new URL('words.json', import.meta.url), 'utf8'));

/** More stops than any page has. */
const MOST_STOPS = 120;

export class Visitor {
  /** `language` is that of the page, `hands` is `keyboard` or `pointer`. */
  constructor(page, language, hands = 'pointer') {
    this.page = page;
    this.language = language;
    this.words = WORDS[language];
    this.keyboard = hands === 'keyboard';
  }

  /** The page's word for something; `…` is filled in. */
  word(name, filling) {
    const word = this.words[name];
    if (!word) throw new Error(`words.json has no ${name}`);
    return filling === undefined ? word : word.replace('…', filling);
  }

  /** The one thing of this role with this name (all of it, or as the pattern says), on the page or in a part of it. */
  the(role, name, within = this.page) {
    return within.getByRole(role, { name, exact: true });
  }

  /** The part of the page under this heading. */
  section(name) {
    return this.page.getByRole('region', { name: this.word(name), exact: true });
  }

  /** Moves the focus there with the Tab key alone; where it arrives, it must be seen. */
  async tabTo(target) {
    const element = await target.elementHandle();
    for (let stops = 0; stops < MOST_STOPS; stops += 1) {
      const found = await element.evaluate((wanted) => {
        if (wanted !== document.activeElement) return null;
        // A box or a button in a label may show its focus on the label.
        const places = [wanted, wanted.closest('label'), wanted.parentElement].filter(Boolean);
        const look = () =>
          places.map((place) => {
            const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor } = getComputedStyle(place);
            return [outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor].join();
          });
        const focused = look().join();
        wanted.blur();
        const blurred = look().join();
        wanted.focus({ preventScroll: true });
        return focused !== blurred;
      });
      if (found === false) fact('the focus is visible', false, await element.evaluate((wanted) => wanted.outerHTML));
      if (found) return;
      await this.page.keyboard.press('Tab');
    }
    fact('everything is reached with the Tab key', false, String(target));
  }

  /** Follows a link or presses a button, and waits for the page that it leads to. */
  async go(role, name, within) {
    const target = this.the(role, name, within);
    if (this.keyboard) await this.tabTo(target);
    const arrived = this.page.waitForEvent('load');
    await (this.keyboard ? this.page.keyboard.press('Enter') : target.click());
    await arrived;
  }

  /** Types into a field, in place of what it holds. */
  async type(name, text) {
    const field = this.page.getByLabel(name, { exact: true });
    if (!this.keyboard) return field.fill(text);
    await this.tabTo(field);
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.page.keyboard.type(text);
  }

  /** Picks an entry of a list that drops down. */
  async pick(name, entry) {
    const list = this.page.getByLabel(name, { exact: true });
    if (!this.keyboard) return list.selectOption({ label: entry });
    await this.tabTo(list);
    const entries = await list.locator('option').allTextContents();
    const chosen = () => list.evaluate((element) => element.selectedIndex);
    const wanted = entries.indexOf(entry);
    for (let steps = entries.length; steps > 0 && (await chosen()) !== wanted; steps -= 1) {
      await this.page.keyboard.press((await chosen()) < wanted ? 'ArrowDown' : 'ArrowUp');
    }
    if ((await chosen()) !== wanted) fact('a list is walked with the arrow keys', false, { entry, entries });
  }

  /** Picks one of a group of radio buttons. */
  async choose(name, within) {
    const button = this.the('radio', name, within);
    if (!this.keyboard) return button.check({ force: true });
    const group = await button.getAttribute('name');
    const all = this.page.locator(`input[type=radio][name="${group}"]`);
    const checked = this.page.locator(`input[type=radio][name="${group}"]:checked`);
    await this.tabTo((await checked.count()) > 0 ? checked : all.first());
    for (let steps = await all.count(); steps > 0 && !(await button.isChecked()); steps -= 1) {
      await this.page.keyboard.press((await checked.count()) > 0 ? 'ArrowDown' : 'Space');
    }
    if (!(await button.isChecked())) fact('radio buttons are chosen with the arrow keys', false, name);
  }

  /** Says that the page shows this text. */
  async sees(what, text, within = this.page) {
    const place = within === this.page ? this.page.locator('body') : within;
    const shown = (await place.innerText()).replaceAll('\u00a0', ' ');
    fact(what, shown.includes(text.replaceAll('\u00a0', ' ')), { wanted: text, shown });
  }
}
