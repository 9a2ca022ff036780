//! The protocol on real files, stopped at each step.
//!
//! Whatever was cut short, going on ends in the same files: the rows of one revision in the folder of the tick, its
//! manifest beside them, what was before set aside, and what is not ours where it was.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use jiff::Timestamp;

use super::*;
use crate::domain::identity::{ProjectId, RunId};
use crate::domain::layout::{MANIFEST_FILE, RootName};
use crate::domain::run::Claim;

fn project(digit: char) -> ProjectId {
    ProjectId::parse(&digit.to_string().repeat(32)).unwrap()
}

fn run(number: u128) -> RunId {
    RunId::new(Timestamp::UNIX_EPOCH, number)
}

fn site(root: &Path) -> Site {
    let folder = TickFolder::new(RootName::Project, "scores/a", "scores/a/tick=1").unwrap();
    Site::new(root, &folder)
}

fn name(number: u128) -> StagingName {
    let claim = Claim { run: run(number), token: i64::try_from(number).unwrap(), attempt: 1 };
    StagingName::of(&project('a'), &claim)
}

fn manifest_text(number: u128, of: char) -> String {
    format!(
        r#"{{"schema":"nightshift.manifest/2","run":"{}","project":"{}","job":"a"}}"#,
        run(number),
        project(of)
    )
}

/// A sealed run of two parts, rows set aside and a manifest.
fn sealed(root: &Path, number: u128) -> (Staging, Publication) {
    let staging = Staging::create(site(root), name(number)).unwrap();
    let piece = |name: String, text: &str| {
        let Staged { sha256, size_bytes } = staging.write(&name, text.as_bytes()).unwrap();
        Piece { name, sha256, size_bytes }
    };
    let run = run(number);
    let parts: Vec<Piece> = (0..2)
        .map(|part| {
            piece(format!("part-{run}-000{part}.parquet"), &format!("rows {number} {part}"))
        })
        .collect();
    for part in &parts {
        staging.add_rows(&part.name, &part.name).unwrap();
    }
    let beside = vec![piece(format!("quarantine-{run}.parquet"), &format!("set aside {number}"))];
    let manifest = piece(MANIFEST_FILE.to_owned(), &manifest_text(number, 'a'));
    staging.seal().unwrap();
    (staging, Publication { parts, beside, manifest })
}

fn go_on(root: &Path, number: u128, publication: &Publication) -> Result<(), PublishError> {
    let ours = FolderOwner::Project(project('a'), run(number));
    publish(&site(root), &name(number), (publication, Look::Hash), |owner| match owner {
        FolderOwner::Project(id, _) => *id == project('a') || *owner == ours,
        _ => true,
    })
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut out: Vec<String> =
        entries.map(name).map(|name| name.to_string_lossy().into_owned()).collect();
    out.sort();
    out
}

/// A revision that is published and cleared away after.
fn published(root: &Path, number: u128) -> Publication {
    let (staging, publication) = sealed(root, number);
    go_on(root, number, &publication).unwrap();
    set_aside(&site(root), &name(number), Aside::Current).unwrap();
    staging.remove().unwrap();
    publication
}

#[track_caller]
fn require_published(root: &Path, number: u128, publication: &Publication, others: &[&str]) {
    let site = site(root);
    let mut wanted: Vec<String> = publication.parts.iter().map(|part| part.name.clone()).collect();
    wanted.extend(others.iter().map(|name| (*name).to_owned()));
    wanted.sort();
    assert_eq!(names(&site.rows), wanted);
    for piece in &publication.parts {
        assert_eq!(durable::sha256(&site.rows.join(&piece.name)).unwrap(), piece.sha256);
    }
    assert_eq!(names(&site.beside), [MANIFEST_FILE, &publication.beside[0].name]);
    let shown = fs::read_to_string(site.beside.join(MANIFEST_FILE)).unwrap();
    assert_eq!(shown, manifest_text(number, 'a'));
}

