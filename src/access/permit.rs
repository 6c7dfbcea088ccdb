//! The proof that a viewer may do something: functions that write demand one, and only a policy's yes makes one.

use std::marker::PhantomData;

use super::{op::Op, viewer::Viewer};
use crate::base::error::{Error, Result};

/// What a policy answers.
#[derive(Debug)]
pub enum Verdict {
    /// Go ahead.
    Yes,
    /// The viewer may not even know that it exists. This wins over any refusal that would tell.
    Hidden,
    /// The viewer may see it but not do this, for this reason.
    No(Error),
}

impl Verdict {
    /// Yes, or a refusal with this sentence.
    #[track_caller]
    pub fn yes_if(allowed: bool, otherwise: &'static str) -> Self {
        if allowed { Self::Yes } else { Self::No(Error::denied(otherwise)) }
    }
}

/// A room's answer to "may this viewer do `Verb` to this?", from rows alone, without I/O.
pub trait Policy<Verb> {
    /// The answer.
    fn verdict(&self, viewer: &Viewer) -> Verdict;

    /// What to say when it is hidden.
    fn hidden(&self) -> Error;
}

/// Proof that the viewer may do `Verb` to the row it holds. The row was read and locked inside the write that uses it.
#[derive(Debug)]
pub struct Permit<Verb, Row> {
    row: Row,
    verb: PhantomData<fn() -> Verb>,
}

impl<Verb, Row> Permit<Verb, Row> {
    /// The row.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// The row, given up.
    pub fn into_row(self) -> Row {
        self.row
    }
}

impl Op {
    /// Asks the room's policy.
    ///
    /// # Errors
    /// The room's not-found error when the row is hidden from the viewer, else the policy's refusal.
    pub fn permit<Verb, Row: Policy<Verb>>(&self, row: Row) -> Result<Permit<Verb, Row>> {
        match row.verdict(&self.viewer) {
            Verdict::Yes => Ok(Permit { row, verb: PhantomData }),
            Verdict::Hidden => Err(row.hidden()),
            Verdict::No(error) => Err(error),
        }
    }
}
