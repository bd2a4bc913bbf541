/** Quiet hours: when they end, in zones that change their clocks, and what a config may say of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Quiet, quietHours, quietUntil } from "../../lib/targets/quiet.ts";
import { wallTime } from "../../lib/zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param hours Such as `20:00-07:00`. */
function quietOf(hours: string, zone: string): Quiet {
  const [from, to] = hours.split("-");
  return { zone, ...quietHours.parse({ from, to }) as Omit<Quiet, "zone"> };
}

const rows: [what: string, zone: string, hours: string, now: string, until: string | undefined][] = [
  ["in the evening", "America/Sao_Paulo", "20:00-07:00", "2026-03-02T23:30:00Z", "2026-03-03T10:00:00Z"],
  ["as they begin", "America/Sao_Paulo", "20:00-07:00", "2026-03-02T23:00:00Z", "2026-03-03T10:00:00Z"],
  ["before they begin", "America/Sao_Paulo", "20:00-07:00", "2026-03-02T22:59:59.999Z", undefined],
  ["early in the morning", "America/Sao_Paulo", "20:00-07:00", "2026-03-02T03:00:00Z", "2026-03-02T10:00:00Z"],
  ["just before they end", "America/Sao_Paulo", "20:00-07:00", "2026-03-02T09:59:59.999Z", "2026-03-02T10:00:00Z"],
  ["as they end", "America/Sao_Paulo", "20:00-07:00", "2026-03-02T10:00:00Z", undefined],
  ["within a day", "America/Sao_Paulo", "12:00-13:30", "2026-03-02T15:00:00Z", "2026-03-02T16:30:00Z"],
  ["after those within a day", "America/Sao_Paulo", "12:00-13:30", "2026-03-02T16:30:00Z", undefined],
  ["until midnight", "America/Sao_Paulo", "22:00-00:00", "2026-03-03T01:00:00Z", "2026-03-03T03:00:00Z"],
  ["from midnight", "America/Sao_Paulo", "00:00-06:00", "2026-03-03T03:00:00Z", "2026-03-03T09:00:00Z"],
  ["at a quarter of an hour", "Asia/Kathmandu", "20:00-07:00", "2026-03-02T14:15:00Z", "2026-03-03T01:15:00Z"],
  ["at half an hour", "America/St_Johns", "20:00-07:00", "2026-01-10T00:00:00Z", "2026-01-10T10:30:00Z"],

  // Clocks go forward: midnight to 01:00 in Brazil, 02:00 to 03:00 in New York, 01:00 to 02:00 in Lisbon.
  ["a night without its midnight", "America/Sao_Paulo", "20:00-07:00", "2018-11-04T01:00:00Z", "2018-11-04T09:00:00Z"],
  ["an end that is skipped", "America/Sao_Paulo", "20:00-00:30", "2018-11-04T01:00:00Z", "2018-11-04T03:00:00Z"],
  ["a begin that is skipped", "America/Sao_Paulo", "00:30-07:00", "2018-11-04T03:00:00Z", "2018-11-04T09:00:00Z"],
  ["before a begin that is skipped", "America/Sao_Paulo", "00:30-07:00", "2018-11-04T02:59:59Z", undefined],
  ["all of it skipped", "America/New_York", "02:10-02:50", "2026-03-08T07:00:00Z", undefined],
  ["a shorter night", "America/New_York", "22:00-07:00", "2026-03-08T03:00:00Z", "2026-03-08T11:00:00Z"],
  ["a shorter night", "Europe/Lisbon", "22:00-07:00", "2026-03-28T23:00:00Z", "2026-03-29T06:00:00Z"],
  [
    "an end within a skipped half-hour",
    "Australia/Lord_Howe",
    "20:00-02:15",
    "2026-10-03T14:00:00Z",
    "2026-10-03T15:30:00Z",
  ],

  // Clocks go back.
  ["a longer night", "America/Sao_Paulo", "20:00-07:00", "2018-02-17T23:00:00Z", "2018-02-18T10:00:00Z"],
  ["an end that comes twice", "America/New_York", "22:00-01:30", "2026-11-01T03:00:00Z", "2026-11-01T06:30:00Z"],
  ["after the first of two ends", "America/New_York", "22:00-01:30", "2026-11-01T05:45:00Z", "2026-11-01T06:30:00Z"],
  ["after the last of two ends", "America/New_York", "22:00-01:30", "2026-11-01T06:30:00Z", undefined],
  ["the first of two begins", "America/New_York", "01:30-07:00", "2026-11-01T05:30:00Z", "2026-11-01T12:00:00Z"],
  ["between two begins", "America/New_York", "01:30-07:00", "2026-11-01T06:10:00Z", "2026-11-01T12:00:00Z"],
  [
    "a begin on a day that comes back",
    "America/Sao_Paulo",
    "23:30-23:45",
    "2018-02-18T01:35:00Z",
    "2018-02-18T02:45:00Z",
  ],
  [
    "an end within a half-hour that comes twice",
    "Australia/Lord_Howe",
    "20:00-01:45",
    "2026-04-04T14:40:00Z",
    "2026-04-04T15:15:00Z",
  ],

  // Samoa went from the end of the 29th of December to the 31st.
  ["before a day that is skipped", "Pacific/Apia", "20:00-07:00", "2011-12-30T08:00:00Z", "2011-12-30T17:00:00Z"],
  ["after a day that was skipped", "Pacific/Apia", "20:00-07:00", "2011-12-30T10:00:00Z", "2011-12-30T17:00:00Z"],
  ["a skipped day's own", "Pacific/Apia", "12:00-13:00", "2011-12-30T10:00:00Z", undefined],
];

