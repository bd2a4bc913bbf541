ALTER TABLE attempts ADD COLUMN epoch INTEGER; -- of the owner that made it, which tells what comes twice from what is another

-- What was under way when the process ended, if it was written down before.
DROP TABLE underway;
CREATE TABLE underway (
  event INTEGER NOT NULL,
  number INTEGER NOT NULL,
  crashes INTEGER NOT NULL DEFAULT 0, -- processes in a row that ended over it without having been asked to
  alone INTEGER NOT NULL DEFAULT 0, -- those of the last of all in a row in which it was tried alone
  is_alone INTEGER, -- it is tried alone; NULL: it has not begun in this process
  has_survived INTEGER NOT NULL DEFAULT 0, -- it was tried alone, and the process went on
  PRIMARY KEY (event, number)
) STRICT, WITHOUT ROWID;

-- An order key as it is stored now: not every driver reads a text whole that holds a NUL.
UPDATE deliveries SET order_key = replace(json_quote(order_key), '\u0000', '\ufffd') ->> '$'
  WHERE instr(order_key, char(0));
