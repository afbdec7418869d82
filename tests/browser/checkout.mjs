// A checkout from its link to what Stripe's API says afterwards. Arguments: language, hands, script or no-script.

import { done, same } from '../facts.mjs';
import { typeCard } from './acts.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { account, checkout, customer, home, stripe } from './service.mjs';
import { Visitor } from './visitor.mjs';

const [language, hands, script] = process.argv.slice(2);
const browser = await start();
const page = await browser.window({ script: script === 'script' });
const visitor = new Visitor(page, language, hands);
const word = (name, filling) => visitor.word(name, filling);
const pay = word('subscribe_and_pay', dollars(2000, language));
const read = (session) => stripe(`checkout/sessions/${session.id}?expand[]=customer&expand[]=subscription&expand[]=invoice`);
const landing = (session) => `${home}?session=${session.id}`;

// Somebody new: nothing typed, a card that is declined, a bank that says no, a bank that says yes.
const session = await checkout({ locale: language });
await page.goto(session.url);
await visitor.sees('the page says what is bought', word('subscribe_to', 'Professional plan'));
await visitor.sees('and what it costs', dollars(2000, language));
await visitor.go('button', pay);
await visitor.sees('what is missing is told', word('no_email'));
await visitor.type(word('email'), 'browser@example.com');
await typeCard(visitor, '4000000000000002', { submit: pay });
await visitor.sees('a card that is declined is told', word('card_declined'));
same('and the session stays open', (await read(session)).status, 'open');
await typeCard(visitor, '4000002500003155', { submit: pay });
await visitor.go('button', word('bank_fails'));
await visitor.sees('a bank that does not confirm is told', word('not_charged'));
await visitor.type(word('email'), 'browser@example.com');
await typeCard(visitor, '4000002500003155', { submit: pay });
await visitor.go('button', word('bank_completes'));
same('a payment ends at the success URL, with the session', page.url(), landing(session));
const paid = await read(session);
same('the session is complete', [paid.status, paid.payment_status], ['complete', 'paid']);
same('a customer was made', [paid.customer.email, paid.customer.name], ['browser@example.com', 'Browser Tester']);
same('who has subscribed and paid', [paid.subscription.status, paid.invoice.amount_paid], ['active', 2000]);
await page.goto(session.url);
await visitor.sees('its link says that all is done', word('checkout_complete'));

// The demo's customer: the way back, the saved card.
const known = await checkout({ customer, locale: language });
await page.goto(known.url);
await visitor.go('link', word('return', new URL(home).host));
same('the way back is the cancel URL', page.url(), `${home}?canceled`);
await page.goto(known.url);
same('a settled address is not asked for', await page.getByLabel(word('email'), { exact: true }).count(), 0);
await visitor.choose(word('other_card'));
same('another card can be typed', await page.getByLabel(word('card_number'), { exact: true }).isVisible(), true);
await visitor.choose(/^Visa .*4242/);
same('and need not', await page.getByLabel(word('card_number'), { exact: true }).isVisible(), false);
await visitor.go('button', pay);
same('the saved card pays too', page.url(), landing(known));
same('for the customer that there is', (await read(known)).subscription.default_payment_method, (await account.customer()).invoice_settings.default_payment_method);

// One that ends while its page is open.
const link = await checkout({ locale: language });
await page.goto(link.url);
await stripe(`checkout/sessions/${link.id}/expire`, {});
await visitor.go('button', pay);
await visitor.sees('what is over says so', word('checkout_expired'));

await browser.end();
done();
