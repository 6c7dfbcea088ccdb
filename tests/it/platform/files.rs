//! What lies on the disk: who may read it, and that what was deleted is gone.

use std::path::Path;

use sea_orm::ConnectionTrait;

use crate::house::{Program, World};

/// The rights of a file or folder.
#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Database, key and folder are for the user of the server only.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(folder.path(), &[]).await;
    program.sign_in("alice").await;
    let data = folder.path().join("data");
    assert_eq!(mode(&data), 0o700);
    let mut names = Vec::new();
    for file in std::fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for name in ["polyphony.db", "polyphony.db-wal", "vault.key"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name.ends_with(".draft")), "{names:?}");
}

fn holds(world: &World, needle: &str) -> bool {
    let path = world.database_file();
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

once! {
    /// A deleted text cannot be read out of the database file.
    async fn what_was_deleted_is_overwritten(world) {
        let platform = world.platform();
        let needle = "the-combination-is-7-21-42";
        let run = async |sql: String| platform.write(async |tx| Ok(tx.execute_unprepared(&sql).await?)).await.unwrap();
        let checkpoint = async || {
            let direct = sea_orm::Database::connect(format!("sqlite://{}", world.database_file().display())).await.unwrap();
            direct.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
            direct.close().await.unwrap();
        };
        run(format!("INSERT INTO milestones (name, reached_at) VALUES ('{needle}', '2026-11-21T09:00:00Z')")).await;
        checkpoint().await;
        assert!(holds(world, needle));
        run(format!("DELETE FROM milestones WHERE name = '{needle}'")).await;
        checkpoint().await;
        assert!(!holds(world, needle));
    }
}