#[test]
fn a_first_and_a_second_revision_are_published() {
    let keep = tempfile::tempdir().unwrap();
    let (staging, publication) = sealed(keep.path(), 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(staging.folder()), 0o700);
    go_on(keep.path(), 1, &publication).unwrap();
    set_aside(&site(keep.path()), &name(1), Aside::Current).unwrap();
    staging.remove().unwrap();
    require_published(keep.path(), 1, &publication, &[]);
    assert_eq!(mode(&site(keep.path()).rows), 0o750, "readers of the group look inside");
    assert_eq!(superseded(&site(keep.path())).unwrap(), []);

    let before = publication;
    let publication = published(keep.path(), 2);
    require_published(keep.path(), 2, &publication, &[]);
    let aside = site(keep.path()).superseded().join(run(1).as_str());
    assert_eq!(names(&aside), [before.beside[0].name.as_str(), "rows"]);
    assert_eq!(names(&aside.join("rows")), before.parts.map_names());
    assert_eq!(superseded(&site(keep.path())).unwrap(), [run(1)]);
    remove_superseded(&site(keep.path()), &run(1)).unwrap();
    remove_superseded(&site(keep.path()), &run(1)).unwrap();
    assert_eq!(names(&site(keep.path()).companion), ["stage", "superseded", "tick=1"]);
    assert_eq!(Staging::list(&site(keep.path())).unwrap(), []);
}

trait MapNames {
    fn map_names(&self) -> Vec<String>;
}

impl MapNames for Vec<Piece> {
    fn map_names(&self) -> Vec<String> {
        self.iter().map(|piece| piece.name.clone()).collect()
    }
}

fn move_file(source: impl AsRef<Path>, target: impl AsRef<Path>) {
    durable::rename(source.as_ref(), target.as_ref()).unwrap();
}

/// Leaves a publication where it was stopped.
type Stop = fn(&Site, &Path, &Publication);

fn taken(_: &Site, stage: &Path, _: &Publication) {
    move_file(stage.join("rows"), stage.join("rows-1"));
}

fn beside_placed(site: &Site, stage: &Path, publication: &Publication) {
    fs::create_dir_all(&site.beside).unwrap();
    let name = &publication.beside[0].name;
    move_file(stage.join(name), site.beside.join(name));
}

fn exchanged(site: &Site, stage: &Path, publication: &Publication) {
    beside_placed(site, stage, publication);
    taken(site, stage, publication);
    let held = stage.join("rows-1");
    let done = if site.rows.exists() {
        super::exchange::exchange(&held, &site.rows)
    } else {
        super::exchange::move_to_free(&held, &site.rows)
    };
    assert_eq!(done.unwrap(), Exchange::Done);
}

fn pointed(site: &Site, stage: &Path, publication: &Publication) {
    exchanged(site, stage, publication);
    move_file(stage.join(MANIFEST_FILE), site.beside.join(MANIFEST_FILE));
}

/// As where folders cannot be exchanged: one part is in its place beside the old ones.
fn one_moved(site: &Site, stage: &Path, publication: &Publication) {
    taken(site, stage, publication);
    fs::create_dir_all(&site.rows).unwrap();
    let name = &publication.parts[0].name;
    move_file(stage.join("rows-1").join(name), site.rows.join(name));
}

/// Or both are.
fn both_moved(site: &Site, stage: &Path, publication: &Publication) {
    one_moved(site, stage, publication);
    let name = &publication.parts[1].name;
    move_file(stage.join("rows-1").join(name), site.rows.join(name));
}

fn nothing(_: &Site, _: &Path, _: &Publication) {}

