// A checkout, from its link to the resulting state in Stripe's API. Arguments: language, input,
// script or no-script.

import { done, checkEqual } from '../checks.mjs';
import { typeCard } from './actions.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { account, checkout, customer, home, stripe } from './service.mjs';
import { PageDriver } from './page-driver.mjs';

const [language, input, script] = process.argv.slice(2);
const browser = await start();
const page = await browser.window({ script: script === 'script' });
const driver = new PageDriver(page, language, input);
const text = (name, filling) => driver.text(name, filling);
const pay = text('subscribe_and_pay', dollars(2000, language));
const read = (session) => stripe(`checkout/sessions/${session.id}?expand[]=customer&expand[]=subscription&expand[]=invoice`);
const landing = (session) => `${home}?session=${session.id}`;

// A new customer: an empty form, a declined card, a failed authentication, a successful one.
const session = await checkout({ locale: language });
await page.goto(session.url);
await driver.expectText('the page names the plan', text('subscribe_to', 'Professional plan'));
await driver.expectText('the page names the price', dollars(2000, language));
await driver.go('button', pay);
await driver.expectText('a missing field is reported', text('no_email'));
await driver.type(text('email'), 'browser@example.com');
await typeCard(driver, '4000000000000002', { submit: pay });
await driver.expectText('a declined card is reported', text('card_declined'));
checkEqual('the session stays open after a declined card', (await read(session)).status, 'open');
await typeCard(driver, '4000002500003155', { submit: pay });
await driver.go('button', text('bank_fails'));
await driver.expectText('a failed authentication is reported', text('not_charged'));
await driver.type(text('email'), 'browser@example.com');
await typeCard(driver, '4000002500003155', { submit: pay });
await driver.go('button', text('bank_completes'));
checkEqual('a payment redirects to the success URL with the session id', page.url(), landing(session));
const paid = await read(session);
checkEqual('the session is complete', [paid.status, paid.payment_status], ['complete', 'paid']);
checkEqual('a customer is created', [paid.customer.email, paid.customer.name], ['browser@example.com', 'Browser Tester']);
checkEqual('the customer has a paid subscription', [paid.subscription.status, paid.invoice.amount_paid], ['active', 2000]);
await page.goto(session.url);
await driver.expectText('the link of a complete session reports completion', text('checkout_complete'));

// The demo's customer: the cancel link and the saved card.
const known = await checkout({ customer, locale: language });
await page.goto(known.url);
await driver.go('link', text('return', new URL(home).host));
checkEqual('the return link leads to the cancel URL', page.url(), `${home}?canceled`);
await page.goto(known.url);
checkEqual('the form has no email field for a known customer', await page.getByLabel(text('email'), { exact: true }).count(), 0);
await driver.choose(text('other_card'));
checkEqual('another card can be entered', await page.getByLabel(text('card_number'), { exact: true }).isVisible(), true);
await driver.choose(/^Visa .*4242/);
checkEqual('the card form is hidden for the saved card', await page.getByLabel(text('card_number'), { exact: true }).isVisible(), false);
await driver.go('button', pay);
checkEqual('a payment with the saved card succeeds', page.url(), landing(known));
checkEqual('the subscription belongs to the existing customer', (await read(known)).subscription.default_payment_method, (await account.customer()).invoice_settings.default_payment_method);

// A session that expires while its page is open.
const link = await checkout({ locale: language });
await page.goto(link.url);
await stripe(`checkout/sessions/${link.id}/expire`, {});
await driver.go('button', pay);
await driver.expectText('an expired session is reported', text('checkout_expired'));

await browser.end();
done();
