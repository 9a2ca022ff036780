-- Why: a scheduler that may be down, late or killed has to know which ticks it has ruled on already, and
-- what it ruled. The cursor of a schedule moves in the transaction that writes the lines of its ticks and
-- queues their runs, so no tick is forgotten and none is run twice.

create table schedule (
    job text not null,
    kind text not null check (kind in ('score', 'train')),
    -- Expression, zone and day rule: another one begins anew, it is not retroactive.
    definition text not null,
    -- Every tick up to and including this instant is ruled on.
    cursor text not null check (length(cursor) = 27),
    primary key (job, kind)
) strict;

-- Stretches of ticks with one fate: their bounds, since their number can be had from the schedule. A tick
-- that has a line of its own in `tick` is not meant.
create table tick_range (
    job text not null,
    kind text not null,
    first text not null check (length(first) = 27),
    last text not null check (length(last) = 27),
    decision text not null,
    reason text not null,
    decided_at text not null check (length(decided_at) = 27),
    primary key (job, kind, first),
    check (first < last)
) strict;

-- Jobs whose ticks are not run until somebody resumes them.
create table pause (
    job text not null primary key,
    actor text not null,
    reason text not null,
    at text not null check (length(at) = 27)
) strict;

-- Somebody wants the run to end, and what it is to be afterwards: whoever executes it ends its process.
alter table run add column cancel_as text check (cancel_as in ('cancelled', 'superseded'));
alter table run add column cancel_reason text;

create index run_queue on run (not_before, tick) where state = 'queued';
create index run_superseded on run (serial) where state = 'superseded';