#[test]
fn a_publication_that_was_stopped_goes_on_any_number_of_times() {
    let stops: [(&str, Stop); 7] = [
        ("nothing", nothing),
        ("taken", taken),
        ("beside_placed", beside_placed),
        ("exchanged", exchanged),
        ("pointed", pointed),
        ("one_moved", one_moved),
        ("both_moved", both_moved),
    ];
    for (stopped, stop) in stops {
        for revisions in 1..=2_u128 {
            let keep = tempfile::tempdir().unwrap();
            if revisions == 2 {
                published(keep.path(), 1);
            }
            let (staging, publication) = sealed(keep.path(), revisions);
            let site = site(keep.path());
            stop(&site, staging.folder(), &publication);
            for _ in 0..2 {
                go_on(keep.path(), revisions, &publication)
                    .unwrap_or_else(|error| panic!("{stopped} {revisions}: {error}"));
            }
            for _ in 0..2 {
                set_aside(&site, &name(revisions), Aside::Current).unwrap();
            }
            go_on(keep.path(), revisions, &publication).unwrap();
            staging.remove().unwrap();
            go_on(keep.path(), revisions, &publication).unwrap();
            require_published(keep.path(), revisions, &publication, &[]);
            let before: Vec<RunId> = (1..revisions).map(run).collect();
            assert_eq!(superseded(&site).unwrap(), before, "{stopped}");
        }
    }
}

#[test]
fn a_publisher_that_was_stopped_finds_nothing_to_exchange_back() {
    let keep = tempfile::tempdir().unwrap();
    published(keep.path(), 1);
    let (staging, publication) = sealed(keep.path(), 2);
    let site = site(keep.path());
    // It has looked, has taken the folder, and is stopped before the exchange.
    taken(&site, staging.folder(), &publication);
    let held = staging.folder().join("rows-1");
    go_on(keep.path(), 2, &publication).unwrap();
    let late = super::exchange::exchange(&held, &site.rows).unwrap();
    assert_eq!(late, Exchange::Mistaken);
    assert_eq!(names(&site.rows), publication.parts.map_names());
}

#[test]
fn a_changed_file_is_refused_and_named_and_nothing_moves() {
    for victim in 0..4 {
        let keep = tempfile::tempdir().unwrap();
        let before = published(keep.path(), 1);
        let (staging, publication) = sealed(keep.path(), 2);
        let staged = match victim {
            0 | 1 => staging.folder().join("rows").join(&publication.parts[victim].name),
            2 => staging.folder().join(&publication.beside[0].name),
            _ => staging.folder().join(MANIFEST_FILE),
        };
        let size = fs::metadata(&staged).unwrap().len();
        fs::write(&staged, "x".repeat(usize::try_from(size).unwrap())).unwrap();
        let error = go_on(keep.path(), 2, &publication).unwrap_err();
        let name = staged.file_name().unwrap();
        assert!(
            matches!(&error, PublishError::Corrupt { path, .. } if path.file_name() == Some(name)),
            "{error}"
        );
        require_published(keep.path(), 1, &before, &[]);
    }
}

#[test]
fn a_file_cut_short_is_noticed_without_a_hash_and_one_that_is_nowhere_is_corrupt() {
    let keep = tempfile::tempdir().unwrap();
    let (staging, publication) = sealed(keep.path(), 1);
    let part = staging.folder().join("rows").join(&publication.parts[1].name);
    fs::write(&part, "short").unwrap();
    let sealed = (&publication, Look::Size);
    let error = publish(&site(keep.path()), &name(1), sealed, |_| true).unwrap_err();
    assert!(error.to_string().contains("5 bytes"), "{error}");
    let held = fs::read_dir(staging.folder()).unwrap().map(|entry| entry.unwrap().path());
    let held = held.filter(|path| path.is_dir()).collect::<Vec<_>>();
    fs::remove_file(held[0].join(&publication.parts[0].name)).unwrap();
    let error = go_on(keep.path(), 1, &publication).unwrap_err();
    assert!(error.to_string().contains("found no file"), "{error}");
}

