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

/// With LOG_DIR the log goes into a file a day, in a folder for the server's user only, as JSON where JSON is asked for.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_goes_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("LOG_DIR", "logs"), ("LOG_FORMAT", "json"), ("LOG_LEVEL", "info")];
    let program = Program::serve(folder.path(), &settings).await;
    program.sign_in("alice").await;
    let logs = folder.path().join("logs");
    assert_eq!(mode(&logs), 0o700);
    let files: Vec<_> = std::fs::read_dir(&logs).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let lines = std::fs::read_to_string(&files[0]).unwrap();
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let request =
        lines.iter().find(|line| line["target"] == "polyphony::request" && line["fields"]["kind"] == "mutation");
    assert!(request.is_some_and(|line| line["fields"]["request_id"].is_string()), "{lines:?}");
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
