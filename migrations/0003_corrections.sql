-- Why: when a bad version is rolled back, every tick that it published is scored again, and the list of
-- decisions that this changed is a file of the correction. So an output may be of one more role. SQLite
-- cannot change the check of a column: the table is made anew, with its rows.
--
-- Looking back on what a version published, or on what a job found on earlier ticks, is asked on every
-- tick: an index over committed score runs makes it cheap however long the history is.

create table output_with_changes (
    run text not null references run (id) on delete cascade,
    seq integer not null,
    role text not null check (role in ('part', 'quarantine', 'changes', 'manifest', 'model')),
    staged_path text not null,
    final_path text not null,
    sha256 text not null check (length(sha256) = 64),
    size_bytes integer not null check (size_bytes >= 0),
    row_count integer not null check (row_count >= 0),
    -- Since when the file is gone on purpose: its run was superseded or pruned.
    removed_at text check (length(removed_at) = 27),
    primary key (run, seq)
) strict;

insert into output_with_changes select * from output;
drop table output;
alter table output_with_changes rename to output;

create index run_published on run (job, tick) where kind = 'score' and state = 'committed';
