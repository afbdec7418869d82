// Visits every page of the sandbox, for the accessibility check and the screenshots.

import { choosePlan, typeCard } from './actions.mjs';
import { account, checkout, customer, home, portal, stripe } from './service.mjs';
import { dollars } from './money.mjs';
import { PageDriver } from './page-driver.mjs';

/** Opens each page once and calls `onPage(name)`. Afterwards the account differs only in its history. */
export async function visitAllPages(page, language, onPage) {
  const driver = new PageDriver(page, language);
  const text = (name, filling) => driver.text(name, filling);
  const enter = async () => page.goto(await portal({ locale: language }));
  const subscription = await account.subscription();

  await enter();
  await onPage('overview');

  await driver.go('link', text('add_card'));
  await onPage('add-card');
  await driver.go('button', text('save_card'));
  await onPage('add-card-mistakes');
  await typeCard(driver, '4000002500003155');
  await onPage('bank');
  await driver.go('button', text('bank_completes'));
  await onPage('overview-card-added');
  await driver.go('link', text('remove_card', 'Visa 3155'));
  await onPage('remove-card');
  await driver.go('button', text('confirm_remove'));
  await driver.go('link', text('remove_card', 'Visa 4242'));
  await onPage('remove-card-needed');

  await enter();
  await driver.go('link', text('change_details'));
  await onPage('details');
  await driver.type(text('email'), 'nowhere');
  await driver.go('button', text('save'));
  await onPage('details-mistakes');

  await enter();
  await driver.go('link', text('change_plan'));
  await onPage('choose-plan');
  await choosePlan(driver, 'Business plan', 6000);
  await onPage('preview');
  await page.goBack();
  await choosePlan(driver, 'Starter plan', 900);
  await onPage('preview-credit');

  await enter();
  await driver.go('link', text('cancel_plan'));
  await onPage('cancel-plan');
  await driver.go('button', text('confirm_cancel'));
  await onPage('cancel-reason');
  await driver.go('button', text('send_reason'));
  await onPage('overview-canceled');
  await driver.go('button', text('keep_plan'));

  await driver.go('link', text('all_invoices'));
  await onPage('invoices');
  const [invoice] = await account.invoices();
  await driver.go('link', new RegExp(`^${text('view_invoice', invoice.number)}`));
  await onPage('invoice');

  await page.goto(await portal({ locale: language, flow: { type: 'payment_method_update' } }));
  await onPage('link-update-card');
  const { url } = await stripe('billing_portal/sessions', {
    customer,
    locale: language,
    return_url: home,
    'flow_data[type]': 'subscription_cancel',
    'flow_data[subscription_cancel][subscription]': subscription.id,
    'flow_data[after_completion][type]': 'hosted_confirmation',
  });
  await page.goto(url);
  await driver.go('button', text('confirm_cancel'));
  await driver.go('link', text('skip_reason'));
  await onPage('link-done');
  await stripe(`subscriptions/${subscription.id}`, { cancel_at: '' });

  await page.goto(new URL('/p/session/unknown', url).href);
  await onPage('closed');

  const pay = text('subscribe_and_pay', dollars(2000, language));
  const saved = await checkout({ customer, locale: language });
  await page.goto(saved.url);
  await onPage('checkout-saved-card');
  await stripe(`checkout/sessions/${saved.id}/expire`, {});
  await page.reload();
  await onPage('checkout-expired');
  const session = await checkout({ locale: language });
  await page.goto(session.url);
  await onPage('checkout');
  await driver.go('button', pay);
  await onPage('checkout-mistakes');
  await driver.type(text('email'), 'tour@example.com');
  await typeCard(driver, '4000002760003184', { submit: pay });
  await onPage('checkout-bank');
  await driver.go('button', text('bank_completes'));
  await page.goto(session.url);
  await onPage('checkout-complete');
}
