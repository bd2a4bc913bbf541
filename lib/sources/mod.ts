/** Every source. A new one is one file beside this, and one line here. */

export { connectvets } from "./connectvets.ts";
export { hmac } from "./hmac.ts";
