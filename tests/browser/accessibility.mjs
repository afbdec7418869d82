// Checks pages with axe-core for violations of WCAG 2.1 AA or 2.2 AA.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { check } from '../checks.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
/** The tags of WCAG 2.2 AA, which all pages outside of the portal meet. */
export const WCAG22 = [...TAGS, 'wcag22aa'];

/** Checks that the page has no violation. The window must bypass the page's CSP, which blocks scripts. */
export async function isAccessible(page, name, tags = TAGS) {
  await page.addScriptTag({ content: AXE });
  const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags } }), tags);
  const violations = found.violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.map((node) => `${node.html} ${node.failureSummary}`),
  }));
  check(`${name} has no violation`, found.passes.length > 5 && violations.length === 0, violations);
}
