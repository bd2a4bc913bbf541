/** What needs an operator's attention first: the same on the pages and in `relay status`. */

export { type Attention, attentionOf } from "../../operator/attention.ts";
