/** Bun's server, for scripts that Bun alone runs. */

interface BunServe {
  (options: { hostname: string; port: number; fetch(request: Request): Response | Promise<Response> }): unknown;
}

/** `Bun.serve` */
export const { serve } = (globalThis as unknown as { Bun: { serve: BunServe } }).Bun;
