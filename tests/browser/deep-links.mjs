// Deep links: each opens its step, shows no other part of the portal, and ends at `after_completion`.

import { done, checkEqual } from '../checks.mjs';
import { choosePlan, typeCard } from './actions.mjs';
import { start } from './chromium.mjs';
import { account, customer, home, portal, stripe } from './service.mjs';
import { PageDriver } from './page-driver.mjs';

const browser = await start();
const page = await browser.window({ script: false });
const driver = new PageDriver(page, 'en', 'keyboard');
const text = (name, filling) => driver.text(name, filling);
const subscription = await account.subscription();

/** Opens a link and checks that it shows its step without links to the rest of the portal. */
async function opens(url, heading) {
  await page.goto(url);
  await driver.the('heading', text(heading)).first().waitFor();
  checkEqual(`${heading}: no link to other parts of the portal`, await driver.the('link', text('change_details')).count(), 0);
}

/** Creates a session with options that only Stripe's API has. */
async function session(type, fields, completion) {
  const flow = { 'flow_data[type]': type };
  for (const [name, value] of Object.entries(fields)) flow[`flow_data[${type}]${name}`] = value;
  for (const [name, value] of Object.entries(completion)) flow[`flow_data[after_completion]${name}`] = value;
  return (await stripe('billing_portal/sessions', { customer, return_url: home, locale: 'en', ...flow })).url;
}

// Sessions of the service end at the return URL.
await opens(await portal({ locale: 'en', flow: { type: 'payment_method_update' } }), 'update_card_title');
await typeCard(driver, '5555555555554444');
checkEqual('updating the card ends at the return URL', page.url(), home);
const method = (await account.customer()).invoice_settings.default_payment_method;
checkEqual('the updated card is the default', (await account.cards()).find((card) => card.id === method).card.last4, '4444');

await opens(await portal({ locale: 'en', flow: { type: 'subscription_update', subscriptionId: subscription.id } }), 'change_title');
await choosePlan(driver, 'Starter plan', 900);
await driver.go('button', text('confirm_change'));
checkEqual('changing the plan ends at the return URL', page.url(), home);
checkEqual('the plan is changed', (await account.subscription()).items.data[0].price.unit_amount, 900);

await opens(await portal({ locale: 'en', flow: { type: 'subscription_cancel', subscriptionId: subscription.id } }), 'cancel_title');
await driver.go('button', text('confirm_cancel'));
await driver.go('link', text('skip_reason'));
checkEqual('cancelling ends at the return URL', page.url(), home);
checkEqual('the plan is cancelled', (await account.subscription()).cancel_at, (await account.subscription()).items.data[0].current_period_end);
await stripe(`subscriptions/${subscription.id}`, { cancel_at: '' });

// Sessions with options that only Stripe's API has.
const item = (await account.subscription()).items.data[0];
const confirm = { '[subscription]': subscription.id, '[items][0][id]': item.id, '[items][0][price]': 'price_1SandboxDemoBizMonthly01', '[items][0][quantity]': '1' };
const hosted = { '[type]': 'hosted_confirmation', '[hosted_confirmation][custom_message]': 'Enjoy your <new> plan & more.' };
await opens(await session('subscription_update_confirm', confirm, hosted), 'preview_title');
await driver.go('button', text('confirm_change'));
await driver.expectText('a hosted confirmation shows its custom message', 'Enjoy your <new> plan & more.');
checkEqual('the confirmed change is made', (await account.subscription()).items.data[0].price.unit_amount, 6000);
const confirmation = page.url();
await page.goto(confirmation.replace(/\/done.*/, ''));
checkEqual('a used link redirects to its end', page.url().replace(/\?.*/, ''), confirmation.replace(/\?.*/, ''));

await opens(await session('subscription_cancel', { '[subscription]': subscription.id }, { '[type]': 'portal_homepage' }), 'cancel_title');
await driver.go('button', text('confirm_cancel'));
await driver.go('link', text('skip_reason'));
await driver.expectText('a link can end on the portal homepage', text('plan_canceled'));
checkEqual('the homepage links to other parts of the portal', await driver.the('link', text('change_details')).count(), 1);

await browser.end();
done();
