-- Why: what was published stood on record by absolute paths, so that a copy of a project changed the files of
-- the original, and one that was moved lost its own. A path is now relative to a root: `project`, or an entry
-- of `data_roots`. Paths of earlier runs keep the root '' until the project that opens the database, which
-- alone knows where it stands, has said what they are relative to.
--
-- A folder of scores belongs to one tick. And what came first is now read from the count of commits, which
-- cannot go back; for what is on record already, the times stand in for it, as numbers up to 0.

alter table output add column root text not null default '';
create index output_unlocated on output (run) where root = '';

-- The folder above all ticks, and that of this tick: both below the root.
alter table run add column root text;
alter table run add column output text;
alter table run add column folder text;

-- The count of commits when it reached the state it ended in.
alter table run add column commits integer;
alter table alias_history add column commits integer;
alter table resumption add column commits integer;

create unique index run_folder on run (root, folder)
    where kind = 'score' and state = 'committed' and folder is not null;

drop trigger alias_history_is_append_only;

create table moment (
    at text not null primary key,
    commits integer not null
) strict;

insert into moment (at, commits)
select at, 1 - row_number() over (order by at desc) from (
    select finished_at as at from run where finished_at is not null
    union select at from alias_history
    union select at from resumption);

update run set commits = (select commits from moment where at = run.finished_at)
where finished_at is not null;
update alias_history set commits = (select commits from moment where at = alias_history.at);
update resumption set commits = (select commits from moment where at = resumption.at);

drop table moment;

create trigger alias_history_is_append_only
before update on alias_history
begin
    select raise(abort, 'the history of aliases is append-only');
end;

-- Whose the files are that a project puts where others write as well. The newest row is in force; a copy of a
-- project takes a new one, and those before it are its original's.
create table identity (
    serial integer primary key,
    project text not null unique check (length(project) = 32),
    -- The count of commits when it was taken: what a copy has on record from before is its original's, where that
    -- can write as well.
    since integer not null
) strict;

insert into identity (project, since) select database, -9223372036854775808 from seal;

-- Where the folder of the project stood when it was last written to.
create table place (
    id integer not null primary key check (id = 1),
    host text not null,
    boot text not null,
    namespace text not null,
    path text not null,
    device text not null,
    inode text not null
) strict;
