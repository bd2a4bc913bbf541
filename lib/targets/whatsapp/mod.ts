/** Every gateway to WhatsApp. A new one is one file beside this, and one line here. */

export { evolution } from "./evolution.ts";
export { whatsappCloud } from "./cloud.ts";
export { zapi } from "./zapi.ts";
