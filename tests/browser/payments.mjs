// Plan changes with payment problems: authentication, a declined card, and no card.

import { done, check, checkEqual } from '../checks.mjs';
import { choosePlan, typeCard } from './actions.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { account, customer, portal, stripe } from './service.mjs';
import { PageDriver } from './page-driver.mjs';

const browser = await start();
const page = await browser.window({ script: false });
const driver = new PageDriver(page, 'en', 'keyboard');
const text = (name, filling) => driver.text(name, filling);
const amount = async () => (await account.subscription()).items.data[0].price.unit_amount;

/** Sets this test card as the default. */
async function payWith(name) {
  const card = await stripe(`payment_methods/${name}/attach`, { customer });
  await stripe(`customers/${customer}`, { 'invoice_settings[default_payment_method]': card.id });
}

/** Opens the preview of a plan with this price. */
async function choose(plan, cents) {
  await page.goto(await portal({ locale: 'en' }));
  await driver.go('link', text('change_plan'));
  await choosePlan(driver, plan, cents);
}

await payWith('pm_card_chargeCustomerFail');
const invoices = (await account.invoices()).length;
await choose('Business plan', 6000);
await driver.go('button', text('confirm_change'));
await driver.expectText('a declined payment is reported', text('payment_declined'));
checkEqual('a declined payment changes nothing', [await amount(), (await account.invoices()).length], [2000, invoices]);

await payWith('pm_card_authenticationRequired');
await choose('Business plan', 6000);
const shown = await page.locator('main').innerText();
await driver.go('button', text('confirm_change'));
await driver.go('button', text('bank_fails'));
await driver.expectText('a failed authentication is reported', text('not_authenticated'));
checkEqual('a failed authentication changes nothing', [await amount(), (await account.invoices()).length], [2000, invoices]);
await driver.go('button', text('confirm_change'));
const asked = await page.locator('main').innerText();
await driver.go('button', text('bank_completes'));
await driver.expectText('a successful authentication changes the plan', text('plan_changed'));
checkEqual('the subscription has the new price', await amount(), 6000);
const [invoice] = await account.invoices();
checkEqual('its invoice is paid', invoice.status, 'paid');
check('preview, bank page and invoice have the same amount', [shown, asked].every((text) => text.includes(dollars(invoice.amount_paid, 'en'))), { shown, asked, invoice });

for (const card of await account.cards()) await stripe(`payment_methods/${card.id}/detach`, {});
await stripe(`subscriptions/${(await account.subscription()).id}`, { 'items[0][id]': (await account.subscription()).items.data[0].id, 'items[0][price]': 'price_1SandboxDemoStartMonthly1', proration_behavior: 'none' });
await choose('Business plan', 6000);
await driver.go('link', text('add_first_card'));
await typeCard(driver, '378282246310005', { cvc: '1234' });
await driver.expectText('a card added during the change is used', 'American Express');
await driver.go('button', text('confirm_change'));
await driver.expectText('the plan is changed with the added card', text('plan_changed'));
const card = (await account.cards())[0];
checkEqual('the added card is the default', [await amount(), card.card.brand, card.id], [6000, 'amex', (await account.customer()).invoice_settings.default_payment_method]);

await browser.end();
done();
