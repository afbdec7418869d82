// A billing account from nothing to nothing, with nothing typed by an operator: bought, changed, canceled, gone.

import { done, fact, same } from '../facts.mjs';
import { choosePlan, typeCard } from './acts.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { ask, home, newcomer, stripe, until } from './service.mjs';
import { Visitor } from './visitor.mjs';

/** From the return to the success URL until the service knows. */
const PROMPTLY_MS = 2_000;

const browser = await start();
const page = await browser.window({ script: false });
const visitor = new Visitor(page, 'en', 'keyboard');
const word = (name, filling) => visitor.word(name, filling);
const route = (name) => `/api/v1/subscriptions/${name}`;
const current = async () => (await ask('GET', route('current'), newcomer)).body;
const portal = () => ask('POST', route('portal'), newcomer, { locale: 'en' });
const all = (told) => [told.hasSubscription, told.subscription, told.planDetails];

/** Opens the portal in the browser. */
async function enter(name) {
  const opened = await portal();
  same(name, opened.status, 200);
  await page.goto(opened.body.url);
}

// Nobody has heard of this user.
const before = await portal();
same('a new user has no portal', [before.status, before.body.code], [400, 'billing_account_not_found']);
same('and no subscription', all(await current()), [false, null, null]);

// A purchase.
const successUrl = `${home}?bought={CHECKOUT_SESSION_ID}`;
const started = await ask('POST', route('checkout'), newcomer, { planId: 'starter', successUrl });
same('a checkout is started', [started.status, started.body.plan.priceCents], [200, 900]);
await page.goto(started.body.url);
await visitor.sees('its page says what is bought', word('subscribe_to', 'Starter plan'));
same('an account does not come of looking', (await portal()).status, 400);
await visitor.type(word('email'), 'newcomer@example.com');
await typeCard(visitor, '4242424242424242', { submit: word('subscribe_and_pay', dollars(900, 'en')) });
const returned = performance.now();
const bought = await until('the purchase is known', current, (told) => told.subscription?.status === 'active');
const waited = performance.now() - returned;
fact('within 2 s of the return', waited < PROMPTLY_MS, waited);
same('the return is to the success URL', page.url(), successUrl.replace('{CHECKOUT_SESSION_ID}', started.body.sessionId));
same(
  'what was bought is told',
  [bought.subscription.plan, bought.subscription.billingCycle, bought.subscription.cancelAtPeriodEnd, bought.planDetails.price],
  ['starter', 'monthly', false, 9],
);
const again = await ask('POST', route('checkout'), newcomer, { planId: 'business' });
same('a second purchase is none', [again.status, again.body.code], [400, 'already_subscribed']);

// A change of plan.
await enter('now the portal opens');
await visitor.go('link', word('change_plan'));
await choosePlan(visitor, 'Business plan', 6000);
await visitor.sees('a change is shown first', word('preview_title'));
same('and not made yet', (await current()).subscription.plan, 'starter');
await visitor.go('button', word('confirm_change'));
await visitor.sees('then it is made', word('plan_changed'));
const changed = await until('the change is known', current, (told) => told.subscription?.plan === 'business');
same('with the plan that it is', [changed.subscription.status, changed.planDetails.id, changed.planDetails.price], ['active', 'business', 60]);

// Its end.
await enter('the portal opens again');
await visitor.go('link', word('cancel_plan'));
await visitor.go('button', word('confirm_cancel'));
await visitor.go('link', word('skip_reason'));
await visitor.sees('a plan is canceled', word('plan_canceled'));
const canceled = await until('the cancellation is known', current, (told) => told.subscription?.cancelAtPeriodEnd === true);
same('and the plan stays until then', [canceled.subscription.status, canceled.subscription.plan], ['active', 'business']);

// The provider forgets the customer.
const { customer } = await stripe(`checkout/sessions/${started.body.sessionId}`);
same('the customer is deleted', (await stripe(`customers/${customer}`, undefined, 'DELETE')).deleted, true);
const after = await until('the portal closes', portal, (answer) => answer.status !== 200);
same('because there is no account', [after.status, after.body.code], [400, 'billing_account_not_found']);
same('nor a subscription', all(await current()), [false, null, null]);

await browser.end();
done();
