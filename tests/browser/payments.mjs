// Changes of plan that are not simply paid: the bank asks, the bank says no, the card is declined, there is no card.

import { done, fact, same } from '../facts.mjs';
import { choosePlan, typeCard } from './acts.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { account, customer, portal, stripe } from './service.mjs';
import { Visitor } from './visitor.mjs';

const browser = await start();
const page = await browser.window({ script: false });
const visitor = new Visitor(page, 'en', 'keyboard');
const word = (name, filling) => visitor.word(name, filling);
const amount = async () => (await account.subscription()).items.data[0].price.unit_amount;

/** Makes this test card the one that pays. */
async function payWith(name) {
  const card = await stripe(`payment_methods/${name}/attach`, { customer });
  await stripe(`customers/${customer}`, { 'invoice_settings[default_payment_method]': card.id });
}

/** Goes as far as the confirmation of a plan of this price. */
async function choose(plan, cents) {
  await page.goto(await portal({ locale: 'en' }));
  await visitor.go('link', word('change_plan'));
  await choosePlan(visitor, plan, cents);
}

await payWith('pm_card_chargeCustomerFail');
const invoices = (await account.invoices()).length;
await choose('Business plan', 6000);
await visitor.go('button', word('confirm_change'));
await visitor.sees('a payment that is declined is told', word('payment_declined'));
same('and nothing is changed', [await amount(), (await account.invoices()).length], [2000, invoices]);

await payWith('pm_card_authenticationRequired');
await choose('Business plan', 6000);
const shown = await page.locator('main').innerText();
await visitor.go('button', word('confirm_change'));
await visitor.go('button', word('bank_fails'));
await visitor.sees('a payment that the bank does not confirm is told', word('not_authenticated'));
same('and nothing is changed then', [await amount(), (await account.invoices()).length], [2000, invoices]);
await visitor.go('button', word('confirm_change'));
const asked = await page.locator('main').innerText();
await visitor.go('button', word('bank_completes'));
await visitor.sees('one that it confirms is made', word('plan_changed'));
same('and so is the change', await amount(), 6000);
const [invoice] = await account.invoices();
same('its invoice is paid', invoice.status, 'paid');
fact('preview, bank and invoice name one amount', [shown, asked].every((text) => text.includes(dollars(invoice.amount_paid, 'en'))), { shown, asked, invoice });

for (const card of await account.cards()) await stripe(`payment_methods/${card.id}/detach`, {});
await stripe(`subscriptions/${(await account.subscription()).id}`, { 'items[0][id]': (await account.subscription()).items.data[0].id, 'items[0][price]': 'price_1SandboxDemoStartMonthly1', proration_behavior: 'none' });
await choose('Business plan', 6000);
await visitor.go('link', word('add_first_card'));
await typeCard(visitor, '378282246310005', { cvc: '1234' });
await visitor.sees('a card that is added on the way pays', 'American Express');
await visitor.go('button', word('confirm_change'));
await visitor.sees('and the plan is changed', word('plan_changed'));
const card = (await account.cards())[0];
same('with that card', [await amount(), card.card.brand, card.id], [6000, 'amex', (await account.customer()).invoice_settings.default_payment_method]);

await browser.end();
done();
