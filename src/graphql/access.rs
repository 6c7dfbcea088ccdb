//! Access, declared once on the field: `directive = access::apply(Requires::Member)`.
//!
//! What everybody may ask who sees the object, but not with the same answer for all, is declared likewise: [`viewer_dependent`].
//!
//! The declaration shows as `@access(requires: MEMBER)` in `schema.graphql`, and [`AccessNotes`] writes it into the field's
//! description, because applied directives do not show in the playground. The check itself is the room's policy; the tests of
//! `tests/it/access` try every declared field as everybody.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::{
    Context, ContextSelectionSet, Enum, OutputType, Positioned, ServerResult, TypeDirective, Value,
    parser::types::Field,
    registry::{MetaType, Registry},
};

use super::loader::ContextExt;
use crate::base::error::Result;

/// Who may use a field that not everybody may who sees the object it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "AccessRequirement")]
pub enum Requires {
    /// Somebody signed in.
    SignedIn,
    /// The person the object belongs to.
    Owner,
    /// A member of the conversation.
    Member,
    /// A moderator or the owner of the conversation.
    Moderator,
    /// The author of the message, and the moderators and the owner of the conversation; in a direct conversation both people.
    AuthorOrModerator,
    /// An administrator who has signed in not long ago; MFA_REQUIRED asks for signing in again.
    Admin,
}

impl Requires {
    fn sentence(name: &str) -> &'static str {
        match name {
            "SIGNED_IN" => "Access: signed in.",
            "OWNER" => "Access: its owner.",
            "MEMBER" => "Access: members of the conversation.",
            "MODERATOR" => "Access: moderators and the owner of the conversation.",
            "AUTHOR_OR_MODERATOR" => {
                "Access: the author of the message, moderators and the owner of the conversation; in a direct conversation both people."
            }
            _ => "Access: administrators.",
        }
    }
}

/// Says who may use the field. Where it does not stand, whoever may see the object may use the field.
#[TypeDirective(location = "FieldDefinition", name = "access")]
pub fn access(requires: Requires) {}

/// The answer depends on who asks, though everybody may who sees the object. Subscriptions that select it are executed for each listener;
/// without it, and without what `@access` narrows, once for all who listen alike.
#[TypeDirective(location = "FieldDefinition", name = "viewerDependent")]
pub fn viewer_dependent() {}

/// Somebody signed in, or UNAUTHENTICATED: the check of root fields that say `SIGNED_IN`.
#[track_caller]
pub fn signed_in<'a>(ctx: &'a Context<'_>) -> Result<&'a crate::access::Person> {
    ctx.op().viewer.person()
}

/// Completes descriptions from what is declared: every access, and that an answer depends on who asks, is written into the description of
/// its field, and an `input` argument is
/// described as its type is. Registered last.
pub struct AccessNotes;

impl OutputType for AccessNotes {
    fn type_name() -> Cow<'static, str> {
        "Boolean".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let inputs: HashMap<String, String> = registry
            .types
            .iter()
            .filter_map(|(name, meta)| match meta {
                MetaType::InputObject { description, .. } => Some((name.clone(), description.clone()?)),
                _ => None,
            })
            .collect();
        for meta in registry.types.values_mut() {
            let MetaType::Object { fields, .. } = meta else { continue };
            for field in fields.values_mut() {
                if let Some(input) = field.args.get_mut("input").filter(|input| input.description.is_none()) {
                    input.description = inputs.get(input.ty.trim_end_matches('!')).cloned();
                }
                let declared = |name: &str| field.directive_invocations.iter().find(|declared| declared.name == name);
                let requires = declared("access").and_then(|declared| declared.args.get("requires"));
                let narrowed = requires.map(|requires| Requires::sentence(&requires.to_string()));
                let depends = declared("viewerDependent").map(|_| "Depends on who asks.");
                for sentence in [narrowed, depends].into_iter().flatten() {
                    let description = field.description.take().unwrap_or_default();
                    field.description = Some(format!("{description}\n\n{sentence}").trim_start().to_owned());
                }
            }
        }
        "Boolean".into()
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}
