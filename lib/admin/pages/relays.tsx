/** @jsxImportSource hono/jsx */
/** The relays that share a store: what is wrong with one of them, who owns what, and which targets have changed their owner. */

import type { RelayTrouble } from "../../operator/attention.ts";
import { groupedTakeovers, type Relays, type RelayView } from "../../operator/relays.ts";
import { Nothing, Prose, Row, State, Table, Time } from "./parts.tsx";
import { ReloadItem } from "./trouble.tsx";
import type { View } from "./view.ts";

/** How many takeovers are shown; of the rest their number. */
const TAKEOVERS_SHOWN = 10;

/** Something that is wrong with a relay as a whole. A config that is refused is each relay's own. */
export function RelayItem({ view, trouble }: { view: View; trouble: RelayTrouble }) {
  const { attention } = view.words;
  switch (trouble.kind) {
    case "unowned":
      return <Item view={view} head={attention.unowned(trouble.targets)} todo={attention.unownedTodo} />;
    case "lost": {
      const { name, lastHeardAt } = trouble;
      return <Item view={view} head={attention.lost(name)} todo={attention.lostTodo} since={lastHeardAt} />;
    }
    case "mute": {
      const { name, lastHeardAt } = trouble;
      return <Item view={view} head={attention.mute(name)} todo={attention.muteTodo} since={lastHeardAt} />;
    }
    case "reload":
      return <ReloadItem view={view} reload={trouble.reload} name={trouble.name} />;
    default:
      return null;
  }
}

function Item({ view, head, todo, since }: { view: View; head: string; todo: string; since?: string | null }) {
  return (
    <li class="item bad">
      <div>
        <h3>{head}</h3>
        <p>
          <Prose text={todo} />
        </p>
        {since && (
          <p class="small muted">
            {view.words.attention.since} <Time view={view} at={since} isInText />
          </p>
        )}
      </div>
    </li>
  );
}

/** Every relay with what it owns, and the takeovers. @param isSelf Whether a relay is the one that makes the page. */
export function RelaysSection(
  { view, relays, isSelf }: { view: View; relays: Relays; isSelf: (relay: RelayView) => boolean },
) {
  const { relays: words } = view.words;
  const head = [words.name, words.state, words.owns, words.version, words.since, words.heardAt];
  return (
    <section id="relays" data-live>
      <h2>{words.title}</h2>
      <Table caption={words.title} isCaptionHidden head={head}>
        {[...relays.members, ...relays.gone].map((one) => (
          <Row
            head={head}
            cells={[
              <>
                {one.name}
                {isSelf(one) && <div class="small muted">{words.self}</div>}
              </>,
              <State view={view} state={one.state} />,
              <Owned view={view} relay={one} />,
              one.version,
              one.since === null ? <Nothing word={view.words.none} /> : <Time view={view} at={one.since} />,
              one.lastHeardAt === null
                ? <Nothing word={view.words.never} />
                : <Time view={view} at={one.lastHeardAt} />,
            ]}
          />
        ))}
      </Table>
      <Takeovers view={view} relays={relays} />
    </section>
  );
}

function Owned({ view: { words }, relay: { lanes, taking, duties, state } }: { view: View; relay: RelayView }) {
  if (state === "stopped" || state === "lost") return <Nothing word={words.none} />;
  return (
    <>
      {lanes.join(", ") || words.relays.nothing}
      {taking.length > 0 && <div class="small">{words.relays.taking(taking)}</div>}
      {duties && <div class="small muted">{words.relays.duties}</div>}
    </>
  );
}

function Takeovers({ view, relays: { takeovers } }: { view: View; relays: Relays }) {
  const { words } = view;
  const groups = groupedTakeovers(takeovers);
  if (groups.length === 0) return null;
  const { when, newOwner, targets, why, givenUp, wasLost, older } = words.relays;
  const head = [when, newOwner, targets, why];
  return (
    <>
      <h3 class="above">{words.relays.takeovers}</h3>
      <Table caption={words.relays.takeovers} isCaptionHidden head={head}>
        {groups.slice(0, TAKEOVERS_SHOWN).map(({ at, member, lanes, wasGivenUp }) => (
          <Row
            head={head}
            cells={[<Time view={view} at={at} />, member, lanes.join(", "), wasGivenUp ? givenUp : wasLost]}
          />
        ))}
      </Table>
      {groups.length > TAKEOVERS_SHOWN && <p class="small muted">{older(groups.length - TAKEOVERS_SHOWN)}</p>}
    </>
  );
}
