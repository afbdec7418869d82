// The API reference and the front page at work, under their own Content-Security-Policy.

import { check, done } from '../checks.mjs';
import { WCAG22, isAccessible } from './accessibility.mjs';
import { start } from './chromium.mjs';
import { openReference, scrollThrough } from './landing.mjs';

const { SERVICE_URL, SANDBOX_URL, ACCESS_TOKEN } = process.env;
const PORTAL = '/api/v1/subscriptions/portal';

const browser = await start();

/** A window that collects the errors of its pages, among them violations of a policy. */
async function watchedWindow(options) {
  const page = await browser.window(options);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return { page, errors };
}

/** Opens the dialog that sends the first operation's request. */
async function openDialog(page) {
  await page.getByRole('button', { name: `Test Request (post ${PORTAL})`, exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: /^Send post request/ }).waitFor();
  return dialog;
}

const { page, errors } = await watchedWindow();
await openReference(page);
await scrollThrough(page);

const { paths } = await (await fetch(`${SERVICE_URL}/openapi.json`)).json();
const documented = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
const drawn = await page.evaluate(() =>
  [...document.querySelectorAll('section[id] .endpoint-path, section[id] .request-path')].map((path) => path.textContent),
);
const missing = documented.filter((operation) => !drawn.some((path) => path.trim() === operation.split(' ')[1]));
check('every operation is drawn', documented.length > 15 && missing.length === 0, { missing, drawn });

const summaries = await page.getByRole('heading', { level: 3 }).allTextContents();
check('the portal comes first', /Open the customer portal with an access token/.test(summaries[0]), summaries);
const text = await page.locator('body').innerText();
const titles = [...summaries, ...(await page.getByRole('complementary').allInnerTexts())];
check('titles contain no Markdown', titles.every((title) => !title.includes('`')), titles);
check('a code sample is shown', text.includes(`curl ${SERVICE_URL}${PORTAL}`), text.slice(0, 3000));
check('an example of a response is shown', text.includes('https://billing.stripe.com/p/session/'), text.slice(0, 3000));
check('the fields of a body are shown', text.includes('returnUrl') && text.includes('locale'), text.slice(0, 3000));
const raw = await page.evaluate(() => {
  const prose = [...document.querySelectorAll('.markdown p, .markdown li')];
  return prose.map((part) => part.textContent).filter((words) => words.includes('`'));
});
check('Markdown is rendered', raw.length === 0, raw);

await page.evaluate(() => window.scrollTo(0, 0));
await page.getByLabel('Bearer Token').first().fill(ACCESS_TOKEN);
const dialog = await openDialog(page);
const answered = page.waitForResponse((response) => new URL(response.url()).pathname === PORTAL);
await dialog.getByRole('button', { name: /^Send post request/ }).click();
const response = await answered;
const { url } = await response.json();
check('the request opens a portal session', response.status() === 200 && url.startsWith(SANDBOX_URL), response.status());
await dialog.getByText('200 OK').waitFor();
check('the dialog shows the response', (await dialog.innerText()).includes('"url"'));
check('the reference reports no error', errors.length === 0, errors);
await page.context().close();

for (const scheme of ['light', 'dark']) {
  const unguarded = await browser.window({ scheme, bypassCSP: true });
  await openReference(unguarded);
  await openDialog(unguarded);
  await isAccessible(unguarded, `the request dialog, ${scheme}`, WCAG22);
  await unguarded.context().close();
}

const front = await watchedWindow({ script: false });
await front.page.goto(`${SERVICE_URL}/`);
await front.page.getByRole('button', { name: 'Open the portal as the demo user' }).click();
await front.page.waitForURL(`${SANDBOX_URL}/**`);
check('the front page opens the portal', (await front.page.locator('body').innerText()).includes('Demo User'));
await front.page.getByRole('link', { name: /^Return/ }).click();
await front.page.waitForURL(`${SERVICE_URL}/`);
check('the portal returns to the front page', (await front.page.title()) === 'Billing portal demo');
await front.page.getByRole('link', { name: 'Visit the Stripe sandbox' }).click();
check('the front page leads to the sandbox', (await front.page.title()) === 'Stripe sandbox');
await front.page.goto(`${SERVICE_URL}/`);
await front.page.getByRole('link', { name: 'Read the API reference' }).click();
check('without script, the reference links to the document', (await front.page.getByRole('link', { name: 'OpenAPI document' }).count()) === 1);
check('the front pages report no error', front.errors.length === 0, front.errors);
await front.page.context().close();

await browser.end();
done();
