//! What hangs on conversations, loaded for whole lists: one statement an edge, whatever the number of conversations.

use entity::{
    conversation::Kind,
    conversation_member::Role,
    ids::{ConversationId, UserId},
};
use futures_util::{FutureExt, future::BoxFuture};

use super::Conversation;
use crate::{
    domains::{
        conversations::{
            graphql::{ConversationMember, Message, enums::ConversationRole, message::list_each},
            store::{self, Joining, Of, Which},
        },
        users::{self, graphql::User},
    },
    graphql::{
        loader::Rows,
        page::{Page, PageArgs, Scope},
        prefetch::{self, Edges, Selected, to_one},
    },
};

impl Edges for Conversation {
    fn prefetch<'a>(conversations: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        async move {
            let me = rows.0.viewer.one();
            let mine = |conversation: &Self| conversation.is_member().then(|| conversation.key());
            let load = async |ids: Vec<ConversationId>| {
                let found = store::last_messages(rows.0.read(), &ids).await?;
                Ok(found.into_iter().map(|(id, row)| (id, Message::new(row))).collect())
            };
            let slot = |conversation: &'a Self| &conversation.0.last_message;
            to_one(conversations, selected.field("lastMessage"), rows, mine, slot, load).await;
            let load = async |ids: Vec<UserId>| User::load_many(rows, ids).await;
            let slot = |conversation: &'a Self| &conversation.0.other_user;
            to_one(conversations, selected.field("otherUser"), rows, |it| it.other(me), slot, load).await;
            let owned =
                |conversation: &Self| (conversation.0.seen.row.kind != Kind::Direct).then(|| conversation.key());
            let load = async |ids: Vec<ConversationId>| {
                let owners = store::first_owners(rows.0.read(), &ids).await?;
                let people = User::load_many(rows, owners.values().copied().collect()).await?;
                Ok(owners.into_iter().filter_map(|(id, owner)| Some((id, people.get(&owner)?.clone()))).collect())
            };
            let slot = |conversation: &'a Self| &conversation.0.owner;
            to_one(conversations, selected.field("owner"), rows, owned, slot, load).await;
            Self::prefetch_blocks(conversations, selected, rows).await;
            Self::prefetch_members(conversations, selected, rows).await;
            Self::prefetch_messages(conversations, selected, rows).await;
        }
        .boxed()
    }
}

impl Conversation {
    async fn prefetch_blocks(conversations: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        if !selected.has("isBlocked") {
            return;
        }
        let Some(me) = rows.0.viewer.id() else { return };
        let others: Vec<UserId> =
            conversations.iter().filter_map(|conversation| conversation.other(Some(me))).collect();
        let blocks = match others.is_empty() {
            true => Ok(Vec::new()),
            false => users::blocked_between(rows.0.read(), me, &others).await,
        };
        match blocks {
            Ok(blocks) => {
                for conversation in conversations {
                    let is_with =
                        |other| blocks.iter().any(|block| block.blocker_id == other || block.blocked_id == other);
                    let _ = conversation.0.is_blocked.set(conversation.other(Some(me)).is_some_and(is_with));
                }
            }
            Err(error) => tracing::debug!(?error, "a prefetch failed; the loader will say so"),
        }
    }

    async fn prefetch_members(conversations: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        let mine: Vec<&Self> = conversations.iter().copied().filter(|conversation| conversation.is_member()).collect();
        let ids: Vec<ConversationId> = mine.iter().map(|conversation| conversation.key()).collect();
        for (arguments, asked) in selected.uses("members") {
            let (Some(args), Some(role)) =
                (PageArgs::ahead(&arguments), arguments.get::<Option<ConversationRole>>("role"))
            else {
                continue;
            };
            if ids.is_empty() || args.after.is_some() || args.before.is_some() {
                continue;
            }
            let role = role.map(Role::from);
            if let Some(role) = role.filter(|_| asked.has("totalCount"))
                && let Ok(totals) = store::member_counts(rows.0.read(), &ids, role).await
            {
                for conversation in &mine {
                    let total = totals.get(&conversation.key()).copied().unwrap_or_default();
                    conversation.0.member_totals.put(role, total).await;
                }
            }
            let Ok(window) = args.window::<Joining>(rows.0.config.limits.long_page, &Scope::new("members", ())) else {
                continue;
            };
            match store::members_of_each(rows.0.read(), &ids, role, &window).await {
                Ok(mut found) => {
                    let page =
                        |id| found.remove(id).unwrap_or_default().into_iter().map(ConversationMember::new).collect();
                    let pages: Vec<Page<ConversationMember>> =
                        ids.iter().map(page).map(|rows| window.page(rows)).collect();
                    let all: Vec<&ConversationMember> = pages.iter().flat_map(|page| &page.rows).collect();
                    prefetch::prefetch(&all, &asked.nodes(), rows).await;
                    for (conversation, page) in mine.iter().zip(pages) {
                        conversation.0.members.put((role, args.clone()), page).await;
                    }
                }
                Err(error) => tracing::debug!(?error, "a prefetch failed; the field will say so"),
            }
        }
    }

    async fn prefetch_messages(conversations: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        let mine: Vec<&Self> = conversations.iter().copied().filter(|conversation| conversation.is_member()).collect();
        let lists: Vec<Of> = mine.iter().map(|conversation| Of::Conversation(conversation.key())).collect();
        for (arguments, asked) in selected.uses("messages") {
            let Some(args) = PageArgs::ahead(&arguments) else { continue };
            let flag = |name| arguments.get::<Option<bool>>(name).flatten().unwrap_or_default();
            let which = Which { with_replies: flag("includeThreads"), pinned_only: flag("pinnedOnly") };
            let args = args.or_last(rows.0.config.limits.long_page.default);
            if lists.is_empty() || args.after.is_some() || args.before.is_some() {
                continue;
            }
            if asked.has("totalCount") && which != (Which { with_replies: true, pinned_only: false }) {
                let ids: Vec<ConversationId> = mine.iter().map(|conversation| conversation.key()).collect();
                if let Ok(totals) = store::message_counts(rows.0.read(), &ids, which).await {
                    for conversation in &mine {
                        let total = totals.get(&conversation.key()).copied().unwrap_or_default();
                        conversation.0.message_totals.put(which, total).await;
                    }
                }
            }
            match list_each(rows, &lists, which, &args, &asked).await {
                Ok(mut found) => {
                    for (conversation, of) in mine.iter().zip(&lists) {
                        if let Some(listed) = found.remove(of) {
                            conversation.0.messages.put((which, args.clone()), listed).await;
                        }
                    }
                }
                Err(error) => tracing::debug!(?error, "a prefetch failed; the field will say so"),
            }
        }
    }
}
