// Formats amounts in dollars like the pages.

/** Formats an amount in cents in the page's language. */
export function dollars(cents, language) {
  const sign = language === 'ko' ? 'US$' : '$';
  const number = (Math.abs(cents) / 100).toLocaleString('en-US', { minimumFractionDigits: 2 });
  return `${cents < 0 ? '-' : ''}${sign}${number}`;
}
