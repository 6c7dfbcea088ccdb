//! A mail server that refuses: tried again, and nobody reads in the log or among the jobs whom the mail was for.

use std::sync::Arc;

use entity::job;
use polyphony::config::mail::Transport;
use sea_orm::EntityTrait;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::house::spawn;

/// Speaks SMTP as Postfix does and takes no recipient, naming each.
async fn refuse(stream: TcpStream) -> std::io::Result<()> {
    let mut line = BufReader::new(stream);
    line.write_all(b"220 mx.example.org ESMTP\r\n").await?;
    let mut said = String::new();
    while line.read_line(&mut said).await? > 0 {
        let answer = match said.split([' ', ':']).next().unwrap_or_default().trim().to_ascii_uppercase().as_str() {
            "EHLO" => "250-mx.example.org\r\n250 8BITMIME\r\n".to_owned(),
            "RCPT" => {
                let (_, to) = said.trim().split_once('<').unwrap();
                let name = to.split('@').next().unwrap();
                format!(
                    "550-5.1.1 <{to}: Recipient address rejected: User unknown\r\n550 5.1.1 {} is nobody here\r\n",
                    name.to_uppercase()
                )
            }
            "QUIT" => "221 2.0.0 Bye\r\n".to_owned(),
            _ => "250 2.1.0 Ok\r\n".to_owned(),
        };
        line.write_all(answer.as_bytes()).await?;
        said.clear();
    }
    Ok(())
}

both! {
    /// What the server answers is kept for the operator, and the recipient is not. The log gets the same text.
    async fn a_refusal_is_kept_without_its_recipient(world) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let serving = spawn(async move { while let Ok((stream, _)) = listener.accept().await { spawn(refuse(stream)); } });
        let posting = world.instance(|config| config.mail.transport = Transport::Smtp(url)).await;
        let person = world.person("wilhelmina").await;
        polyphony::worker::run_until_idle(&Arc::new(posting.op())).await.unwrap();
        let jobs = job::Entity::find().all(&posting.platform.database.read()).await.unwrap();
        let failed: Vec<_> = jobs.iter().filter_map(|job| job.last_error.clone()).collect();
        assert_eq!(failed.len(), 1, "{jobs:#?}");
        assert!(failed[0].contains("550") && failed[0].contains("is nobody here"), "{failed:?}");
        assert!(!failed[0].to_lowercase().contains(&person.username) && !failed[0].contains('@'), "{failed:?}");
        serving.abort();
        // The first server, whose mail goes into a folder, sends it in the end.
        world.advance(chrono::TimeDelta::minutes(1));
        assert_eq!(world.mails_to(&person.email).await.len(), 1);
    }
}
