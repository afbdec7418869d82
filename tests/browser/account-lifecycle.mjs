// The lifecycle of a billing account without an operator: purchase, change, cancellation, deletion.

import { done, check, checkEqual } from '../checks.mjs';
import { choosePlan, typeCard } from './actions.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { request, home, newcomer, stripe, until } from './service.mjs';
import { PageDriver } from './page-driver.mjs';

/** Maximum time from the return to the success URL until the service knows the purchase. */
const PURCHASE_KNOWN_MS = 2_000;

const browser = await start();
const page = await browser.window({ script: false });
const driver = new PageDriver(page, 'en', 'keyboard');
const text = (name, filling) => driver.text(name, filling);
const route = (name) => `/api/v1/subscriptions/${name}`;
const current = async () => (await request('GET', route('current'), newcomer)).body;
const portal = () => request('POST', route('portal'), newcomer, { locale: 'en' });
const all = (state) => [state.hasSubscription, state.subscription, state.planDetails];

/** Opens the portal. */
async function enter(name) {
  const opened = await portal();
  checkEqual(name, opened.status, 200);
  await page.goto(opened.body.url);
}

// A new user.
const before = await portal();
checkEqual('a new user has no portal', [before.status, before.body.code], [400, 'billing_account_not_found']);
checkEqual('a new user has no subscription', all(await current()), [false, null, null]);

// Purchase.
const successUrl = `${home}?bought={CHECKOUT_SESSION_ID}`;
const started = await request('POST', route('checkout'), newcomer, { planId: 'starter', successUrl });
checkEqual('a checkout session is created', [started.status, started.body.plan.priceCents], [200, 900]);
await page.goto(started.body.url);
await driver.expectText('its page names the plan', text('subscribe_to', 'Starter plan'));
checkEqual('opening the page creates no account', (await portal()).status, 400);
await driver.type(text('email'), 'newcomer@example.com');
await typeCard(driver, '4242424242424242', { submit: text('subscribe_and_pay', dollars(900, 'en')) });
const returned = performance.now();
const bought = await until('the purchase is known', current, (state) => state.subscription?.status === 'active');
const waited = performance.now() - returned;
check('the service knows the purchase within 2 s', waited < PURCHASE_KNOWN_MS, waited);
checkEqual('the payment redirects to the success URL', page.url(), successUrl.replace('{CHECKOUT_SESSION_ID}', started.body.sessionId));
checkEqual(
  'the response has the purchased plan',
  [bought.subscription.plan, bought.subscription.billingCycle, bought.subscription.cancelAtPeriodEnd, bought.planDetails.price],
  ['starter', 'monthly', false, 9],
);
const again = await request('POST', route('checkout'), newcomer, { planId: 'business' });
checkEqual('a second purchase is rejected', [again.status, again.body.code], [400, 'already_subscribed']);

// Change of plan.
await enter('the portal opens after the purchase');
await driver.go('link', text('change_plan'));
await choosePlan(driver, 'Business plan', 6000);
await driver.expectText('the portal shows a preview', text('preview_title'));
checkEqual('the preview changes nothing', (await current()).subscription.plan, 'starter');
await driver.go('button', text('confirm_change'));
await driver.expectText('the confirmation changes the plan', text('plan_changed'));
const changed = await until('the change is known', current, (state) => state.subscription?.plan === 'business');
checkEqual('the response has the new plan', [changed.subscription.status, changed.planDetails.id, changed.planDetails.price], ['active', 'business', 60]);

// Cancellation.
await enter('the portal opens again');
await driver.go('link', text('cancel_plan'));
await driver.go('button', text('confirm_cancel'));
await driver.go('link', text('skip_reason'));
await driver.expectText('the plan is canceled', text('plan_canceled'));
const canceled = await until('the cancellation is known', current, (state) => state.subscription?.cancelAtPeriodEnd === true);
checkEqual('the plan stays active until the period ends', [canceled.subscription.status, canceled.subscription.plan], ['active', 'business']);

// Deletion of the customer at the provider.
const { customer } = await stripe(`checkout/sessions/${started.body.sessionId}`);
checkEqual('the customer is deleted', (await stripe(`customers/${customer}`, undefined, 'DELETE')).deleted, true);
const after = await until('the portal closes', portal, (answer) => answer.status !== 200);
checkEqual('the billing account is removed', [after.status, after.body.code], [400, 'billing_account_not_found']);
checkEqual('the subscription is removed', all(await current()), [false, null, null]);

await browser.end();
done();
