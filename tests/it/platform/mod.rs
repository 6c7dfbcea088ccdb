//! The mechanisms every room leans on, tried where they are: the event log and the jobs.

mod events;
mod jobs;
mod prefetch;
