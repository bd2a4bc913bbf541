/** The PostgreSQL store: the contract of all stores. */

import { testStore } from "./contract.ts";
import { makePostgresBench } from "./postgres_bench.ts";

testStore("postgres", makePostgresBench);
