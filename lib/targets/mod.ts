/** Every kind of target. A new one is one file beside this, and one line here. */

import { emailTarget } from "./email.ts";
import { httpTarget } from "./http.ts";
import { scriptTarget } from "./script.ts";
import { slackTarget } from "./slack.ts";

export const targetKinds = [httpTarget, slackTarget, emailTarget, scriptTarget] as const;
