// Customers' actions on the pages, for every language and input.

import { dollars } from './money.mjs';

/** Fills in a card form and submits it. */
export async function typeCard(driver, number, { expiry = '12/34', cvc = '123', submit = driver.text('save_card') } = {}) {
  await driver.type(driver.text('card_name'), 'Browser Tester');
  await driver.type(driver.text('card_number'), number);
  await driver.type(driver.text('card_expiry'), expiry);
  await driver.type(driver.text('card_cvc'), cvc);
  await driver.go('button', submit);
}

/** Selects a plan by its name and monthly price in cents, and continues to the preview. */
export async function choosePlan(driver, name, cents) {
  const amount = dollars(cents, driver.language).replaceAll('$', '\\$');
  await driver.choose(new RegExp(`^${name}.*${amount}`));
  await driver.go('button', driver.text('continue'));
}
