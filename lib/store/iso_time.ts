/** Times as callers see them: ISO 8601, UTC. */

export function isoTimeOf(ms: number | null | undefined): string | null {
  return ms == null ? null : isoTime(ms);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
