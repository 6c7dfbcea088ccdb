//! A page of what a listener would have heard: the log read by the listener itself, up to the place it has reached by now.

use crate::platform::events::{Cursor, Event};

/// Events looked at for one page: most of them may be none of this listener's, and a page costs no more than this.
const LOOKED_AT: usize = 1000;

/// What was heard between two places of the log.
#[derive(Clone, Debug)]
pub struct Heard<N> {
    /// In the order of the log.
    pub notices: Vec<N>,
    /// How far the page reaches, also when it is empty: the place to go on from.
    pub end: String,
    /// There may be more behind it already.
    pub has_more: bool,
}

/// A page that is being filled.
pub(super) struct Page<N> {
    notices: Vec<N>,
    count: usize,
    looked_at: usize,
    reached: Cursor,
    /// The newest event when the listener began. What is behind it is for the next page: who asks was a member after this place.
    head: Cursor,
    has_more: bool,
}

impl<N> Page<N> {
    /// An empty one of at most `count` notices.
    pub(super) fn new(after: Cursor, head: Cursor, count: usize) -> Self {
        Self { notices: Vec::new(), count, looked_at: 0, reached: after, head, has_more: false }
    }

    /// Takes an event and what it says to this listener; false when the page is full or at its end.
    pub(super) fn takes(&mut self, event: &Event, heard: Option<N>) -> bool {
        if event.position > self.head.position {
            return false;
        }
        if self.looked_at == LOOKED_AT || heard.is_some() && self.notices.len() == self.count {
            self.has_more = true;
            return false;
        }
        self.looked_at += 1;
        self.reached = event.cursor();
        self.notices.extend(heard);
        true
    }

    /// What has been taken.
    pub(super) fn close(self) -> Heard<N> {
        let Self { notices, reached, head, has_more, .. } = self;
        // All up to the head has been seen then, though another server may have given a cursor behind it.
        let end = if has_more || reached.position > head.position { reached } else { head };
        Heard { notices, end: end.to_string(), has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::events::Position;

    fn event(number: i64) -> Event {
        Event::blank(Position { epoch: 1, transaction: 0, number })
    }

    fn page(count: usize, head: i64, events: impl Iterator<Item = (i64, bool)>) -> (Vec<i64>, String, bool) {
        let mut page = Page::new(event(0).cursor(), event(head).cursor(), count);
        for (number, is_told) in events {
            if !page.takes(&event(number), is_told.then_some(number)) {
                break;
            }
        }
        let Heard { notices, end, has_more } = page.close();
        (notices, end, has_more)
    }

    #[test]
    fn a_page_ends_where_the_next_one_begins() {
        let at = |number| event(number).cursor().to_string();
        let told = |range: std::ops::RangeInclusive<i64>| range.map(|number| (number, true));
        assert_eq!(page(2, 9, told(1..=3)), (vec![1, 2], at(2), true));
        assert_eq!(page(3, 9, told(1..=3)), (vec![1, 2, 3], at(9), false));
        assert_eq!(page(0, 9, told(1..=3)), (vec![], at(0), true));
        // What comes behind the head is for later.
        assert_eq!(page(5, 2, told(1..=3)), (vec![1, 2], at(2), false));
        // What is not for this listener counts as looked at.
        let (notices, end, has_more) = page(5, 5000, (1..=3000).map(|number| (number, false)));
        assert_eq!((notices, end, has_more), (vec![], at(1000), true));
        // The cursor is of a server that has read further.
        assert_eq!(page(5, -1, told(1..=3).take(0)), (vec![], at(0), false));
    }
}
