//! The mechanisms every room leans on, tried where they are: the event log and the jobs.

mod cancelled;
mod crash;
mod events;
mod files;
mod jobs;
mod migrations;
mod newcomer;
mod prefetch;
mod redis;
mod start;
