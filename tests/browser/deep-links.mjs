// Deep links: each lands on its step, shows nothing else of the portal, and ends where `after_completion` says.

import { done, same } from '../facts.mjs';
import { choosePlan, typeCard } from './acts.mjs';
import { start } from './chromium.mjs';
import { account, customer, home, portal, stripe } from './service.mjs';
import { Visitor } from './visitor.mjs';

const browser = await start();
const page = await browser.window({ script: false });
const visitor = new Visitor(page, 'en', 'keyboard');
const word = (name, filling) => visitor.word(name, filling);
const subscription = await account.subscription();

/** Opens a link and says that it lands on its step, in this language, with no way to the rest of the portal. */
async function opens(url, heading) {
  await page.goto(url);
  await visitor.the('heading', word(heading)).first().waitFor();
  same(`${heading}: the portal's other parts are not in sight`, await visitor.the('link', word('change_details')).count(), 0);
}

/** A session that only Stripe's API can ask for. */
async function session(type, fields, completion) {
  const flow = { 'flow_data[type]': type };
  for (const [name, value] of Object.entries(fields)) flow[`flow_data[${type}]${name}`] = value;
  for (const [name, value] of Object.entries(completion)) flow[`flow_data[after_completion]${name}`] = value;
  return (await stripe('billing_portal/sessions', { customer, return_url: home, locale: 'en', ...flow })).url;
}

// Through the service: each ends at the return URL.
await opens(await portal({ locale: 'en', flow: { type: 'payment_method_update' } }), 'update_card_title');
await typeCard(visitor, '5555555555554444');
same('a card that a link asked for ends at the return URL', page.url(), home);
const method = (await account.customer()).invoice_settings.default_payment_method;
same('and is the default', (await account.cards()).find((card) => card.id === method).card.last4, '4444');

await opens(await portal({ locale: 'en', flow: { type: 'subscription_update', subscriptionId: subscription.id } }), 'change_title');
await choosePlan(visitor, 'Starter plan', 900);
await visitor.go('button', word('confirm_change'));
same('a change that a link asked for ends there too', page.url(), home);
same('and is made', (await account.subscription()).items.data[0].price.unit_amount, 900);

await opens(await portal({ locale: 'en', flow: { type: 'subscription_cancel', subscriptionId: subscription.id } }), 'cancel_title');
await visitor.go('button', word('confirm_cancel'));
await visitor.go('link', word('skip_reason'));
same('a cancellation that a link asked for ends there too', page.url(), home);
same('and is made', (await account.subscription()).cancel_at, (await account.subscription()).items.data[0].current_period_end);
await stripe(`subscriptions/${subscription.id}`, { cancel_at: '' });

// What only Stripe's API offers.
const item = (await account.subscription()).items.data[0];
const confirm = { '[subscription]': subscription.id, '[items][0][id]': item.id, '[items][0][price]': 'price_1SandboxDemoBizMonthly01', '[items][0][quantity]': '1' };
const hosted = { '[type]': 'hosted_confirmation', '[hosted_confirmation][custom_message]': 'Enjoy your <new> plan & more.' };
await opens(await session('subscription_update_confirm', confirm, hosted), 'preview_title');
await visitor.go('button', word('confirm_change'));
await visitor.sees('a hosted confirmation says what it was told to say', 'Enjoy your <new> plan & more.');
same('the confirmed change is made', (await account.subscription()).items.data[0].price.unit_amount, 6000);
const confirmation = page.url();
await page.goto(confirmation.replace(/\/done.*/, ''));
same('a link that is used up leads to its end only', page.url().replace(/\?.*/, ''), confirmation.replace(/\?.*/, ''));

await opens(await session('subscription_cancel', { '[subscription]': subscription.id }, { '[type]': 'portal_homepage' }), 'cancel_title');
await visitor.go('button', word('confirm_cancel'));
await visitor.go('link', word('skip_reason'));
await visitor.sees('a link may end on the first page', word('plan_canceled'));
same('from where all is open', await visitor.the('link', word('change_details')).count(), 1);

await browser.end();
done();
