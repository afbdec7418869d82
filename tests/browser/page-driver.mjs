// Drives a page with the keyboard or the pointer. It finds elements by role and accessible name.

import { readFileSync } from 'node:fs';
import { check } from '../checks.mjs';

const TEXTS = JSON.parse(readFileSync(new URL('page-texts.json', import.meta.url), 'utf8'));

/** More tab stops than any page has. */
const MAX_TAB_STOPS = 120;

export class PageDriver {
  /** `language` is the page's language, `input` is `keyboard` or `pointer`. */
  constructor(page, language, input = 'pointer') {
    this.page = page;
    this.language = language;
    this.texts = TEXTS[language];
    this.keyboard = input === 'keyboard';
  }

  /** Returns a text of the page by its key, with `…` filled in. */
  text(name, filling) {
    const text = this.texts[name];
    if (!text) throw new Error(`page-texts.json has no ${name}`);
    return filling === undefined ? text : text.replace('…', filling);
  }

  /** Returns the element with this role and name (exact text or pattern), on the page or within an element. */
  the(role, name, within = this.page) {
    return within.getByRole(role, { name, exact: true });
  }

  /** Returns the page's region with this heading. */
  section(name) {
    return this.page.getByRole('region', { name: this.text(name), exact: true });
  }

  /** Moves the focus to an element with the Tab key. The focus must be visible. */
  async tabTo(target) {
    const element = await target.elementHandle();
    for (let stops = 0; stops < MAX_TAB_STOPS; stops += 1) {
      const found = await element.evaluate((wanted) => {
        if (wanted !== document.activeElement) return null;
        // A box or a button in a label may show its focus on the label.
        const places = [wanted, wanted.closest('label'), wanted.parentElement].filter(Boolean);
        const styles = () =>
          places.map((place) => {
            const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor } = getComputedStyle(place);
            return [outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor].join();
          });
        const focused = styles().join();
        wanted.blur();
        const blurred = styles().join();
        wanted.focus({ preventScroll: true });
        return focused !== blurred;
      });
      if (found === false) check('the focus is visible', false, await element.evaluate((wanted) => wanted.outerHTML));
      if (found) return;
      await this.page.keyboard.press('Tab');
    }
    check('every element is reachable with the Tab key', false, String(target));
  }

  /** Follows a link or presses a button, and waits for the next page. */
  async go(role, name, within) {
    const target = this.the(role, name, within);
    if (this.keyboard) await this.tabTo(target);
    const arrived = this.page.waitForEvent('load');
    await (this.keyboard ? this.page.keyboard.press('Enter') : target.click());
    await arrived;
  }

  /** Replaces the value of a field. */
  async type(name, text) {
    const field = this.page.getByLabel(name, { exact: true });
    if (!this.keyboard) return field.fill(text);
    await this.tabTo(field);
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.page.keyboard.type(text);
  }

  /** Selects an entry of a drop-down list. */
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
    if ((await chosen()) !== wanted) check('a list is operable with the arrow keys', false, { entry, entries });
  }

  /** Selects a radio button. */
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
    if (!(await button.isChecked())) check('radio buttons are operable with the arrow keys', false, name);
  }

  /** Checks that the page contains this text. */
  async expectText(what, text, within = this.page) {
    const place = within === this.page ? this.page.locator('body') : within;
    const shown = (await place.innerText()).replaceAll('\u00a0', ' ');
    check(what, shown.includes(text.replaceAll('\u00a0', ' ')), { wanted: text, shown });
  }
}
