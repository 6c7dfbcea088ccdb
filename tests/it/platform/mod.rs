//! The mechanisms every room leans on, tried where they are: databases, event log, jobs, files, commands.

mod cancelled;
mod counters;
mod crash;
mod disk;
mod events;
mod files;
mod jobs;
mod mail;
mod migrations;
mod newcomer;
mod prefetch;
mod redis;
mod start;
mod storm;
mod tables;
/// Clearing away.
mod purge;
