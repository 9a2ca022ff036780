# Recipes for people. What CI runs is `.ci/run`.

# One target folder for running, testing and CI: polars takes minutes to compile.
export CARGO_TARGET_DIR := env("CARGO_TARGET_DIR", env("XDG_CACHE_HOME", home_directory() / ".cache") / "nightshift/target")

# Lists the recipes.
default:
    @just --list

# Formatting, lints and all tests: what a commit must pass.
[group('daily')]
check:
    cargo fmt --all --check
    cargo clippy --release --all-targets --locked -- -D warnings
    cargo test --release

# Tests whose name contains one of ARGS, or all.
[group('daily')]
test *ARGS:
    cargo test --release -- {{ARGS}}

# Looks at snapshots that differ (needs cargo-insta).
[group('daily')]
review:
    cargo insta test --review -- --release

# What CI runs, in this working copy.
[group('daily')]
ci:
    bash .ci/run

# The kill tests in full: `kill -9` at random moments of a run, then recovery.
[group('deep')]
crash kills="200":
    NIGHTSHIFT_KILLS={{kills}} cargo test --release --test it -- crash:: --include-ignored

# A long walk of commands, kills, copies, moves and steps of the clock; kills wherever a project stands; and a reader
# that lists the scores all the time.
[group('deep')]
walk steps="2000":
    NIGHTSHIFT_STEPS={{steps}} cargo test --release --test it -- walk:: --nocapture
    NIGHTSHIFT_KILLS=100 NIGHTSHIFT_CORRECTIONS=200 cargo test --release --test it -- moves::kills glob:: --nocapture

# What becomes of a damaged database, as a table.
[group('deep')]
damage mutations="200":
    NIGHTSHIFT_MUTATIONS={{mutations}} cargo test --release --test it -- damage:: --nocapture

# Every fail point with every action, then recovery; kills during recovery; and kills of the daemon.
[group('deep')]
chaos kills="200":
    cargo test --release --features failpoints --test it -- chaos:: --nocapture --test-threads=1
    NIGHTSHIFT_KILLS={{kills}} cargo test --release --features failpoints --test it -- daemon::kills --nocapture

# How often comparisons err and what they find, as a table.
[group('deep')]
gates repeats="2000":
    NIGHTSHIFT_REPEATS={{repeats}} cargo test --release --test it -- comparisons:: --nocapture

# What holds for any schedule, in any zone, from any instant; and every difference from croner, as a table.
[group('deep')]
cron cases="1000000":
    NIGHTSHIFT_CASES={{cases}} cargo test --release --test it -- schedule:: --nocapture --test-threads=1

# What many jobs cost the daemon, as figures.
[group('deep')]
scale jobs="10000":
    NIGHTSHIFT_JOBS={{jobs}} cargo test --release --test it -- daemon::scale --nocapture

# The goals of the data path and of the daemon with what was measured, as tables. With NIGHTSHIFT_PYTHON,
# NIGHTSHIFT_PEERS and NIGHTSHIFT_BENCH_DATA (see benches/goals/peers.rs) beside what a user would pick instead.
[group('deep')]
bench *ARGS:
    cargo bench --profile release -- {{ARGS}}

# Kinds of models beside scikit-learn and LightGBM, on the data of ../shared (needs Python with both).
[group('deep')]
kinds python="python3":
    {{python}} benches/kinds.py ../shared/data

# Writes the reference numbers of data/oracle anew with scikit-learn and scipy (needs Python).
[group('deep')]
oracle python="python3":
    for script in data/oracle/make_*.py; do {{python}} "$script"; done

# Licences, advisories and sources of every dependency (needs cargo-deny).
[group('deep')]
deny:
    cargo deny check
