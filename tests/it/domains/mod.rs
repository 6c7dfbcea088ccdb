//! The rules of the rooms, tried through GraphQL as a client would.

mod users;
mod profile;
mod sign_in;
mod takeover;
mod signing_keys;
mod scoped_tokens;
mod bad_people_input;
mod conversations;
mod bad_room_input;
mod reach;
mod rooms;
mod live;
mod shared;
mod links;
mod inbox;
mod snapshots;
mod replay;
