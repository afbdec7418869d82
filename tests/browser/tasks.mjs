// The portal's five capabilities, from the link to what Stripe's API says afterwards: `tasks.mjs LANGUAGE HANDS SCRIPT`.

import { spawnSync } from 'node:child_process';
import { done, fact, same } from '../facts.mjs';
import { choosePlan, typeCard } from './acts.mjs';
import { start } from './chromium.mjs';
import { dollars } from './money.mjs';
import { account, home, portal, stripe } from './service.mjs';
import { Visitor } from './visitor.mjs';

const [language, hands, script] = process.argv.slice(2);
const browser = await start();
// Documents of an invoice are in the browser's language; the portal's pages in that of the session.
const page = await browser.window({ script: script === 'script', locale: language === 'ko' ? 'ko-KR' : 'en-US' });
const visitor = new Visitor(page, language, hands);
const word = (name, filling) => visitor.word(name, filling);
const last4s = async () => (await account.cards()).map((card) => card.card.last4).sort();

await page.goto(await portal({ locale: language }));
same('the page speaks the language', await page.locator('html').getAttribute('lang'), language);

// Payment methods.
await visitor.go('link', word('add_card'));
await typeCard(visitor, '4000000000000002');
await visitor.sees('a declined card shows why', word('card_declined'));
await typeCard(visitor, '4242424242424242', { expiry: '01/20' });
await visitor.sees('so does an expired one', word('bad_expiry'));
same('nothing was saved', await last4s(), ['4242']);
await typeCard(visitor, '5555 5555 5555 4444');
await visitor.sees('a good one is said to be saved', word('card_added'));
same('and is', await last4s(), ['4242', '4444']);
const visa = (await account.cards()).find((card) => card.card.last4 === '4242');
const mastercard = (await account.cards()).find((card) => card.card.last4 === '4444');
const before = await account.customer();
same('the default stays what it was', before.invoice_settings.default_payment_method, visa.id);

await visitor.go('button', word('make_default', 'Mastercard 4444'));
await visitor.sees('the new default is told', word('card_default'));
same('it is the default', (await account.customer()).invoice_settings.default_payment_method, mastercard.id);

await visitor.go('link', word('remove_card', 'Visa 4242'));
await visitor.go('button', word('confirm_remove'));
await visitor.sees('a removal is told', word('card_removed'));
same('the card is gone', await last4s(), ['4444']);

await visitor.go('link', word('add_card'));
await typeCard(visitor, '4000002500003155');
await visitor.go('button', word('bank_fails'));
await visitor.sees('an authentication that fails is told', word('not_authenticated'));
same('nothing was saved then', await last4s(), ['4444']);
await typeCard(visitor, '4000002500003155');
await visitor.go('button', word('bank_completes'));
await visitor.sees('one that is completed saves the card', word('card_added'));
same('it is saved', await last4s(), ['3155', '4444']);

// Customer information.
await visitor.go('link', word('change_details'));
await visitor.type(word('name'), '김민지 & Söhne');
await visitor.type(word('phone'), '+82 2 1234 5678');
await visitor.type(word('line1'), '12 Sejong-daero');
await visitor.type(word('city'), 'Seoul');
await visitor.pick(word('country'), word('korea'));
await visitor.type(word('email'), 'nowhere');
await visitor.go('button', word('save'));
await visitor.sees('a bad address is told', word('bad_email'));
same('and nothing saved', (await account.customer()).email, before.email);
await visitor.type(word('email'), 'minji@example.com');
await visitor.go('button', word('save'));
await visitor.sees('saved details are told', word('details_saved'));
const customer = await account.customer();
same(
  'they are saved',
  [customer.name, customer.email, customer.phone, customer.address.line1, customer.address.city, customer.address.country],
  ['김민지 & Söhne', 'minji@example.com', '+82 2 1234 5678', '12 Sejong-daero', 'Seoul', 'KR'],
);
await visitor.sees('and shown', '김민지 & Söhne');

// A change of plan.
await visitor.go('link', word('change_plan'));
await choosePlan(visitor, 'Business plan', 6000);
const shown = (await page.locator('main').innerText()).replaceAll('\u00a0', ' ');
const earlier = await account.invoices();
await visitor.go('button', word('confirm_change'));
await visitor.sees('a changed plan is told', word('plan_changed'));
const changed = await account.subscription();
const price = changed.items.data[0].price;
same('the plan is changed', [price.unit_amount, price.recurring.interval], [6000, 'month']);
const invoices = await account.invoices();
same('the change is invoiced', invoices.length, earlier.length + 1);
const invoice = invoices[0];
fact('it costs something', invoice.status === 'paid' && invoice.total > 0, invoice);
fact('the preview showed the total', shown.includes(dollars(invoice.total, language)), { total: invoice.total, shown });
for (const line of invoice.lines.data) {
  fact(`the preview showed the line ${line.amount < 0 ? 'given back' : 'charged'}`, shown.includes(dollars(line.amount, language)), { line, shown });
}
await visitor.sees('the new plan is on the page', 'Business plan', visitor.section('plan'));

// Invoices.
await visitor.go('link', word('all_invoices'));
for (const each of invoices) await visitor.sees('the history has each invoice', each.number);
await visitor.go('link', new RegExp(`^${word('view_invoice', invoice.number)}`));
await visitor.sees('an invoice has a page with its number', invoice.number);
await visitor.sees('and its total', dollars(invoice.total, language));
const pdfLink = visitor.the('link', word('download_pdf'));
if (visitor.keyboard) await visitor.tabTo(pdfLink);
const downloading = page.waitForEvent('download');
await (visitor.keyboard ? page.keyboard.press('Enter') : pdfLink.click());
const download = await downloading;
const read = spawnSync('pdftotext', ['-layout', await download.path(), '-'], { encoding: 'utf8' });
const text = read.stdout;
fact('its PDF names the invoice and the customer', text.includes(invoice.number) && text.includes('김민지 & Söhne'), text);
for (const line of invoice.lines.data) fact('its PDF has each line', text.includes(dollars(line.amount, language)), { line, text });
fact('its PDF has the total', text.includes(dollars(invoice.total, language)), text);

// Cancelling, and thinking again.
await page.goto(await portal({ locale: language }));
await visitor.go('link', word('cancel_plan'));
await visitor.go('button', word('confirm_cancel'));
await visitor.choose(word('too_expensive'));
await visitor.type(word('comment'), 'A bit much');
await visitor.go('button', word('send_reason'));
await visitor.sees('a canceled plan is told', word('plan_canceled'));
const canceled = await account.subscription();
same(
  'a cancellation has its day, and is none at the period end',
  [canceled.status, canceled.cancel_at, canceled.cancel_at_period_end],
  ['active', canceled.items.data[0].current_period_end, false],
);
same('and its reason', [canceled.cancellation_details.feedback, canceled.cancellation_details.comment], ['too_expensive', 'A bit much']);
await page.goto(await portal({ locale: language }));
await visitor.go('button', word('keep_plan'));
await visitor.sees('a plan that goes on is told', word('plan_kept'));
const kept = await account.subscription();
same('it goes on', [kept.status, kept.cancel_at, kept.cancel_at_period_end], ['active', null, false]);

// The way back.
await visitor.go('link', word('return', new URL(home).host));
same('the return link leads back', page.url(), home);

const events = (await stripe('events?limit=100')).data.map((event) => event.type);
for (const type of ['payment_method.attached', 'payment_method.detached', 'customer.updated', 'customer.subscription.updated', 'invoice.paid']) {
  fact(`${type} is an event`, events.includes(type), events);
}
await browser.end();
done();
