-- Why: a scheduler that may be killed at any instruction needs one place that says what has run, what
-- is running and what every run read, found and wrote. A run is one row; its slot (job, kind, tick,
-- revision) is unique, and the partial index allows one committed run for each tick.
--
-- Times are UTC in RFC 3339 with six digits of a second, so that text order is time order.

create table seq (
    name text not null primary key,
    value integer not null
) strict;

-- The token of the last claim. It only grows: a write that names an older one is refused.
insert into seq (name, value) values ('token', 0);

-- Texts of job files, once each: a run executes the definition it was queued with, not the file.
create table definition (
    sha256 text not null primary key check (length(sha256) = 64),
    body text not null
) strict;

create table run (
    -- Order of insertion; ids made in the same millisecond have no order of their own.
    serial integer primary key,
    id text not null unique check (length(id) = 26),
    job text not null,
    kind text not null check (kind in ('score', 'train')),
    tick text not null check (length(tick) = 27),
    revision integer not null check (revision >= 0),
    trigger text not null,
    state text not null check (state in ('queued', 'claimed', 'running', 'committing', 'committed',
        'failed', 'dead', 'cancelled', 'superseded', 'corrupt')),
    interval_start text check (length(interval_start) = 27),
    interval_end text not null check (length(interval_end) = 27),
    job_sha256 text not null references definition (sha256),
    parent text references run (id) on delete set null,
    created_at text not null check (length(created_at) = 27),
    not_before text not null check (length(not_before) = 27),
    -- The claim: who holds the run, since when, with which token, at which try.
    owner text,
    token integer not null default 0,
    attempt integer not null default 0,
    claimed_at text check (length(claimed_at) = 27),
    -- The version that scores, pinned when the run was planned, or that was trained.
    model_version integer,
    model_sha256 text check (length(model_sha256) = 64),
    -- How it ended.
    finished_at text check (length(finished_at) = 27),
    verdict text,
    exit_code integer check (exit_code between 0 and 255),
    error text,
    rows_read integer not null default 0 check (rows_read >= 0),
    rows_scored integer not null default 0 check (rows_scored >= 0),
    rows_quarantined integer not null default 0 check (rows_quarantined >= 0),
    id_set text,
    peak_rss_bytes integer,
    decision text,
    stages text,
    -- What the final transaction is to do, written with the intent: whoever finishes the run after a
    -- crash does what its owner would have done.
    conclusion text,
    superseded_by text,
    unique (job, kind, tick, revision),
    check (state <> 'committing' or conclusion is not null)
) strict;

create unique index run_current on run (job, kind, tick) where state = 'committed';
create index run_by_job on run (job, serial);
create index run_unfinished on run (serial) where state in ('queued', 'claimed', 'running', 'committing');
create index run_by_parent on run (parent) where parent is not null;
create index run_by_definition on run (job_sha256);

create table attempt (
    run text not null references run (id) on delete cascade,
    number integer not null check (number > 0),
    token integer not null unique,
    owner text not null,
    started_at text not null check (length(started_at) = 27),
    ended_at text check (length(ended_at) = 27),
    outcome text,
    error text,
    primary key (run, number)
) strict;

-- What became of each tick. The run is a plain text: the ledger outlives the runs that prune deletes.
create table tick (
    job text not null,
    kind text not null,
    tick text not null check (length(tick) = 27),
    decision text not null,
    reason text not null,
    run text,
    decided_at text not null check (length(decided_at) = 27),
    primary key (job, kind, tick)
) strict;

create table input (
    run text not null references run (id) on delete cascade,
    seq integer not null,
    path text not null,
    size_bytes integer not null check (size_bytes >= 0),
    sha256 text not null check (length(sha256) = 64),
    primary key (run, seq)
) strict;

create table output (
    run text not null references run (id) on delete cascade,
    seq integer not null,
    role text not null check (role in ('part', 'quarantine', 'manifest', 'model')),
    staged_path text not null,
    final_path text not null,
    sha256 text not null check (length(sha256) = 64),
    size_bytes integer not null check (size_bytes >= 0),
    row_count integer not null check (row_count >= 0),
    -- Since when the file is gone on purpose: its run was superseded or pruned.
    removed_at text check (length(removed_at) = 27),
    primary key (run, seq)
) strict;

create table finding (
    run text not null references run (id) on delete cascade,
    seq integer not null,
    kind text not null,
    test text not null,
    column_name text,
    slice text,
    metric text,
    value real,
    baseline real,
    low real,
    high real,
    p_value real,
    limit_value real,
    verdict text not null,
    message text not null,
    primary key (run, seq)
) strict;

create table profile (
    run text not null references run (id) on delete cascade,
    name text not null,
    body blob not null,
    primary key (run, name)
) strict;
