// A way to every page of the sandbox, for those who look at pages: axe, and whoever takes pictures.

import { choosePlan, typeCard } from './acts.mjs';
import { account, checkout, customer, home, portal, stripe } from './service.mjs';
import { dollars } from './money.mjs';
import { Visitor } from './visitor.mjs';

/** Visits each page once, and calls `look(name)` on it. Afterwards the account is what it was, but for its history. */
export async function tour(page, language, look) {
  const visitor = new Visitor(page, language);
  const word = (name, filling) => visitor.word(name, filling);
  const enter = async () => page.goto(await portal({ locale: language }));
  const subscription = await account.subscription();

  await enter();
  await look('overview');

  await visitor.go('link', word('add_card'));
  await look('add-card');
  await visitor.go('button', word('save_card'));
  await look('add-card-mistakes');
  await typeCard(visitor, '4000002500003155');
  await look('bank');
  await visitor.go('button', word('bank_completes'));
  await look('overview-card-added');
  await visitor.go('link', word('remove_card', 'Visa 3155'));
  await look('remove-card');
  await visitor.go('button', word('confirm_remove'));
  await visitor.go('link', word('remove_card', 'Visa 4242'));
  await look('remove-card-needed');

  await enter();
  await visitor.go('link', word('change_details'));
  await look('details');
  await visitor.type(word('email'), 'nowhere');
  await visitor.go('button', word('save'));
  await look('details-mistakes');

  await enter();
  await visitor.go('link', word('change_plan'));
  await look('choose-plan');
  await choosePlan(visitor, 'Business plan', 6000);
  await look('preview');
  await page.goBack();
  await choosePlan(visitor, 'Starter plan', 900);
  await look('preview-credit');

  await enter();
  await visitor.go('link', word('cancel_plan'));
  await look('cancel-plan');
  await visitor.go('button', word('confirm_cancel'));
  await look('cancel-reason');
  await visitor.go('button', word('send_reason'));
  await look('overview-canceled');
  await visitor.go('button', word('keep_plan'));

  await visitor.go('link', word('all_invoices'));
  await look('invoices');
  const [invoice] = await account.invoices();
  await visitor.go('link', new RegExp(`^${word('view_invoice', invoice.number)}`));
  await look('invoice');

  await page.goto(await portal({ locale: language, flow: { type: 'payment_method_update' } }));
  await look('link-update-card');
  const { url } = await stripe('billing_portal/sessions', {
    customer,
    locale: language,
    return_url: home,
    'flow_data[type]': 'subscription_cancel',
    'flow_data[subscription_cancel][subscription]': subscription.id,
    'flow_data[after_completion][type]': 'hosted_confirmation',
  });
  await page.goto(url);
  await visitor.go('button', word('confirm_cancel'));
  await visitor.go('link', word('skip_reason'));
  await look('link-done');
  await stripe(`subscriptions/${subscription.id}`, { cancel_at: '' });

  await page.goto(new URL('/p/session/unknown', url).href);
  await look('closed');

  const pay = word('subscribe_and_pay', dollars(2000, language));
  const saved = await checkout({ customer, locale: language });
  await page.goto(saved.url);
  await look('checkout-saved-card');
  await stripe(`checkout/sessions/${saved.id}/expire`, {});
  await page.reload();
  await look('checkout-expired');
  const session = await checkout({ locale: language });
  await page.goto(session.url);
  await look('checkout');
  await visitor.go('button', pay);
  await look('checkout-mistakes');
  await visitor.type(word('email'), 'tour@example.com');
  await typeCard(visitor, '4000002760003184', { submit: pay });
  await look('checkout-bank');
  await visitor.go('button', word('bank_completes'));
  await page.goto(session.url);
  await look('checkout-complete');
}
