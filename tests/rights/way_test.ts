/** Who can change what a path leads to, on real folders of several users. */

import assert from "node:assert/strict";
import { chmodSync, chownSync, lchownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Way, wayTo } from "../../lib/rights/way.ts";
import { makeFolder } from "../helpers/folder.ts";
import { needsRoot } from "../helpers/foreign.ts";

/** A folder of root's; gives where a path in it leads, with the number of its owner and paths as they are in the folder. */
function inFolder(work: (folder: string, find: (path: string) => unknown) => void): void {
  const made = makeFolder();
  const folder = realpathSync(made.path);
  const short = (path?: string) => path?.replace(`${folder}/`, "");
  try {
    work(folder, (path) => {
      const { owner, theirs, folder: at, shared, isSticky }: Way = wayTo(join(folder, path));
      return shared === undefined
        ? owner && [owner.uid, short(theirs), short(at)]
        : [short(shared), isSticky ? "sticky" : "open"];
    });
  } finally {
    made.remove();
  }
}

function makeOwned(path: string, uid: number, mode = 0o755): void {
  mkdirSync(path);
  chmodSync(path, mode);
  chownSync(path, uid, uid);
}

test("wayTo() finds nobody where root alone can change the way, whoever owns what lies at its end", needsRoot, () => {
  inFolder((folder, find) => {
    mkdirSync(join(folder, "a"));
    writeFileSync(join(folder, "a", "file"), "");
    chownSync(join(folder, "a", "file"), 1001, 1001);
    symlinkSync("a", join(folder, "link"));
    for (const path of ["a/file", "a/none", "none/none", "link/file", "link/../a/file", "a/file/none"]) {
      assert.equal(find(path), undefined, path);
    }
  });
});

test("wayTo() finds the first user who can change it, and goes no further", needsRoot, () => {
  inFolder((folder, find) => {
    makeOwned(join(folder, "one"), 1001);
    makeOwned(join(folder, "one", "two"), 1002);
    makeOwned(join(folder, "one", "root"), 0);
    symlinkSync("/etc", join(folder, "one", "away"));
    symlinkSync("one/two", join(folder, "link"));
    symlinkSync(join(folder, "one"), join(folder, "absolute"));
    for (const path of ["one", "one/x", "one/two/x", "one/root/x", "one/away/x", "link/x", "absolute/two/x"]) {
      assert.deepEqual(find(path), [1001, "one", "one"], path);
    }
  });
});

test("wayTo() says which folder others than root write to, but for one that they do not reach", needsRoot, () => {
  inFolder((folder, find) => {
    makeOwned(join(folder, "closed"), 0, 0o700);
    makeOwned(join(folder, "closed", "open"), 0, 0o777);
    makeOwned(join(folder, "closed", "one"), 1001); // for whom systemd may have opened it
    symlinkSync(join(folder, "open"), join(folder, "closed", "link"));
    symlinkSync("../open", join(folder, "closed", "up"));
    assert.equal(find("closed/open/x"), undefined);
    assert.deepEqual(find("closed/one/x"), [1001, "closed/one", "closed/one"]);
    chmodSync(folder, 0o755);
    makeOwned(join(folder, "open"), 0, 0o777);
    makeOwned(join(folder, "group"), 0, 0o775);
    chownSync(join(folder, "group"), 0, 1001);
    makeOwned(join(folder, "roots"), 0, 0o775);
    for (const path of ["open/x", "closed/link/x", "closed/up/x"]) assert.deepEqual(find(path), ["open", "open"], path);
    assert.deepEqual(find("group/x"), ["group", "open"]);
    assert.equal(find("roots/x"), undefined);
  });
});

test(
  "wayTo() trusts a sticky folder in what is there of root's, and takes what is another's for that one's",
  needsRoot,
  () => {
    inFolder((folder, find) => {
      chmodSync(folder, 0o755);
      const sticky = join(folder, "tmp");
      makeOwned(sticky, 0, 0o1777);
      makeOwned(join(sticky, "roots"), 0, 0o700);
      makeOwned(join(sticky, "mine"), 1001);
      writeFileSync(join(sticky, "file"), "");
      chownSync(join(sticky, "file"), 1001, 1001);
      symlinkSync("/etc/passwd", join(sticky, "link"));
      lchownSync(join(sticky, "link"), 1001, 1001);
      symlinkSync("roots", join(sticky, "to"));
      writeFileSync(join(sticky, "plain"), "");
      assert.equal(find("tmp/roots/x"), undefined);
      assert.equal(find("tmp/to/x"), undefined);
      assert.deepEqual(find("tmp/mine/x"), [1001, "tmp/mine", "tmp/mine"]);
      assert.deepEqual(find("tmp/file"), [1001, "tmp/file", "tmp"]);
      assert.deepEqual(find("tmp/link"), [1001, "tmp/link", "tmp"]);
      for (const path of ["tmp/plain", "tmp/none", "tmp"]) assert.deepEqual(find(path), ["tmp", "sticky"], path);
    });
  },
);

test("wayTo() ends where links go round", needsRoot, () => {
  inFolder((folder, find) => {
    symlinkSync("b", join(folder, "a"));
    symlinkSync("a", join(folder, "b"));
    assert.throws(() => find("a"), /^RelayError: Cannot follow .*: too many links$/);
  });
});
