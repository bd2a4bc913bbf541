/** Every target. A new one is one file beside this, and one line here. */

export { email } from "./email.ts";
export { http } from "./http.ts";
export { script } from "./script.ts";
export { slack } from "./slack.ts";
export { telegram } from "./telegram.ts";
