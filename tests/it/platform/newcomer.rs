//! What the program says to somebody who starts it for the first time and gets something wrong: what it is and what to set, in one
//! line.

use std::path::Path;

use crate::house::{Program, free_port, within};

struct Case {
    what: &'static str,
    arguments: &'static [&'static str],
    settings: Vec<(&'static str, String)>,
    /// What the complaint names.
    named: &'static [&'static str],
}

fn cases(folder: &Path) -> Vec<Case> {
    let case = |what, arguments, settings: &[(&'static str, &str)], named| Case {
        what,
        arguments,
        settings: settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        named,
    };
    let nobody = format!("postgres://me:hunter2@127.0.0.1:{}/polyphony", free_port());
    let (file, text) = (folder.join("a-file"), folder.join("text.db"));
    std::fs::write(&file, "").unwrap();
    std::fs::write(&text, "This is no database, and far too long a text to be taken for an empty one.".repeat(50))
        .unwrap();
    let keyed = folder.join("keyed");
    std::fs::create_dir(&keyed).unwrap();
    std::fs::write(keyed.join("vault.key"), "short").unwrap();
    let mailless = folder.join("mailless");
    std::fs::create_dir(&mailless).unwrap();
    std::fs::write(mailless.join("mail"), "a file where the mailbox should be").unwrap();
    let path = |path: &Path| path.display().to_string();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // Kept for as long as the tests run.
    std::mem::forget(taken);
    vec![
        case(
            "no migrations",
            &[],
            &[("MIGRATE_ON_START", "false")],
            &["polyphony migrate up", "MIGRATE_ON_START=true"],
        ),
        case("grant before the first start", &["grant", "me", "ADMIN"], &[], &["polyphony migrate up"]),
        case("doctor where nobody migrates", &["doctor"], &[("MIGRATE_ON_START", "false")], &["polyphony migrate up"]),
        case("a log folder that cannot be made", &[], &[("LOG_DIR", &path(&file))], &["a-file", "LOG_DIR"]),
        case(
            "doctor without a mailbox",
            &["doctor"],
            &[("DATA_DIR", &path(&mailless))],
            &["mail: cannot use", "DATA_DIR"],
        ),
        case("a port that is no number", &[], &[("PORT", "http")], &["PORT", "0 to 65535", "http"]),
        case("a port that is too large", &[], &[("PORT", "99999")], &["PORT", "0 to 65535", "99999"]),
        case("a port that is taken", &[], &[("PORT", &port)], &["cannot listen", "HOST and PORT"]),
        case("a folder that is a file", &[], &[("DATA_DIR", &path(&file))], &["a-file", "DATA_DIR"]),
        case("a folder that cannot be made", &[], &[("DATA_DIR", "/proc/nowhere")], &["/proc/nowhere", "DATA_DIR"]),
        case(
            "a database that is none",
            &[],
            &[("DATABASE_URL", &format!("sqlite://{}", path(&text)))],
            &["text.db", "DATABASE_URL"],
        ),
        case("a broken key", &[], &[("DATA_DIR", &path(&keyed))], &["vault.key", "64 hexadecimal"]),
        case(
            "a database of another make",
            &[],
            &[("DATABASE_URL", "mysql://localhost/polyphony")],
            &["DATABASE_URL", "postgres://"],
        ),
        case("no PostgreSQL", &[], &[("DATABASE_URL", &nobody)], &["me:***@127.0.0.1", "refused", "DATABASE_URL"]),
        case(
            "no PostgreSQL, doctor",
            &["doctor"],
            &[("DATABASE_URL", &nobody)],
            &["FAIL  database", "refused", "DATABASE_URL"],
        ),
        case("a log level that is none", &[], &[("LOG_LEVEL", "verbose")], &["LOG_LEVEL", "debug", "verbose"]),
        case("a flag that is none", &[], &[("DEMO_DATA", "maybe")], &["DEMO_DATA", "true or false"]),
        case("an environment that is none", &[], &[("APP_ENV", "prod")], &["APP_ENV", "production"]),
        case("too many steps back", &["migrate", "down", "99"], &[], &["0 applied", "99"]),
        case(
            "an origin list with a star",
            &[],
            &[("ALLOWED_ORIGINS", "https://a.example,*")],
            &["ALLOWED_ORIGINS", "*"],
        ),
        case(
            "a misspelt setting, doctor",
            &["doctor"],
            &[("DATABASE_URI", "postgres://localhost/polyphony")],
            &["FAIL  settings", "did you mean DATABASE_URL?"],
        ),
        case(
            "a misspelt setting, elsewhere",
            &[],
            &[("APP_ENV", "staging"), ("VAULT_KEYS", &"0123456789abcdef".repeat(4)), ("SMTP-URL", "smtp://mail")],
            &["SMTP-URL: there is no such setting; did you mean SMTP_URL?"],
        ),
        case("a sender that is none", &[], &[("MAIL_FROM", "nobody")], &["MAIL_FROM"]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_complaint_says_what_is_wrong_and_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    for case in cases(folder.path()) {
        let home = tempfile::tempdir().unwrap();
        let settings: Vec<(&str, &str)> = case.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (success, said) = Program::run(home.path(), case.arguments, &settings).await;
        let what = case.what;
        assert!(!success, "{what}: it went well\n{said}");
        for name in case.named {
            assert!(said.contains(name), "{what}: {name:?} is not in\n{said}");
        }
        assert!(!said.contains("hunter2"), "{what}: a password is shown\n{said}");
        assert!(!said.contains("panicked") && !said.contains(" at src/"), "{what}\n{said}");
        // The doctor says all it found; everybody else one line, below the one that says it is about the settings.
        let lines = said.lines().filter(|line| !line.starts_with("The settings are not right")).count();
        assert!(lines == 1 || case.arguments == ["doctor"], "{what}: {lines} lines\n{said}");
    }
}

/// On a laptop a setting that goes unheard is told, and stops nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misspelt_setting_is_told() {
    let home = tempfile::tempdir().unwrap();
    let (success, said) = Program::run(home.path(), &["config"], &[("REDIS_URI", "redis://:hunter2@cache")]).await;
    assert!(success && said.contains("REDIS_URI: there is no such setting; did you mean REDIS_URL?"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

/// An environment may hold anything; what is no text is told where it is a setting's, and nobody's business elsewhere.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_may_hold_what_is_no_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let home = tempfile::tempdir().unwrap();
    let config = async |name: &[u8]| {
        let (name, value) = (OsStr::from_bytes(name), OsStr::from_bytes(b"/caf\xe9"));
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_polyphony"));
        let ended = command.arg("config").env_clear().env(name, value).current_dir(home.path()).output();
        let output = within("the program to end", ended).await.unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for others in [&b"OLDPWD"[..], b"CAF\xc9"] {
        assert_eq!(config(others).await, (true, String::new()));
    }
    assert_eq!(
        config(b"DATA_DIR").await,
        (false, "The settings are not right:\nDATA_DIR: takes UTF-8 text\n".to_owned())
    );
}

/// Who reads a command's output may have heard enough, as `head` does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_pipe_is_no_fault() {
    let home = tempfile::tempdir().unwrap();
    let mut child = Program::spawn(home.path(), &["schema"], &[]);
    drop(child.stdout.take());
    let output = within("the program to end", child.wait_with_output()).await.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The doctor of a laptop that has never started finds nothing wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_of_a_fresh_folder_finds_nothing_wrong() {
    let home = tempfile::tempdir().unwrap();
    let (success, said) = Program::run(home.path(), &["doctor"], &[]).await;
    assert!(success && said.contains("the next start applies"), "{said}");
    drop(Program::serve(home.path(), &[]).await);
    let (success, said) = Program::run(home.path(), &["doctor"], &[]).await;
    assert!(success && said.contains("schema up to date"), "{said}");
}
