// What customers do on the pages, whatever the language and the hands.

import { dollars } from './money.mjs';

/** Types a card into its form, and sends it. */
export async function typeCard(visitor, number, { expiry = '12/34', cvc = '123', submit = visitor.word('save_card') } = {}) {
  await visitor.type(visitor.word('card_name'), 'Browser Tester');
  await visitor.type(visitor.word('card_number'), number);
  await visitor.type(visitor.word('card_expiry'), expiry);
  await visitor.type(visitor.word('card_cvc'), cvc);
  await visitor.go('button', submit);
}

/** Chooses a plan by its name and its monthly price in cents, and goes on to what it costs. */
export async function choosePlan(visitor, name, cents) {
  const amount = dollars(cents, visitor.language).replaceAll('$', '\\$');
  await visitor.choose(new RegExp(`^${name}.*${amount}`));
  await visitor.go('button', visitor.word('continue'));
}
