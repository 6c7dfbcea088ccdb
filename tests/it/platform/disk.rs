//! A disk that is full: writes are refused while it is, and nothing that was answered as done is lost afterwards.

use polyphony::base::error::Error;
use sea_orm::ConnectionTrait;

once! {
    /// SQLite takes the transaction back by itself when the disk is full. The library counts it as open and would put every later
    /// write inside it, answered and never committed.
    async fn nothing_is_lost_after_the_disk_was_full(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PUBLIC").await;
        let platform = world.platform();
        let limit = async |pages: u32| {
            platform.write(async |tx| Ok(tx.execute_unprepared(&format!("PRAGMA max_page_count = {pages}")).await?)).await.unwrap();
        };
        // Less than there is means as much as there is.
        limit(1).await;
        let mut sent = Vec::new();
        let refused = loop {
            let number = sent.len();
            assert!(number < 500, "the disk never became full");
            let text = format!("{number} {}", "la ".repeat(600));
            let answer = alice.try_send(&room, &text).await;
            if answer.code().is_some() {
                break answer;
            }
            sent.push(text.trim().to_owned());
        };
        refused.expect_code("SERVICE_UNAVAILABLE");
        limit(1_000_000).await;
        // One more that comes to nothing: it would leave the library's transaction behind.
        assert!(platform.write(async |_| Err::<(), _>(Error::rule("no"))).await.is_err());
        for text in ["after", "the", "flood"] {
            alice.send(&room, text).await;
            sent.push(text.to_owned());
        }
        let listed = "query($id: ID!) { conversation(id: $id) { messages(last: 3) { totalCount nodes { content } } } }";
        let listed = alice.ask(listed, serde_json::json!({ "id": room })).await;
        assert_eq!(listed.list("conversation.messages.nodes", "content"), ["after", "the", "flood"]);
        assert_eq!(listed.number("conversation.messages.totalCount"), i64::try_from(sent.len()).unwrap());
    }
}
