/** Every email provider. A new one is one file beside this, and one line here. */

export { brevo } from "./brevo.ts";
export { mailgun } from "./mailgun.ts";
export { postmark } from "./postmark.ts";
export { resend } from "./resend.ts";
export { sendgrid } from "./sendgrid.ts";
