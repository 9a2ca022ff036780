-- Why: which model published a score must be answerable years later. A version never changes and is
-- never deleted; the aliases of a model are one row that moves as a whole, guarded by its generation;
-- and every move is a row of its own that the database itself refuses to change or delete.

create table version (
    model text not null,
    version integer not null check (version > 0),
    kind text not null,
    task text not null,
    sha256 text not null check (length(sha256) = 64),
    size_bytes integer not null check (size_bytes >= 0),
    created_at text not null check (length(created_at) = 27),
    -- The train run, or null for an imported artifact. A plain text: a version outlives its run.
    run text,
    rows_fitted integer not null check (rows_fitted >= 0),
    rows_test integer not null check (rows_test >= 0),
    metrics text not null,
    blessing text not null check (blessing in ('passed', 'rubber_stamped', 'overridden', 'none')),
    state text not null check (state in ('staged', 'ready', 'corrupt', 'pruned')),
    primary key (model, version)
) strict;

create index version_by_sha256 on version (sha256);
create index version_by_run on version (run) where run is not null;

create trigger version_is_immutable
before update of model, version, kind, task, sha256, size_bytes, created_at, run, rows_fitted,
    rows_test, metrics on version
begin
    select raise(abort, 'a model version never changes');
end;

create trigger version_is_permanent
before delete on version
begin
    select raise(abort, 'a model version is never deleted');
end;

create table alias (
    model text not null primary key,
    champion integer,
    challenger integer,
    previous integer,
    generation integer not null,
    foreign key (model, champion) references version (model, version),
    foreign key (model, challenger) references version (model, version),
    foreign key (model, previous) references version (model, version)
) strict;

create table alias_history (
    id integer primary key,
    model text not null,
    alias text not null check (alias in ('champion', 'challenger', 'previous')),
    from_version integer,
    to_version integer,
    action text not null check (action in ('promote', 'rollback', 'import')),
    actor text not null,
    reason text not null,
    run text,
    at text not null check (length(at) = 27),
    check (from_version is distinct from to_version)
) strict;

create index alias_history_by_model on alias_history (model, id);

create trigger alias_history_is_append_only
before update on alias_history
begin
    select raise(abort, 'the history of aliases is append-only');
end;

create trigger alias_history_is_permanent
before delete on alias_history
begin
    select raise(abort, 'the history of aliases is append-only');
end;
