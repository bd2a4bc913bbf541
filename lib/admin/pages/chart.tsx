/** @jsxImportSource hono/jsx */
/**
 * Charts of attempts by hour, drawn on the server. Widths are parts of the page's width, heights are pixels: so bars
 * stretch with the screen and letters do not.
 */

import type { Counts } from "../../operator/activity.ts";
import { Row, Table } from "./parts.tsx";
import type { View } from "./view.ts";

/** The outcomes of one hour's attempts. */
export interface Hour extends Counts {
  /** When it begins, in Unix milliseconds. */
  at: number;
}

/** The outcomes of attempts, from the ground up, and the words that name each. */
const layers = [["delivered", "delivered"], ["failed", "retry"], ["dead", "dead"]] as const;

interface Frame {
  height: number;
  /** Room above the highest bar, and below the ground. */
  top: number;
  bottom: number;
}

/** The gap between two bars, as a part of the distance from one to the next. */
const GAP = 0.22;

const large: Frame = { height: 210, top: 18, bottom: 24 };
const small: Frame = { height: 36, top: 2, bottom: 1 };

/** The chart of all attempts, with what its colours mean, and the same as a table. */
export function Chart({ view, hours }: { view: View; hours: readonly Hour[] }) {
  const { overview } = view.words;
  return (
    <>
      <Legend view={view} />
      <Bars view={view} hours={hours} frame={large} label={overview.perHour} />
      <details id="chart-table">
        <summary>{overview.asTable}</summary>
        <HourTable view={view} hours={hours} />
      </details>
    </>
  );
}

/** A small chart of one target's attempts, with their numbers in words for those who do not see it. */
export function SmallChart({ view, hours, target }: { view: View; hours: readonly Hour[]; target: string }) {
  const sums = { delivered: 0, failed: 0, dead: 0 };
  for (const [key] of layers) sums[key] = hours.reduce((sum, hour) => sum + hour[key], 0);
  return (
    <div class="small-chart">
      <Bars view={view} hours={hours} frame={small} label={view.words.overview.chartOf(target, sums)} />
    </div>
  );
}

function Bars(
  { view, hours, frame, label }: { view: View; hours: readonly Hour[]; frame: Frame; label: string },
) {
  const { height, top, bottom } = frame;
  const ground = height - bottom;
  const most = Math.max(4, ...hours.map(sumOf));
  const scale = frame === large ? niceScale(most) : { top: most, step: most };
  const levels = frame === large ? levelsOf(scale) : [0];
  const y = (count: number) => ground - (count / scale.top) * (ground - top);
  const step = 100 / (hours.length - GAP); // from the left of the first bar to the right of the last
  return (
    <svg class="chart" width="100%" height={height} role="img" aria-label={label}>
      {levels.map((count) => <line x1="0" x2="100%" y1={pixels(y(count))} y2={pixels(y(count))} />)}
      <svg width="100%" height={height} viewBox={`0 0 100 ${height}`} preserveAspectRatio="none">
        {layers.map(([key], layer) => {
          const bars = hours.map((hour, at) => {
            const below = layers.slice(0, layer).reduce((sum, [lower]) => sum + hour[lower], 0);
            return bar(step * at, step * (1 - GAP), y(below), y(below + hour[key]));
          });
          return <path class={key} d={bars.join("")} />;
        })}
      </svg>
      {levels.map((count) => count > 0 && <text x="0" y={pixels(y(count) - 4)}>{view.format.number(count)}</text>)}
      {frame === large &&
        hours.map((hour, at) => <Column view={view} hour={hour} x={step * at} width={step} frame={frame} />)}
    </svg>
  );
}

interface Scale {
  /** The highest level, which no bar exceeds. */
  top: number;
  /** From one level to the next. */
  step: number;
}

/** About four levels, 1, 2 or 5 times a power of ten apart. */
function niceScale(most: number): Scale {
  const apart = most / 4;
  const power = 10 ** Math.floor(Math.log10(apart));
  // The nearest by ratio: between two of them, the geometric mean decides.
  const factor = [1, 2, 5, 10].find((one, at, all) => apart / power < Math.sqrt(one * (all[at + 1] ?? 100)))!;
  const step = factor * power;
  const top = Math.ceil(most / step) * step;
  return top === most ? { top, step } : niceScale(top); // a higher top may ask for a wider step
}

function levelsOf({ top, step }: Scale): number[] {
  return Array.from({ length: Math.round(top / step) + 1 }, (_, at) => at * step);
}

/** A bar's outline, `x` and `width` in hundredths of the chart's width. */
function bar(x: number, width: number, from: number, to: number): string {
  if (from === to) return "";
  const height = Math.max(1.5, from - to); // one failure among thousands is still to be seen
  return `M${x.toFixed(2)} ${pixels(from)}v-${pixels(height)}h${width.toFixed(2)}v${pixels(height)}z`;
}

/** An hour's numbers for who points at it, and every sixth hour's name. */
function Column(
  { view: { words, format }, hour, x, width, frame }: {
    view: View;
    hour: Hour;
    x: number;
    width: number;
    frame: Frame;
  },
) {
  const name = format.hour(hour.at);
  const numbers = layers.map(([key, outcome]) => `${words.outcomes[outcome]}: ${format.number(hour[key])}`);
  return (
    <g>
      <rect x={share(x)} width={share(width)} y="0" height={frame.height - frame.bottom} fill="transparent">
        <title>{[name, ...numbers].join("\n")}</title>
      </rect>
      {Number.parseInt(name) % 6 === 0 && <text x={share(x)} y={frame.height - 6}>{name}</text>}
    </g>
  );
}

function Legend({ view }: { view: View }) {
  return (
    <p class="legend">
      {layers.map(([key, outcome]) => (
        <span>
          <svg width="12" height="12" aria-hidden="true">
            <rect class={key} width="12" height="12" rx="2" />
          </svg>
          {view.words.outcomes[outcome]}
        </span>
      ))}
    </p>
  );
}

/** Only hours in which something happened have a row. */
function HourTable({ view: { words, format }, hours }: { view: View; hours: readonly Hour[] }) {
  const head = [words.overview.hour, ...layers.map(([, outcome]) => words.outcomes[outcome])];
  const rows = hours.filter((hour) => sumOf(hour) > 0);
  return (
    <Table caption={words.overview.perHour} isCaptionHidden head={head}>
      {rows.map((hour) => (
        <Row
          head={head}
          cells={[format.hour(hour.at), ...layers.map(([key]) => format.number(hour[key]))]}
        />
      ))}
    </Table>
  );
}

/** All attempts. */
export function sumOf({ delivered, failed, dead }: Counts): number {
  return delivered + failed + dead;
}

function share(part: number): string {
  return `${part.toFixed(2)}%`;
}

function pixels(length: number): string {
  return length.toFixed(1);
}
