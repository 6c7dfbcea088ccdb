//! Global ids: the schema's `ID`, checked for its kind where it comes in.

use std::{borrow::Cow, ops::Deref};

use async_graphql::{ID, InputType, InputValueError, InputValueResult, Value, registry::Registry};
use entity::ids::TypedId;

use super::inputs;

/// An `ID` that must be of one kind. Another kind, or no id at all, is VALIDATION_FAILED naming the kind expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalId<T>(pub T);

impl<T> Deref for GlobalId<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: TypedId> InputType for GlobalId<T> {
    type RawValueType = T;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(text)) => {
                // Only the field that takes the id knows the name of the argument: see `inputs::blame`.
                T::parse(&text).map(Self).map_err(|error| {
                    let error = InputValueError::custom(error.to_string());
                    error.with_extension(inputs::REJECTED, text).with_extension(inputs::EXPECTED, T::PREFIX)
                })
            }
            other => Err(InputValueError::expected_type(other.unwrap_or_default())),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }

    fn as_raw_value(&self) -> Option<&T> {
        Some(&self.0)
    }
}

/// The `ID` of a row.
pub fn id(id: impl TypedId) -> ID {
    ID(id.to_string())
}