#[test]
fn what_others_have_in_the_folder_stays_in_it() {
    let keep = tempfile::tempdir().unwrap();
    published(keep.path(), 1);
    let rows = site(keep.path()).rows;
    fs::write(rows.join("notes.txt"), "mine").unwrap();
    fs::create_dir(rows.join("theirs")).unwrap();
    fs::write(rows.join("theirs/part-1.parquet"), "not ours").unwrap();
    symlink("/etc/hostname", rows.join("link")).unwrap();
    let strange = std::ffi::OsStr::from_bytes(b"\xff");
    fs::write(rows.join(strange), "odd").unwrap();
    fs::write(rows.join(MANIFEST_FILE), r#"{"name":"a web app"}"#).unwrap();
    let number = fs::metadata(rows.join("notes.txt")).unwrap().ino();

    let (staging, publication) = sealed(keep.path(), 2);
    go_on(keep.path(), 2, &publication).unwrap();
    assert!(rows.join("notes.txt").exists(), "there at every moment");
    // Somebody is late, and somebody writes a name again that has come along.
    let held = fs::read_dir(staging.folder()).unwrap().map(|entry| entry.unwrap().path());
    let held = held.filter(|path| path.is_dir()).collect::<Vec<_>>();
    fs::write(held[0].join("late.txt"), "late").unwrap();
    fs::write(held[0].join("twice.txt"), "old").unwrap();
    fs::write(rows.join("twice.txt"), "new").unwrap();
    for _ in 0..2 {
        set_aside(&site(keep.path()), &name(2), Aside::Current).unwrap();
    }
    staging.remove().unwrap();
    let strange = strange.to_string_lossy().into_owned();
    let others =
        ["notes.txt", "theirs", "link", "late.txt", "twice.txt", MANIFEST_FILE, strange.as_str()];
    require_published(keep.path(), 2, &publication, &others);
    assert_eq!(fs::metadata(rows.join("notes.txt")).unwrap().ino(), number);
    assert_eq!(fs::read(rows.join("theirs/part-1.parquet")).unwrap(), b"not ours");
    assert_eq!(fs::read(rows.join("twice.txt")).unwrap(), b"new");
    let kept = site(keep.path()).superseded().join(run(2).as_str()).join("foreign/twice.txt");
    assert_eq!(fs::read(kept).unwrap(), b"old");
}

#[test]
fn parts_of_a_run_that_nobody_knows_are_set_aside() {
    let keep = tempfile::tempdir().unwrap();
    published(keep.path(), 7);
    let publication = published(keep.path(), 2);
    require_published(keep.path(), 2, &publication, &[]);
    assert_eq!(superseded(&site(keep.path())).unwrap(), [run(7)]);
}

#[test]
fn the_folder_of_another_project_is_left_as_it_is() {
    let keep = tempfile::tempdir().unwrap();
    let before = published(keep.path(), 1);
    let manifest = site(keep.path()).beside.join(MANIFEST_FILE);
    fs::write(&manifest, manifest_text(1, 'b')).unwrap();
    let found = owner(&site(keep.path())).unwrap();
    assert_eq!(found, FolderOwner::Project(project('b'), run(1)));
    let (_staging, publication) = sealed(keep.path(), 2);
    let error = go_on(keep.path(), 2, &publication).unwrap_err();
    assert!(matches!(&error, PublishError::Foreign { path } if *path == manifest), "{error}");
    assert_eq!(names(&site(keep.path()).rows), before.parts.map_names());
}

#[test]
fn a_folder_that_was_deleted_is_published_again() {
    let keep = tempfile::tempdir().unwrap();
    published(keep.path(), 1);
    fs::remove_dir_all(site(keep.path()).rows).unwrap();
    let publication = published(keep.path(), 2);
    require_published(keep.path(), 2, &publication, &[]);
}

#[test]
fn what_an_earlier_version_kept_among_the_rows_is_taken_out() {
    let keep = tempfile::tempdir().unwrap();
    let rows = site(keep.path()).rows;
    fs::create_dir_all(rows.join("_quarantine")).unwrap();
    fs::write(rows.join(format!("part-{}-0000.parquet", run(1))), "rows").unwrap();
    fs::write(rows.join(format!("_quarantine/{}.parquet", run(1))), "set aside").unwrap();
    let former = format!(r#"{{"schema":"nightshift.manifest/1","run":"{}","job":"a"}}"#, run(1));
    fs::write(rows.join(MANIFEST_FILE), former).unwrap();
    assert_eq!(owner(&site(keep.path())).unwrap(), FolderOwner::Unnamed(run(1)));
    let publication = published(keep.path(), 2);
    require_published(keep.path(), 2, &publication, &[]);
    let aside = site(keep.path()).superseded().join(run(1).as_str()).join("rows");
    let part = format!("part-{}-0000.parquet", run(1));
    assert_eq!(names(&aside), ["_quarantine", MANIFEST_FILE, &part]);
}

#[test]
fn what_an_earlier_version_has_begun_to_publish_is_ended() {
    let keep = tempfile::tempdir().unwrap();
    let output = keep.path().join("scores/a");
    let folder = format!("{}-1-7", run(1));
    let stage = output.join(".nightshift/stage").join(&folder);
    fs::create_dir_all(&stage).unwrap();
    let placements: Vec<Placement> = ["_quarantine/x.parquet", "part.parquet", MANIFEST_FILE]
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let staged = stage.join(index.to_string());
            fs::write(&staged, name).unwrap();
            let sha256 = durable::sha256(&staged).unwrap();
            Placement { staged, target: output.join("tick=1").join(name), sha256 }
        })
        .collect();
    place_all(keep.path(), &placements[..1]).unwrap();
    for _ in 0..2 {
        place_all(keep.path(), &placements).unwrap();
    }
    let found = former_stages(keep.path(), &output).unwrap();
    assert_eq!(found.iter().map(|stage| stage.token).collect::<Vec<_>>(), [7]);
    remove_former(&output, &found[0]).unwrap();
    assert_eq!(names(&output), ["tick=1"]);
    assert_eq!(names(&output.join("tick=1")), ["_quarantine", MANIFEST_FILE, "part.parquet"]);
    let part = output.join("tick=1/part.parquet");
    remove_files(keep.path(), &[part.clone(), output.join("never/there")]).unwrap();
    assert!(!part.exists());
    let outside = remove_files(keep.path(), &[PathBuf::from("/etc/passwd")]).unwrap_err();
    assert!(matches!(outside, PublishError::Outside { .. }));
}

