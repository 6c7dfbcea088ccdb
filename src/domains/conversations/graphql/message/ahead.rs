//! What hangs on messages, loaded for whole lists: one statement an edge, whatever the number of messages.

use std::collections::HashMap;

use entity::ids::{ConversationId, MessageEditId, MessageId, UserId};
use futures_util::{FutureExt, future::BoxFuture};
use serde::de::DeserializeOwned;

use super::{Listed, Message};
use crate::{
    base::error::Result,
    config::limits::PageLimits,
    domains::{
        conversations::{
            graphql::{
                Conversation,
                parts::{MessageEdit, MessageReceipt},
                reaction::ReactionGroup,
            },
            model::mentions_of,
            store::{self, Joining, Of, Which},
        },
        users::graphql::User,
    },
    graphql::{
        loader::Rows,
        page::{Page, PageArgs, Scope, Window},
        prefetch::{self, Edges, Selected, to_one, to_value},
    },
};

impl Edges for Message {
    fn prefetch<'a>(messages: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        async move {
            let id = |message: &Self| message.0.row.id;
            let sender = |message: &Self| message.0.row.sender_id;
            let load = async |ids: Vec<UserId>| User::load_many(rows, ids).await;
            to_one(messages, selected.field("sender"), rows, sender, |message| &message.0.sender, load).await;
            let replied = |message: &Self| message.0.row.reply_to_id;
            let load = async |ids: Vec<MessageId>| Self::load_many(rows, ids).await;
            to_one(messages, selected.field("replyTo"), rows, replied, |message| &message.0.reply_to, load).await;
            let place = |message: &Self| Some(message.0.row.conversation_id);
            let load = async |ids: Vec<ConversationId>| Conversation::load_many(rows, ids).await;
            to_one(messages, selected.field("conversation"), rows, place, |message| &message.0.conversation, load)
                .await;
            let counts_receipts = || selected.uses("receipts").iter().any(|(_, asked)| asked.has("totalCount"));
            let counts = selected.has("readCount") || selected.has("deliveredCount") || counts_receipts();
            let load = async |ids: Vec<MessageId>| store::reach_of(rows.0.read(), &ids).await;
            to_value(messages, counts, id, |message| &message.0.reach, load).await;
            Self::prefetch_receipts(messages, selected, rows).await;
            Self::prefetch_edits(messages, selected, rows).await;
            Self::prefetch_reactions(messages, selected, rows).await;
            Self::prefetch_mentions(messages, selected, rows).await;
            Self::prefetch_replies(messages, selected, rows).await;
        }
        .boxed()
    }
}

impl Message {
    async fn prefetch_reactions(messages: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        let is_asked = selected.has("reactions") || selected.has("reactionCount");
        let load = async |ids: Vec<MessageId>| {
            let found = store::emoji_of(rows.0.read(), &rows.0.viewer, &ids).await?;
            Ok(found.into_iter().map(|(id, all)| (id, all.into_iter().map(ReactionGroup::new).collect())).collect())
        };
        let id = |message: &Self| message.0.row.id;
        to_value(messages, is_asked, id, |message| &message.0.reactions, load).await;
        if let Some(asked) = selected.field("reactions") {
            let groups: Vec<&ReactionGroup> =
                messages.iter().filter_map(|message| message.0.reactions.get()).flatten().collect();
            prefetch::prefetch(&groups, &asked, rows).await;
        }
    }

    async fn prefetch_mentions(messages: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        if !selected.has("mentions") {
            return;
        }
        let named: Vec<(&Self, Vec<UserId>)> =
            messages.iter().map(|message| (*message, mentions_of(&message.0.row))).collect();
        let mut ids: Vec<UserId> = named.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        let people = if ids.is_empty() { Ok(HashMap::new()) } else { User::load_many(rows, ids).await };
        match people {
            Ok(people) => {
                for (message, ids) in named {
                    let _ = message.0.mentions.set(ids.iter().filter_map(|id| people.get(id).cloned()).collect());
                }
            }
            Err(error) => tracing::debug!(?error, "a prefetch failed; the loader will say so"),
        }
    }

    async fn prefetch_receipts(messages: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        for (arguments, asked) in selected.uses("receipts") {
            let Some(args) = PageArgs::ahead(&arguments) else { continue };
            let Some(window) = first_page::<Joining>(&args, rows.0.config.limits.long_page) else { continue };
            match receipts_each(messages, &window, &asked, rows).await {
                Ok(pages) => {
                    for (message, page) in messages.iter().zip(pages) {
                        message.0.receipts.put(args.clone(), page).await;
                    }
                }
                Err(error) => tracing::debug!(?error, "a prefetch failed; the field will say so"),
            }
        }
    }

