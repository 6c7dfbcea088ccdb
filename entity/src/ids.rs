//! Typed ids: a UUIDv7 inside, a TypeID outside (`user_01h455vb4pex5vsknk084sn02q`).
//!
//! The text form follows the TypeID specification, version 0.3: a prefix naming the kind, an underscore, and the 128 bits in
//! 26 characters of Crockford's base 32 (lower case, most significant first, so that the text sorts as the UUID does).

use std::fmt;

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters after the prefix: 130 bits for 128, so the first is never above `7`.
const SUFFIX: usize = 26;

/// Why a text is not an id of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not a TypeID at all.
    Malformed {
        /// The kind that was expected, as its prefix.
        expected: &'static str,
    },
    /// A TypeID of another kind.
    WrongKind {
        /// The kind that was expected, as its prefix.
        expected: &'static str,
        /// The prefix that was found; at most 63 characters of `a-z_`.
        found: String,
    },
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { expected } => {
                write!(f, "expected the id of a {expected} ({expected}_… and 26 characters)")
            }
            Self::WrongKind { expected, found } => {
                write!(f, "expected the id of a {expected} ({expected}_…), this is the id of a {found}")
            }
        }
    }
}

impl std::error::Error for IdError {}

/// Splits a TypeID into its prefix and UUID; `None` when it is not one.
pub fn parse(text: &str) -> Option<(&str, Uuid)> {
    let (prefix, suffix) = text.rsplit_once('_')?;
    let well_formed =
        !prefix.is_empty() && prefix.len() <= 63 && prefix.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    Some((prefix, decode(suffix)?)).filter(|_| well_formed)
}

/// Writes `prefix_suffix`.
pub fn write(f: &mut fmt::Formatter<'_>, prefix: &str, id: Uuid) -> fmt::Result {
    let mut rest = id.as_u128();
    let mut suffix = [b'0'; SUFFIX];
    for place in suffix.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(prefix)?;
    f.write_str("_")?;
    f.write_str(str::from_utf8(&suffix).map_err(|_| fmt::Error)?)
}

fn decode(suffix: &str) -> Option<Uuid> {
    let bytes = suffix.as_bytes();
    if bytes.len() != SUFFIX || bytes.first().is_none_or(|first| *first > b'7') {
        return None;
    }
    bytes
        .iter()
        .try_fold(0u128, |sum, byte| Some((sum << 5) | ALPHABET.iter().position(|letter| letter == byte)? as u128))
        .map(Uuid::from_u128)
}

/// What every typed id can do.
pub trait TypedId: Copy + Eq + Ord + std::hash::Hash + fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The kind, as it stands before the underscore.
    const PREFIX: &'static str;
    /// Wraps a UUID.
    fn from_uuid(id: Uuid) -> Self;
    /// The UUID inside.
    fn uuid(self) -> Uuid;
    /// Reads the text form; says which kind was expected when it is another.
    fn parse(text: &str) -> Result<Self, IdError> {
        match parse(text) {
            Some((prefix, id)) if prefix == Self::PREFIX => Ok(Self::from_uuid(id)),
            Some((prefix, _)) => Err(IdError::WrongKind { expected: Self::PREFIX, found: prefix.to_owned() }),
            None => Err(IdError::Malformed { expected: Self::PREFIX }),
        }
    }
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::DeriveValueType)]
        pub struct $name(pub Uuid);

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(id: Uuid) -> Self { Self(id) }
            fn uuid(self) -> Uuid { self.0 }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write(f, $prefix, self.0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                <Self as TypedId>::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

typed_ids! {
    /// A person.
    UserId = "user";
    /// One sign-in of a person on a device.
    SessionId = "session";
    /// One refresh token; never leaves the server in this form.
    RefreshTokenId = "refresh_token";
    /// A pending proof, such as a mailed link.
    VerificationRequestId = "verification";
    /// A key that signs access tokens; the `kid` of a token.
    SigningKeyId = "key";
    /// A role that can be granted.
    RoleId = "role";
    /// Something a role allows.
    PermissionId = "permission";
    /// A role granted to a person.
    UserRoleId = "grant";
    /// A room, direct conversation or assistant chat.
    ConversationId = "conversation";
    /// A message of a conversation.
    MessageId = "message";
    /// An earlier text of a message.
    MessageEditId = "edit";
    /// An event of the log.
    EventId = "event";
    /// A background job.
    JobId = "job";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_follows_the_specification() {
        // From the specification's table of valid examples.
        let uuid: Uuid = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(UserId(uuid).to_string(), "user_01h455vb4pex5vsknk084sn02q");
        assert_eq!(UserId::parse("user_01h455vb4pex5vsknk084sn02q"), Ok(UserId(uuid)));
        assert_eq!(UserId(Uuid::nil()).to_string(), "user_00000000000000000000000000");
        assert_eq!(UserId(Uuid::max()).to_string(), "user_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    #[test]
    fn another_kind_is_named() {
        let error = UserId::parse("message_01h455vb4pex5vsknk084sn02q").unwrap_err();
        assert_eq!(error, IdError::WrongKind { expected: "user", found: "message".into() });
    }

    #[test]
    fn what_is_not_a_typeid_is_refused() {
        for text in [
            "",
            "user",
            "user_",
            "_01h455vb4pex5vsknk084sn02q",
            "user_81h455vb4pex5vsknk084sn02q",
            "user_01H455VB4PEX5VSKNK084SN02Q",
            "user_01h455vb4pex5vsknk084sn02",
            "user_01h455vb4pex5vsknk084sn02qq",
            "user_01h455vb4pex5vsknk084sn0il",
            "us3r_01h455vb4pex5vsknk084sn02q",
        ] {
            assert_eq!(UserId::parse(text), Err(IdError::Malformed { expected: "user" }), "{text}");
        }
    }
}