#[test]
fn links_are_not_followed() {
    let keep = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let (staging, publication) = sealed(keep.path(), 1);
    let rows = site(keep.path()).rows;
    symlink(outside.path(), &rows).unwrap();
    let error = go_on(keep.path(), 1, &publication).unwrap_err();
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
    fs::remove_file(&rows).unwrap();
    symlink(outside.path(), site(keep.path()).beside).unwrap();
    let error = go_on(keep.path(), 1, &publication).unwrap_err();
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
    assert_eq!(names(outside.path()), Vec::<String>::new());
    assert!(Staging::create(site(keep.path()), name(2)).is_ok());
    symlink("/etc/hostname", staging.folder().join("part")).unwrap();
    assert!(staging.seal().is_err());
}

#[test]
fn staging_folders_are_never_shared() {
    let keep = tempfile::tempdir().unwrap();
    let site = site(keep.path());
    let first = Staging::create(site.clone(), name(1)).unwrap();
    assert!(Staging::create(site.clone(), name(1)).is_err());
    let of_another = StagingName { project: project('b'), ..name(1) };
    let second = Staging::create(site.clone(), of_another.clone()).unwrap();
    for name in ["", ".", "..", "a/b", "/etc/passwd", ".hidden", "../x", "a/"] {
        assert!(first.path(name).is_err(), "{name}");
    }
    fs::create_dir(site.stage().join("mine")).unwrap();
    let found = || -> Vec<StagingName> {
        Staging::list(&site).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(found(), [name(1), of_another.clone()]);
    // Who writes in it keeps it.
    Staging::remove_left(&site, &of_another).unwrap();
    assert_eq!(found().len(), 2);
    drop(second);
    Staging::remove_left(&site, &of_another).unwrap();
    assert_eq!(found(), [name(1)]);
}

#[test]
fn what_a_killed_run_left_is_removed_without_following_links() {
    let keep = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("precious"), "").unwrap();
    let staging = Staging::create(site(keep.path()), name(1)).unwrap();
    let folder = staging.folder().to_owned();
    symlink(outside.path(), folder.join("link")).unwrap();
    drop(staging);
    for _ in 0..2 {
        Staging::remove_left(&site(keep.path()), &name(1)).unwrap();
    }
    assert!(!folder.exists());
    assert!(outside.path().join("precious").exists());
}