    async fn prefetch_edits(messages: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        for (arguments, asked) in selected.uses("edits") {
            let Some(args) = PageArgs::ahead(&arguments) else { continue };
            let Some(window) = first_page::<MessageEditId>(&args, rows.0.config.limits.page) else { continue };
            match edits_each(messages, &window, &asked, rows).await {
                Ok(pages) => {
                    for (message, page) in messages.iter().zip(pages) {
                        message.0.edits.put(args.clone(), page).await;
                    }
                }
                Err(error) => tracing::debug!(?error, "a prefetch failed; the field will say so"),
            }
        }
    }

    async fn prefetch_replies(messages: &[&Self], selected: &Selected<'_>, rows: &Rows) {
        let totals = selected.uses("replies").iter().any(|(_, asked)| asked.has("totalCount"));
        let load = async |ids: Vec<MessageId>| store::reply_counts(rows.0.read(), &ids).await;
        to_value(messages, totals, |message| message.0.row.id, |message| &message.0.reply_total, load).await;
        for (arguments, asked) in selected.uses("replies") {
            let Some(args) = PageArgs::ahead(&arguments) else { continue };
            let args = args.or_last(rows.0.config.limits.long_page.default);
            if args.after.is_some() || args.before.is_some() {
                continue;
            }
            let lists: Vec<Of> = messages.iter().map(|message| Of::Message(message.0.row.id)).collect();
            match Box::pin(list_each(rows, &lists, Which::default(), &args, &asked)).await {
                Ok(mut found) => {
                    for message in messages {
                        if let Some(listed) = found.remove(&Of::Message(message.0.row.id)) {
                            message.0.replies.put(args.clone(), listed).await;
                        }
                    }
                }
                Err(error) => tracing::debug!(?error, "a prefetch failed; the field will say so"),
            }
        }
    }
}

/// The page asked for, if it can be the same for many lists: a cursor is of one list.
fn first_page<K: DeserializeOwned>(args: &PageArgs, limits: PageLimits) -> Option<Window<K>> {
    if args.after.is_some() || args.before.is_some() {
        return None;
    }
    args.window(limits, &Scope::new("ahead", ())).ok()
}

/// The same page of receipts of several messages at once, with what is asked of them.
pub(super) async fn receipts_each(
    messages: &[&Message],
    window: &Window<Joining>,
    asked: &Selected<'_>,
    rows: &Rows,
) -> Result<Vec<Page<MessageReceipt>>> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.0.row.id).collect();
    let mut found = store::receipts_of_each(rows.0.read(), &ids, window).await?;
    let page = |id| window.page(found.remove(id).unwrap_or_default().into_iter().map(MessageReceipt::new).collect());
    let pages: Vec<Page<MessageReceipt>> = ids.iter().map(page).collect();
    let all: Vec<&MessageReceipt> = pages.iter().flat_map(|page| &page.rows).collect();
    prefetch::prefetch(&all, &asked.nodes(), rows).await;
    Ok(pages)
}

/// The same page of earlier texts of several messages at once, with what is asked of them.
pub(super) async fn edits_each(
    messages: &[&Message],
    window: &Window<MessageEditId>,
    asked: &Selected<'_>,
    rows: &Rows,
) -> Result<Vec<Page<MessageEdit>>> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.0.row.id).collect();
    let mut found = store::edits_of_each(rows.0.read(), &ids, window).await?;
    let page = |id| window.page(found.remove(id).unwrap_or_default().into_iter().map(MessageEdit::new).collect());
    let pages: Vec<Page<MessageEdit>> = ids.iter().map(page).collect();
    let all: Vec<&MessageEdit> = pages.iter().flat_map(|page| &page.rows).collect();
    prefetch::prefetch(&all, &asked.nodes(), rows).await;
    Ok(pages)
}

/// Loads the same first page of several lists at once, with what is asked of the messages. Pages with cursors are one list's own.
pub(in super::super) async fn list_each(
    rows: &Rows,
    lists: &[Of],
    which: Which,
    args: &PageArgs,
    asked: &Selected<'_>,
) -> Result<HashMap<Of, Listed>> {
    let scope = Scope::new("messages", ());
    let window = args.window(rows.0.config.limits.long_page, &scope)?;
    let event_cursor = rows.0.platform.events.head().to_string();
    let mut found = store::messages_of_each(rows.0.read(), lists, which, &window).await?;
    let page = |of: &Of| window.page(found.remove(of).unwrap_or_default().into_iter().map(Message::new).collect());
    let pages: Vec<(Of, Page<Message>)> = lists.iter().copied().zip(lists.iter().map(page)).collect();
    let all: Vec<&Message> = pages.iter().flat_map(|(_, page)| &page.rows).collect();
    prefetch::prefetch(&all, &asked.nodes(), rows).await;
    Ok(pages.into_iter().map(|(of, page)| (of, Listed { page, event_cursor: event_cursor.clone() })).collect())
}
