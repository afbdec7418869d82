// The portal's five capabilities, from the link to the resulting state in Stripe's API. Arguments:
// language, input, script or no-script.

import { spawnSync } from 'node:child_process';
import { done, check, checkEqual } from '../checks.mjs';
import { choosePlan, typeCard } from './actions.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { account, home, portal, stripe } from './service.mjs';
import { PageDriver } from './page-driver.mjs';

const [language, input, script] = process.argv.slice(2);
const browser = await start();
// Invoice documents use the browser's language, portal pages use the session's language.
const page = await browser.window({ script: script === 'script', locale: language === 'ko' ? 'ko-KR' : 'en-US' });
const driver = new PageDriver(page, language, input);
const text = (name, filling) => driver.text(name, filling);
const last4s = async () => (await account.cards()).map((card) => card.card.last4).sort();

await page.goto(await portal({ locale: language }));
checkEqual('the page has the requested language', await page.locator('html').getAttribute('lang'), language);

// Payment methods.
await driver.go('link', text('add_card'));
await typeCard(driver, '4000000000000002');
await driver.expectText('a declined card is reported', text('card_declined'));
await typeCard(driver, '4242424242424242', { expiry: '01/20' });
await driver.expectText('an expired card is reported', text('bad_expiry'));
checkEqual('rejected cards are not saved', await last4s(), ['4242']);
await typeCard(driver, '5555 5555 5555 4444');
await driver.expectText('a good card is reported as saved', text('card_added'));
checkEqual('a good card is saved', await last4s(), ['4242', '4444']);
const visa = (await account.cards()).find((card) => card.card.last4 === '4242');
const mastercard = (await account.cards()).find((card) => card.card.last4 === '4444');
const before = await account.customer();
checkEqual('the default card stays the same', before.invoice_settings.default_payment_method, visa.id);

await driver.go('button', text('make_default', 'Mastercard 4444'));
await driver.expectText('the new default is reported', text('card_default'));
checkEqual('the chosen card is the default', (await account.customer()).invoice_settings.default_payment_method, mastercard.id);

await driver.go('link', text('remove_card', 'Visa 4242'));
await driver.go('button', text('confirm_remove'));
await driver.expectText('a removal is reported', text('card_removed'));
checkEqual('the card is removed', await last4s(), ['4444']);

await driver.go('link', text('add_card'));
await typeCard(driver, '4000002500003155');
await driver.go('button', text('bank_fails'));
await driver.expectText('a failed authentication is reported', text('not_authenticated'));
checkEqual('a failed authentication saves no card', await last4s(), ['4444']);
await typeCard(driver, '4000002500003155');
await driver.go('button', text('bank_completes'));
await driver.expectText('a completed authentication is reported', text('card_added'));
checkEqual('a completed authentication saves the card', await last4s(), ['3155', '4444']);

// Customer information.
await driver.go('link', text('change_details'));
await driver.type(text('name'), '김민지 & Söhne');
await driver.type(text('phone'), '+82 2 1234 5678');
await driver.type(text('line1'), '12 Sejong-daero');
await driver.type(text('city'), 'Seoul');
await driver.pick(text('country'), text('korea'));
await driver.type(text('email'), 'nowhere');
await driver.go('button', text('save'));
await driver.expectText('a bad email address is reported', text('bad_email'));
checkEqual('a bad email address is not saved', (await account.customer()).email, before.email);
await driver.type(text('email'), 'minji@example.com');
await driver.go('button', text('save'));
await driver.expectText('saved details are reported', text('details_saved'));
const customer = await account.customer();
checkEqual(
  'the details are saved',
  [customer.name, customer.email, customer.phone, customer.address.line1, customer.address.city, customer.address.country],
  ['김민지 & Söhne', 'minji@example.com', '+82 2 1234 5678', '12 Sejong-daero', 'Seoul', 'KR'],
);
await driver.expectText('the page shows the new name', '김민지 & Söhne');

