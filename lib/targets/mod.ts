/** Every target. A new one is one file beside this, and one line here. */

export { discord } from "./discord.ts";
export { email } from "./email.ts";
export { googleChat } from "./google_chat.ts";
export { http } from "./http.ts";
export { ntfy } from "./ntfy.ts";
export { script } from "./script.ts";
export { slack } from "./slack.ts";
export { teams } from "./teams.ts";
export { telegram } from "./telegram.ts";
export { whatsapp } from "./whatsapp.ts";