for (const [what, zone, hours, now, until] of rows) {
  test(`quietUntil() tells the end: ${what}, ${hours} in ${zone}`, () => {
    const end = quietUntil(quietOf(hours, zone), Date.parse(now));
    assert.equal(end && new Date(end).toISOString(), until && new Date(until).toISOString());
  });
}

/** Zones, and days around which their clocks are changed. */
const changes: [zone: string, day: string][] = [
  ["America/Sao_Paulo", "2018-11-04"],
  ["America/Sao_Paulo", "2018-02-18"],
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["Europe/Lisbon", "2026-03-29"],
  ["Europe/Lisbon", "2026-10-25"],
  ["Australia/Lord_Howe", "2026-10-04"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["America/St_Johns", "2010-11-07"], // at a minute past midnight, back to the day before
  ["America/St_Johns", "2026-03-08"],
  ["Pacific/Apia", "2011-12-30"],
  ["Asia/Kathmandu", "2026-01-01"],
];

const someHours = fc.tuple(fc.integer({ min: 0, max: 1_439 }), fc.integer({ min: 1, max: 22 * 60 }))
  .map(([from, minutes]) => ({ from, to: (from + minutes) % 1_440, except: [] }));

const someMoment = fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -36 * 60, max: 60 * 60 }))
  .map(([[zone, day], minutes]) => ({ zone, now: Date.parse(`${day}T00:00Z`) + minutes * MINUTE }));

test("quietUntil() tells an end that is in no quiet hours, at most 25 hours away", () => {
  fc.assert(fc.property(someHours, someMoment, (hours, { zone, now }) => {
    const quiet = { ...hours, zone };
    const end = quietUntil(quiet, now);
    if (end === undefined) return;
    assert.equal(quietUntil(quiet, end), undefined);
    assert.ok(end > now && end - now <= 25 * HOUR, `${(end - now) / HOUR} hours`);
  }));
});

/** What the clocks of a zone show in each minute of some days around one. */
const walks = new Map(changes.map(([zone, day]) => {
  const start = Date.parse(`${day}T00:00Z`) - 4 * DAY;
  const walls = Array.from({ length: 9 * 1_440 }, (_, minute) => wallTime(zone, start + minute * MINUTE));
  return [`${zone} ${day}`, { start, walls }];
}));

/** The quiet minutes of a walk: from the first that shows `from` or later, to the last that shows less than `to`. */
function quietMinutes({ from, to }: Quiet, walls: readonly number[]): Set<number> {
  const days = new Set(walls.map((wall) => Math.floor(wall / DAY)));
  const first = Math.min(...days) - 1;
  return new Set(
    Array.from({ length: days.size + 3 }, (_, index) => (first + index) * DAY).flatMap((day) => {
      const start = walls.findIndex((wall) => wall >= day + from * MINUTE);
      const end = walls.findLastIndex((wall) => wall < day + (to < from ? DAY : 0) + to * MINUTE);
      return start < 0 ? [] : Array.from({ length: Math.max(0, end - start + 1) }, (_, minute) => start + minute);
    }),
  );
}

test("quietUntil() agrees with a walk from minute to minute", () => {
  fc.assert(
    fc.property(
      someHours,
      fc.constantFrom(...changes),
      fc.integer({ min: -30 * 60, max: 40 * 60 }),
      (hours, on, at) => {
        const [zone] = on;
        const { start, walls } = walks.get(on.join(" "))!;
        const isQuiet = quietMinutes({ ...hours, zone }, walls);
        const first = 4 * 1_440 + at;
        let minute = first;
        while (isQuiet.has(minute)) minute++;
        const end = quietUntil({ ...hours, zone }, start + first * MINUTE);
        assert.equal(end, minute === first ? undefined : start + minute * MINUTE);
      },
    ),
    { numRuns: 500 },
  );
});

const mistakes: [written: object, path: string, problem: RegExp][] = [
  [{ from: "8:00", to: "07:00" }, "from", /^expected a time of day such as "07:00" or "20:30"$/],
  [{ from: "20:00", to: "24:00" }, "to", /^expected a time of day/],
  [{ from: "20:00", to: 7 }, "to", /^expected a time of day/],
  [{ from: "20:00", to: "20:00" }, "to", /^is the same as `from`: that would be all day/],
  [{ from: "20:00", to: "07:00", zone: "Sao Paulo" }, "zone", /^expected an IANA time zone/],
  [{ from: "20:00", to: "07:00", except: [""] }, "except.0", /^expected the name of an event or a pattern/],
];

for (const [written, path, problem] of mistakes) {
  test(`quietHours refuses ${JSON.stringify(written)}`, () => {
    const { error } = quietHours.safeParse(written);
    assert.equal(error?.issues.length, 1);
    assert.equal(error!.issues[0]!.path.join("."), path);
    assert.match(error!.issues[0]!.message, problem);
  });
}