// Change of plan.
await driver.go('link', text('change_plan'));
await choosePlan(driver, 'Business plan', 6000);
const shown = (await page.locator('main').innerText()).replaceAll('\u00a0', ' ');
const earlier = await account.invoices();
await driver.go('button', text('confirm_change'));
await driver.expectText('a changed plan is reported', text('plan_changed'));
const changed = await account.subscription();
const price = changed.items.data[0].price;
checkEqual('the plan is changed', [price.unit_amount, price.recurring.interval], [6000, 'month']);
const invoices = await account.invoices();
checkEqual('the change is invoiced', invoices.length, earlier.length + 1);
const invoice = invoices[0];
check('the invoice is paid', invoice.status === 'paid' && invoice.total > 0, invoice);
check('the preview showed the total', shown.includes(dollars(invoice.total, language)), { total: invoice.total, shown });
for (const line of invoice.lines.data) {
  check(`the preview showed the ${line.amount < 0 ? 'credited' : 'charged'} line`, shown.includes(dollars(line.amount, language)), { line, shown });
}
await driver.expectText('the new plan is on the page', 'Business plan', driver.section('plan'));

// Invoices.
await driver.go('link', text('all_invoices'));
for (const each of invoices) await driver.expectText('the history has each invoice', each.number);
await driver.go('link', new RegExp(`^${text('view_invoice', invoice.number)}`));
await driver.expectText('the invoice page has the number', invoice.number);
await driver.expectText('the invoice page has the total', dollars(invoice.total, language));
const pdfLink = driver.the('link', text('download_pdf'));
if (driver.keyboard) await driver.tabTo(pdfLink);
const downloading = page.waitForEvent('download');
await (driver.keyboard ? page.keyboard.press('Enter') : pdfLink.click());
const download = await downloading;
const read = spawnSync('pdftotext', ['-layout', await download.path(), '-'], { encoding: 'utf8' });
const pdfText = read.stdout;
check('the PDF has the number and the customer', pdfText.includes(invoice.number) && pdfText.includes('김민지 & Söhne'), pdfText);
for (const line of invoice.lines.data) check('the PDF has each line', pdfText.includes(dollars(line.amount, language)), { line, pdfText });
check('the PDF has the total', pdfText.includes(dollars(invoice.total, language)), pdfText);

// Cancellation, and its reversal.
await page.goto(await portal({ locale: language }));
await driver.go('link', text('cancel_plan'));
await driver.go('button', text('confirm_cancel'));
await driver.choose(text('too_expensive'));
await driver.type(text('comment'), 'A bit much');
await driver.go('button', text('send_reason'));
await driver.expectText('a canceled plan is reported', text('plan_canceled'));
const canceled = await account.subscription();
checkEqual(
  'the cancellation has a date',
  [canceled.status, canceled.cancel_at, canceled.cancel_at_period_end],
  ['active', canceled.items.data[0].current_period_end, false],
);
checkEqual('the cancellation has its reason', [canceled.cancellation_details.feedback, canceled.cancellation_details.comment], ['too_expensive', 'A bit much']);
await page.goto(await portal({ locale: language }));
await driver.go('button', text('keep_plan'));
await driver.expectText('a resumed plan is reported', text('plan_kept'));
const kept = await account.subscription();
checkEqual('the plan is resumed', [kept.status, kept.cancel_at, kept.cancel_at_period_end], ['active', null, false]);

// Return to the application.
await driver.go('link', text('return', new URL(home).host));
checkEqual('the return link opens the return URL', page.url(), home);

const events = (await stripe('events?limit=100')).data.map((event) => event.type);
for (const type of ['payment_method.attached', 'payment_method.detached', 'customer.updated', 'customer.subscription.updated', 'invoice.paid']) {
  check(`${type} is an event`, events.includes(type), events);
}
await browser.end();
done();
