//! A refusal takes away what was refused and no more: whoever asks for several things gets the others.

use serde_json::Value;

use super::introspect;

once! {
    /// A field that declares its access may be null, or its refusal would blank the object around it; and so may every root field, for
    /// a malformed cursor is refused there, too. The fields of a mutation are
    /// exempt: they give the changed object or an error, never nothing. Those of a subscription too: a refusal ends the stream.
    async fn what_can_be_refused_can_be_null(world) {
        let mut strict = Vec::new();
        for kind in introspect(world).await {
            let name = kind["name"].as_str().unwrap_or_default();
            if ["Mutation", "Subscription"].contains(&name) {
                continue;
            }
            for field in kind["fields"].as_array().into_iter().flatten() {
                let declares = field["description"].as_str().is_some_and(|text| text.contains("Access:"));
                if (declares || name == "Query") && field["type"]["kind"] == "NON_NULL" {
                    strict.push(format!("{name}.{}", field["name"].as_str().unwrap_or_default()));
                }
            }
        }
        assert!(strict.is_empty(), "make these nullable: {strict:#?}");
    }

    /// The same seen from outside.
    async fn a_refusal_leaves_the_rest(world) {
        let alice = world.person("alice").await;
        let query = "{
            me { username }
            adminJobs { totalCount }
            users(first: 1) { nodes { username email } }
        }";
        let answer = alice.ask(query, Value::Null).await;
        let denied = "{ conversations { totalCount } roles { totalCount } users { nodes { username email } } }";
        let nobody = world.anonymous().ask(denied, Value::Null).await;
        assert_eq!(answer.body["data"]["me"]["username"], "alice", "{answer}");
        assert!(answer.body["data"]["adminJobs"].is_null(), "{answer}");
        assert_eq!(answer.body["errors"][0]["path"], serde_json::json!(["adminJobs"]), "{answer}");
        assert_eq!(nobody.body["data"]["users"]["nodes"][0]["username"], "alice", "{nobody}");
        assert!(nobody.body["data"]["users"]["nodes"][0]["email"].is_null(), "{nobody}");
        assert_eq!(nobody.body["errors"].as_array().map(Vec::len), Some(3), "{nobody}");
    }
}
