-- Why: a database that has lost its last commits, or that another one has taken the place of, is sound for
-- SQLite. It counts its commits, and a small file beside it says how far the count had come.

create table seal (
    id integer not null primary key check (id = 1),
    -- Tells this database and its copies from every other one.
    database text not null check (length(database) = 32),
    commits integer not null check (commits >= 0)
) strict;

insert into seal (id, database, commits) values (1, lower(hex(randomblob(16))), 0);
