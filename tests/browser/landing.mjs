// The pages that are not part of a session: two front pages and the API reference.

const { SERVICE_URL, SANDBOX_URL } = process.env;

/** Opens the API reference and waits until Scalar has drawn it. */
export async function openReference(page) {
  await page.goto(`${SERVICE_URL}/docs`);
  await page.getByRole('heading', { name: 'Billing portal', level: 1 }).waitFor();
  await page.getByRole('heading', { name: 'Open the customer portal with an access token' }).first().waitFor();
}

/** The pages by the names of their pictures. */
export const pages = [
  { name: 'front-page', open: (page) => page.goto(`${SERVICE_URL}/`) },
  { name: 'reference', open: openReference },
  { name: 'sandbox-front-page', open: (page) => page.goto(`${SANDBOX_URL}/`) },
];

/** Scrolls to the end, because Scalar draws an operation when it comes near the window. */
export async function scrollThrough(page) {
  const height = () => page.evaluate(() => document.documentElement.scrollHeight);
  for (let y = 0; y < (await height()); y += 700) {
    await page.evaluate((top) => window.scrollTo(0, top), y);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
}
