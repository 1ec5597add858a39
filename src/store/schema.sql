-- The store of a run: every row, metric and checkpoint with where it came from. One SQLite file in WAL mode.
-- Times say when something was made; nothing that is computed depends on them.
-- An older store gets the tables that are new since then when it is opened.

CREATE TABLE IF NOT EXISTS stage (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,   -- "label", or the recipe's `as:`
    kind     TEXT NOT NULL,          -- the command: sample, label, reward, rl, eval, ...
    identity TEXT NOT NULL,          -- SHA-256 of everything that its results depend on
    about    TEXT NOT NULL,          -- JSON: options, hashes of models, prompts and inputs, seed, code version
    done     INTEGER NOT NULL DEFAULT 0,
    output   TEXT,                   -- file or directory that it made, relative to the run
    summary  TEXT,                   -- JSON: what --json prints
    started  TEXT NOT NULL,
    finished TEXT,
    seconds  REAL NOT NULL DEFAULT 0 -- spent on it, over all its runs
);

CREATE TABLE IF NOT EXISTS item ( -- a finished row: a response, a label, a score
    stage    INTEGER NOT NULL REFERENCES stage (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,          -- SHA-256 of the input row's content, and its number among equals
    position INTEGER NOT NULL,       -- in the input; -1: not in the present input
    row      TEXT NOT NULL,          -- JSON, as it is written to the output
    made     TEXT NOT NULL,
    PRIMARY KEY (stage, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_position ON item (stage, position);

CREATE TABLE IF NOT EXISTS metric ( -- a number of a training step; seconds_...: a time, which nothing depends on
    stage INTEGER NOT NULL REFERENCES stage (id) ON DELETE CASCADE,
    step  INTEGER NOT NULL,
    name  TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (stage, step, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rollout ( -- a response made while training, with its reward
    stage  INTEGER NOT NULL REFERENCES stage (id) ON DELETE CASCADE,
    step   INTEGER NOT NULL,
    sample INTEGER NOT NULL,         -- number within the step
    row    TEXT NOT NULL,            -- JSON
    PRIMARY KEY (stage, step, sample)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS checkpoint ( -- a complete directory
    stage INTEGER NOT NULL REFERENCES stage (id) ON DELETE CASCADE,
    step  INTEGER NOT NULL,
    path  TEXT NOT NULL,             -- relative to the store's directory
    score REAL,                      -- held-out, where the stage measures one
    made  TEXT NOT NULL,
    PRIMARY KEY (stage, step)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS context ( -- a prompt that a stage trained on or labelled: no evaluation may use it
    stage INTEGER NOT NULL REFERENCES stage (id) ON DELETE CASCADE,
    hash  TEXT NOT NULL,             -- SHA-256 of the prompt as judges read it
    PRIMARY KEY (stage, hash)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS context_hash ON context (hash);

CREATE TABLE IF NOT EXISTS selection ( -- a prompt by which a stage chose a model: another choice may use it, no evaluation
    stage INTEGER NOT NULL REFERENCES stage (id) ON DELETE CASCADE,
    hash  TEXT NOT NULL,             -- as of context
    PRIMARY KEY (stage, hash)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS selection_hash ON selection (hash);

CREATE TABLE IF NOT EXISTS rating ( -- what a person said of an item; it outlives the stages whose responses it is of
    kind  TEXT NOT NULL,             -- rank, harmless
    item  TEXT NOT NULL,             -- SHA-256 of the prompt and the responses
    rater TEXT NOT NULL,
    row   TEXT NOT NULL,             -- JSON, as `eval ratings` and `eval harmless` read it
    made  TEXT NOT NULL,
    PRIMARY KEY (kind, item, rater)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS answer ( -- what a judge elsewhere said: nothing is asked twice
    key  TEXT PRIMARY KEY,           -- SHA-256 of the address and of all that was sent
    said TEXT NOT NULL,              -- JSON
    made TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS digest ( -- SHA-256 of a file that stayed as it was
    file TEXT PRIMARY KEY,           -- device, inode, size, and when it was changed, in nanoseconds
    hash TEXT NOT NULL
) WITHOUT ROWID;

PRAGMA user_version = 6;
