// Draws the OpenAPI document with Scalar. The page's Content-Security-Policy allows no other host.
Scalar.createApiReference('#reference', {
  url: new URL('openapi.json', document.baseURI).href,
  authentication: { preferredSecurityScheme: 'accessToken' },
  defaultOpenAllTags: true,
  documentDownloadType: 'json',
  orderSchemaPropertiesBy: 'preserve',
  // Scalar's hosted services are off.
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: 'never',
  withDefaultFonts: false,
});

// ARIA attributes that Scalar 1.76 leaves out or gets wrong in the "Test Request" dialog.
const FIXES = [
  ['.cm-content:not([aria-label])', (editor) => editor.setAttribute('aria-label', 'Body')],
  ['[role=combobox]:not([aria-expanded])', (field) => field.setAttribute('aria-expanded', 'false')],
  ['button[role=none]', (button) => button.removeAttribute('role')],
];
const fix = () => {
  for (const [selector, change] of FIXES) document.querySelectorAll(selector).forEach(change);
};
new MutationObserver(fix).observe(document.body, { childList: true, subtree: true });
