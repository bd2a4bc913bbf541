/** What a page may load: its own style, script and pictures, and nothing from elsewhere. */

/** Directives of the `Content-Security-Policy` header. */
const directives = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self' data:",
  "connect-src": "'self'",
  "form-action": "'self'",
  "base-uri": "'none'",
  "frame-ancestors": "'none'",
};

export const contentSecurityPolicy = written(directives);

/**
 * For a page that shows an email as HTML in a sandboxed frame. The frame inherits the page's policy, and emails carry their
 * style within; scripts and anything remote stay blocked.
 */
export const policyWithEmail = written({ ...directives, "style-src": "'self' 'unsafe-inline'" });

function written(given: Record<string, string>): string {
  return Object.entries(given).map(([name, value]) => `${name} ${value}`).join("; ");
}
