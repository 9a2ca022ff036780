-- Why: the daemon pauses a job after so many failures in a row. Those before somebody resumed it are dealt
-- with, and must not pause it again at the next one.

create table resumption (
    job text not null primary key,
    at text not null check (length(at) = 27)
) strict;
